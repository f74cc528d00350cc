"""An opening: chosen lines of the books behind a footprint, shown to one auditor.

A JSON document: the lines with salts and inclusion proofs, and a statement of the owner, a JWS over
what is opened of which footprint for whom. The lines stand beside the statement, which holds their
digest, so that people can read them and the statement stays small.

The rules by which `verify_opening` accepts:

1. The document has exactly the form that `issue_opening` writes.
2. The JWS rules of `jws`: ES256, `typ`, a trusted footprint key named by `kid`.
3. `iss` is the expected issuer, `sub` the id of the footprint, `credential` the digest of its
   credential, `leaves` that of the lines; `for` names somebody.
4. `root` is the disclosure of the root whose digest the credential bears: what is opened was fixed
   when the footprint was published.
5. Each line is in the tree of `size` leaves with this root (RFC 9162 section 2.1.3.2), at a place
   of its own, and has an id of its own.
6. `sealed`, if something of a sealed sum is opened, is the digest of that (`seal.opened`).

That a line is proven says that it was committed to, not that it is true, nor that the figures
follow from the lines: that is what an auditor looks at. If every leaf of the tree is opened, there
is nothing else that was committed to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from underseal_protocol import base64url, canonical, jws, merkle
from underseal_protocol.claims import expected_issuers, issue_time
from underseal_protocol.commitment import (
    MAX_LEAVES,
    PADDING,
    Commitment,
    Leaf,
    ProvenLeaf,
    SaltedLeaf,
    check_leaf,
    digest_of_root,
    root_in,
)
from underseal_protocol.credential import VerifiedCredential
from underseal_protocol.errors import CommitmentError, CredentialError, JsonError, MerkleError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

__all__ = ["OPENING_TYPE", "Opening", "committed_root", "issue_opening", "verify_opening"]

OPENING_TYPE = "underseal-opening+jwt"
DOCUMENT_TYPE = "underseal-opening"
DOCUMENT_VERSION = 1
MAX_OPENED = 1 << 14  # leaves of one opening
MAX_VERIFIER_CHARACTERS = 300

SEALED = "sealed"  # a member, and a claim, if something of a sealed sum is opened
_MEMBERS = frozenset({"type", "version", "statement", "leaves"})
_LEAF_MEMBERS = frozenset({"index", "salt", "leaf", "proof"})
_CLAIMS = frozenset({"iss", "sub", "iat", "for", "credential", "root", "size", "leaves"})


@dataclass(frozen=True, slots=True)
class Opening:
    """What a verified opening proves.

    Attributes:
        verifier: for whom the owner has opened it; the owner's word.
        issuer: the URL of the node that signed.
        kid: the key it signed with.
        issued_at: by the clock of the issuer.
        root: of the tree, base64url.
        root_disclosure: by which the credential bears it, encoded.
        size: leaves of the tree, padding included.
        lines: the leaves that are opened, without padding, in the order of the tree.
        is_whole: every leaf of the tree is opened, so there is no other line.
        digest: by which the statement is known (`jws.statement_digest`).
        sealed: what is opened of a sealed sum, not checked (`seal.opened`); None if nothing is.
    """

    verifier: str
    issuer: str
    kid: str
    issued_at: datetime
    root: str
    root_disclosure: str = field(repr=False)
    size: int
    lines: tuple[Leaf, ...] = field(repr=False)
    is_whole: bool
    digest: str
    sealed: Any = field(default=None, repr=False)


def issue_opening(
    commitment: Commitment,
    ids: Collection[str] | None,
    *,
    verifier: str,
    footprint_id: str,
    credential_digest: str,
    key: SigningKey,
    issuer: str,
    issued_at: datetime,
    sealed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Open lines for an auditor.

    Args:
        commitment: of the footprint.
        ids: of the lines; None for all, which also shows that there are no others.
        verifier: the name of the auditor.
        footprint_id: the footprint.
        credential_digest: `digest` of its credential.
        key: the footprint key of the node.
        issuer: the URL of the node.
        issued_at: aware; the fraction of a second is dropped.
        sealed: what else is opened, of a sealed sum (`seal.opened`).

    Returns:
        the document, JSON.

    Raises:
        CommitmentError: there is no such line, there are more than `MAX_OPENED`, or nobody is named
            as verifier.
        CredentialError: the key is for something else.
        ValueError: `issued_at` is naive.
    """
    if key.purpose is not KeyPurpose.FOOTPRINT:
        raise CredentialError(f"a key for {key.purpose} was used to sign an opening")
    if issued_at.tzinfo is None:
        raise ValueError("issued_at has no time zone")
    _check_verifier(verifier)
    count = commitment.size if ids is None else len(set(ids))
    if count > MAX_OPENED:
        raise CommitmentError(
            f"{count} leaves would be opened, at most {MAX_OPENED} are at once",
            hint="Open lines in several parts; of a tree this large, not all leaves at once.",
        )
    leaves = [_leaf_to_json(one) for one in commitment.prove(ids)]
    payload: dict[str, Any] = {
        "iss": issuer.rstrip("/"),
        "sub": footprint_id,
        "iat": int(issued_at.timestamp()),
        "for": verifier,
        "credential": credential_digest,
        "root": commitment.disclosure,
        "size": commitment.size,
        "leaves": canonical.digest(leaves),
    }
    more = {} if sealed is None else {SEALED: dict(sealed)}
    payload |= {name: canonical.digest(one) for name, one in more.items()}
    return {
        "type": DOCUMENT_TYPE,
        "version": DOCUMENT_VERSION,
        "statement": jws.sign(payload, typ=OPENING_TYPE, key=key),
        "leaves": leaves,
        **more,
    }


