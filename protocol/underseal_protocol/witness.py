"""What others hold of a log: receipts and acknowledgements, as lines of JSON.

A line is `{"kind": "receipt", "token": JWS}` or `{"kind": "acknowledgement", "token": JWS}`. One
side exports what it holds; the other checks its own log against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from underseal_protocol import jws, strict_json
from underseal_protocol.audit_check import Claim
from underseal_protocol.errors import CredentialError, JsonError, ProtocolError
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.receipt import (
    MAX_CHARACTERS,
    Receipt,
    footprints_of,
    read_acknowledgement,
    read_receipt,
)

__all__ = ["Witnesses", "read_witnesses", "receipts_about"]

MAX_LINES = 100_000
MAX_SHOWN_CHARACTERS = 200  # of what says who has signed something
RECEIPT, ACKNOWLEDGEMENT = "receipt", "acknowledgement"
_LIMITS = strict_json.JsonLimits(max_bytes=MAX_CHARACTERS + 1024, max_depth=4)


class Witnesses:
    """What was read.

    Attributes:
        claims: what this node has signed, with what it says of the log.
        forged: about each statement that names this node and is not signed by it, a sentence.
        foreign: how many statements are of others.
        issuers: who these others are, as the statements say.
    """

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.forged: list[str] = []
        self.foreign = 0
        self.issuers: set[str] = set()

    @property
    def reach(self) -> int:
        """How many entries, from the first one on, the longest of the heads in them covers."""
        return max((one.size or 0 for one in self.claims), default=0)


def read_witnesses(lines: Iterable[str], *, urls: Collection[str], keys: PublicKeySet) -> Witnesses:
    """Read what others hold.

    Args:
        lines: of the file.
        urls: of the node whose log is checked: the present one, and those before a move.
        keys: every receipt key that it ever had.

    Raises:
        CredentialError: a line is none of these.
    """
    found = Witnesses()
    for number, kind, token, issuer in _statements(lines):
        try:
            found.claims += _claims(kind, token, keys)
        except ProtocolError as error:
            if isinstance(issuer, str) and issuer in urls:
                found.forged.append(
                    f"line {number} of what others hold names this node, but {error.message}"
                )
            else:
                found.foreign += 1
                found.issuers.add(str(issuer)[:MAX_SHOWN_CHARACTERS])
    return found


def receipts_about(
    lines: Iterable[str], *, footprint_id: str, digest: str, keys: PublicKeySet
) -> list[Receipt]:
    """The receipts that confirm one footprint, each with a signature that holds.

    Args:
        lines: of the file; what is about other footprints, or of other nodes, is left out.
        footprint_id: lower case.
        digest: of its credential.
        keys: the only keys trusted.

    Raises:
        CredentialError: a line is no receipt and no acknowledgement, or a receipt that confirms
            the footprint with a key of this set is not what was signed.
        MerkleError: such a receipt does not show that its entry is in the log.
    """
    trusted, found = {key.kid for key in keys}, []
    for number, kind, token, _ in _statements(lines):
        if kind != RECEIPT or jws.named_key(token) not in trusted:
            continue
        try:
            confirmed = {(one.footprint_id, one.digest) for one in footprints_of(token)}
        except CredentialError:
            raise CredentialError(f"line {number} is a receipt without footprints") from None
        if (footprint_id, digest) in confirmed:
            found.append(read_receipt(token, keys=keys))
    return found


def _statements(lines: Iterable[str]) -> Iterator[tuple[int, str, str, object]]:
    """Number of the line, kind, token and issuer of each; nothing is checked.

    Raises:
        CredentialError: a line is none of these.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if number > MAX_LINES:
            raise CredentialError(f"there are more than {MAX_LINES} lines")
        kind, token = _parts(line, number)
        try:
            payload = jws.parse(token, max_characters=MAX_CHARACTERS).payload
        except CredentialError as error:
            raise CredentialError(f"line {number}: {error.message}") from error
        yield number, kind, token, payload.get("iss")


def _parts(line: str, number: int) -> tuple[str, str]:
    try:
        value = strict_json.loads(line, limits=_LIMITS)
    except JsonError as error:
        raise CredentialError(f"line {number}: {error.message}") from error
    kind = value.get("kind") if isinstance(value, dict) else None
    token = value.get("token") if isinstance(value, dict) else None
    if kind not in (RECEIPT, ACKNOWLEDGEMENT) or not isinstance(token, str):
        raise CredentialError(f"line {number} is no receipt and no acknowledgement")
    return kind, token


def _claims(kind: str, token: str, keys: PublicKeySet) -> list[Claim]:
    if kind == RECEIPT:
        receipt = read_receipt(token, keys=keys)
        when = f"{receipt.issued_at:%Y-%m-%dT%H:%M:%SZ}"
        return [
            Claim(
                f"the receipt of {when} for {receipt.audience}",
                is_witness=True,
                size=receipt.head.size,
                root=receipt.head.root,
                number=receipt.number,
                leaf=receipt.leaf,
                issuer=receipt.issuer,
                issued_at=receipt.issued_at,
                kid=jws.named_key(token),
            )
        ]
    given = read_acknowledgement(token, keys=keys)
    source = f"the acknowledgement of {given.issued_at:%Y-%m-%dT%H:%M:%SZ} for {given.audience}"
    head = given.head
    return [
        Claim(
            source,
            is_witness=True,
            size=None if head is None else head.size,
            root=None if head is None else head.root,
            acknowledgement=given.digest,
            issuer=given.issuer,
            issued_at=given.issued_at,
            kid=jws.named_key(token),
        )
    ]