def verify_opening(
    value: Any,
    *,
    keys: PublicKeySet,
    issuer: str | Collection[str] | None,
    footprint_id: str,
    proven: VerifiedCredential,
) -> Opening:
    """Check an opening against the credential of a footprint.

    Args:
        value: the document, as read by `strict_json.loads`.
        keys: of the owner; the only ones trusted.
        issuer: the URL of the node that must have signed, or several if it has moved; None if the
            keys alone say whom to trust.
        footprint_id: the footprint.
        proven: what its credential proves, at any level.

    Raises:
        KeySetError: the key is not trusted, or not for footprints.
        SignatureMismatchError: the signature is not of this key.
        CommitmentError: it is malformed, of another footprint or root, or a line is not in the
            tree.
        CredentialError: the statement is malformed.
    """
    statement, leaves, sealed = _parts(value)
    parsed = jws.verify(statement, typ=OPENING_TYPE, purpose=KeyPurpose.FOOTPRINT, keys=keys)
    claims = parsed.payload
    _check_claims(claims)
    try:
        digest = canonical.digest(leaves)
        digest_of_sealed = None if sealed is None else canonical.digest(sealed)
    except JsonError as error:
        raise CommitmentError(f"the lines were not signed like this: {error.message}") from error
    _require("the lines that are opened", digest, claims["leaves"])
    _require("what is opened of the sealed sum", digest_of_sealed, claims.get(SEALED))
    issuers = expected_issuers(issuer)
    if issuers is not None and claims["iss"] not in issuers:
        raise CommitmentError(
            f"the opening is of {claims['iss']!r}, expected {' or '.join(map(repr, issuers))}"
        )
    _require("the footprint", footprint_id, claims["sub"])
    _require("its credential", proven.digest, claims["credential"])
    root = committed_root(claims["root"], proven)
    opened = [_leaf_of(one) for one in leaves]
    _check_proofs(opened, claims["size"], base64url.decode(root))
    return Opening(
        verifier=claims["for"],
        issuer=claims["iss"],
        kid=str(parsed.header["kid"]),
        issued_at=issue_time(claims["iat"]),
        root=root,
        root_disclosure=claims["root"],
        size=claims["size"],
        lines=tuple(dict(one.leaf.leaf) for one in opened if one.leaf.leaf != PADDING),
        is_whole=len(opened) == claims["size"],
        digest=jws.statement_digest(statement),
        sealed=sealed,
    )


def committed_root(disclosure: Any, proven: VerifiedCredential) -> str:
    """The root in a disclosure, if it is the one that a credential bears (rule 4).

    Args:
        disclosure: encoded.
        proven: what the credential proves.

    Returns:
        the root, base64url.

    Raises:
        CommitmentError: it is another one, or the credential bears none.
    """
    root = root_in(disclosure)
    if proven.commitment is None:
        raise CommitmentError(
            "the footprint was published without a commitment, so nothing of it can be opened",
            hint="Only what a node has calculated is committed to.",
        )
    digest = digest_of_root(disclosure)
    if digest != proven.commitment:
        raise CommitmentError(
            f"the root {root} is not the one of this footprint: its disclosure has the digest "
            f"{digest}, the credential says {proven.commitment}"
        )
    return root


def _leaf_to_json(one: ProvenLeaf) -> dict[str, Any]:
    return {
        "index": one.index,
        "salt": base64url.encode(one.leaf.salt),
        "leaf": dict(one.leaf.leaf),
        "proof": [base64url.encode(each) for each in one.proof],
    }


def _parts(value: Any) -> tuple[str, list[Any], Any]:
    """The statement and the lines of a document, and what it opens of a sealed sum."""
    if (
        not isinstance(value, Mapping)
        or value.keys() - {SEALED} != _MEMBERS
        or (value["type"], value["version"]) != (DOCUMENT_TYPE, DOCUMENT_VERSION)
        or not isinstance(value["statement"], str)
        or not isinstance(value["leaves"], list)
    ):
        raise CommitmentError(
            f"this is no opening: expected the type {DOCUMENT_TYPE!r}, version {DOCUMENT_VERSION}, "
            f"with the members {', '.join(sorted(_MEMBERS))}",
            hint="`underseal audit open` makes one.",
        )
    leaves = value["leaves"]
    if not 1 <= len(leaves) <= MAX_OPENED:
        raise CommitmentError(f"{len(leaves)} lines are opened, expected 1 to {MAX_OPENED}")
    return value["statement"], leaves, value.get(SEALED)


def _check_claims(claims: Mapping[str, Any]) -> None:
    if claims.keys() - {SEALED} != _CLAIMS:
        raise CommitmentError(
            f"the opening has the claims {sorted(claims)}, expected {sorted(_CLAIMS)}"
        )
    for name in ("iss", "sub", "credential", "leaves"):
        if not isinstance(claims[name], str):
            raise CommitmentError(f"the opening has {name} = {claims[name]!r}, expected a text")
    issue_time(claims["iat"])
    _check_verifier(claims["for"])
    size = claims["size"]
    if type(size) is not int or not 1 <= size <= MAX_LEAVES or size & (size - 1):
        raise CommitmentError(
            f"the opening is of a tree of {size!r} leaves, expected a power of two up to "
            f"{MAX_LEAVES}"
        )


def _check_verifier(name: Any) -> None:
    if (
        not isinstance(name, str)
        or not 0 < len(name.strip()) <= len(name) <= (MAX_VERIFIER_CHARACTERS)
        or "\0" in name
    ):
        raise CommitmentError(
            f"the opening is for {name!r}, expected a name of 1..{MAX_VERIFIER_CHARACTERS} "
            "characters"
        )


def _leaf_of(value: Any) -> ProvenLeaf:
    """A line as it stands in a document."""
    if not isinstance(value, Mapping) or value.keys() != _LEAF_MEMBERS:
        raise CommitmentError(
            f"a line does not have exactly the members {', '.join(sorted(_LEAF_MEMBERS))}"
        )
    leaf, index, proof = value["leaf"], value["index"], value["proof"]
    if leaf != PADDING:
        check_leaf(leaf)
    if type(index) is not int or not isinstance(proof, list):
        raise CommitmentError(f"a line has the index {index!r} and the proof {proof!r}")
    try:
        salt, hashes = base64url.decode(value["salt"]), map(base64url.decode, proof)
        return ProvenLeaf(SaltedLeaf(salt, leaf), index, tuple(hashes))
    except (AttributeError, TypeError, ValueError) as error:
        raise CommitmentError(f"salt or proof of a line cannot be read: {error}") from None


def _check_proofs(opened: Collection[ProvenLeaf], size: int, root: bytes) -> None:
    """Each line is in the tree, and none of them twice."""
    places: set[int] = set()
    ids: set[str] = set()
    for one in opened:
        name = one.leaf.leaf.get("id", "the padding")
        try:
            merkle.verify_inclusion(one.leaf.hash, one.index, size, one.proof, root)
        except MerkleError as error:
            raise CommitmentError(
                f"the line {name!r} is not what was committed to: {error.message}"
            ) from error
        if one.index in places or name in ids:
            raise CommitmentError(f"the line {name!r}, at {one.index}, is opened twice")
        places.add(one.index)
        if "id" in one.leaf.leaf:
            ids.add(name)


def _require(what: str, actual: str | None, signed: Any) -> None:
    if actual != signed:
        raise CommitmentError(f"{what} is {actual!r}, the opening was signed for {signed!r}")
