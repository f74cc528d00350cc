"""The key log of a node: who it is, where it is and which keys it has, in signed entries.

Peers pin the newest entry they know and follow the log from there; so a node can change its keys
and its address, and nobody else can. Each entry is a JWS that stands for the whole state (address,
keys, revoked keys, recovery key) and names the digest of the entry before it.

The rules by which `advance` accepts an entry:

1. It is signed by the key that it carries as `signer`, with the purpose of that key.
2. Signed with an identity key: that key is in the entry before it and not revoked there; the entry
   before it is the newest one accepted; it keeps the recovery key (or gives one where there was
   none) and revokes nothing.
3. Signed with the recovery key: that key is the recovery key of the entry before it, which may be
   any entry, also one that the reader does not know if the recovery key is the pinned one. What
   follows that entry otherwise no longer counts: the thief of an identity key can go on with the
   log, and the owner still has the last word. Recoveries are counted, so none can be replayed.
4. Keys are never taken out, nor given another purpose, except by being revoked; what rotated keys
   signed stays verifiable. Those for access tokens and client assertions may be left out: what they
   signed has expired.
5. Every key says what it is for and is named by its RFC 7638 thumbprint, so that a name stands for
   one key and a key has one name: otherwise another key could be put in the place of a pinned one,
   and a revoked one could come back. Keys for what this version does not know are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from underseal_protocol import jws
from underseal_protocol.claims import issue_time
from underseal_protocol.errors import CredentialError, KeyLogError, KeySetError
from underseal_protocol.keys import KeyPurpose, PublicKey, PublicKeySet, SigningKey

__all__ = [
    "KEY_LOG_MEMBER",
    "KEY_LOG_PATH",
    "KEY_LOG_TYPE",
    "MAX_ENTRIES",
    "MAX_ENTRY_CHARACTERS",
    "SHORT_LIVED",
    "KeyLogEntry",
    "advance",
    "first_entry",
    "next_entry",
    "read_entry",
]

KEY_LOG_TYPE = "underseal-key-log+jwt"
MAX_ENTRY_CHARACTERS = 64 * 1024  # a hundred keys (33 KB), and four hundred that are revoked
MAX_ENTRIES = 1_000
KEY_LOG_PATH = "/.well-known/underseal-key-log"
KEY_LOG_MEMBER = "underseal_key_log"  # of the discovery document
SHORT_LIVED = frozenset({KeyPurpose.ACCESS_TOKEN, KeyPurpose.CLIENT})
"""What these sign is good for minutes."""

_REQUIRED = frozenset({"iss", "iat", "number", "recoveries", "jwks", "revoked", "signer"})
_OPTIONAL = frozenset({"recovery", "previous"})


@dataclass(frozen=True)
class KeyLogEntry:
    """One state of a node, as its owner signed it.

    Attributes:
        number: 1 for the first.
        recoveries: how many entries up to this one were signed with the recovery key.
        url: of the node (`iss`), without trailing slash.
        issued_at: by the owner's clock: no evidence of when it was signed.
        keys: every public key that is not revoked, rotated ones too.
        revoked: the names of revoked keys, each with the instant since which it may have been in
            other hands.
        recovery: the key that alone can revoke; None while there is none.
        previous: digest of the entry before; None for the first.
        signer: the key that signed this entry.
        token: the JWS.
        digest: by which this entry is known.
    """

    number: int
    recoveries: int
    url: str
    issued_at: datetime
    keys: PublicKeySet = field(compare=False)
    revoked: Mapping[str, datetime]
    recovery: PublicKey | None
    previous: str | None
    signer: PublicKey
    token: str = field(repr=False)
    digest: str

    @property
    def is_recovery(self) -> bool:
        """Whether it was signed with the recovery key."""
        return self.signer.purpose is KeyPurpose.RECOVERY

    def current(self, purpose: KeyPurpose) -> PublicKey:
        """The key that is in use for a purpose: the last one of it in the set.

        Raises:
            KeySetError: there is none.
        """
        found = [key for key in self.keys if key.purpose is purpose]
        if not found:
            raise KeySetError(f"the key set holds no key for {purpose}")
        return found[-1]


def first_entry(
    *,
    url: str,
    keys: PublicKeySet,
    recovery: PublicKey | None,
    key: SigningKey,
    issued_at: datetime,
) -> KeyLogEntry:
    """Begin a log.

    Args:
        url: of the node.
        keys: its public keys; the one in use for a purpose is the last of it.
        recovery: its recovery key, if it has one.
        key: one of its identity keys.
        issued_at: aware; the fraction of a second is dropped.
    """
    return _signed(None, url, keys, {}, recovery, key, issued_at)


def next_entry(
    before: KeyLogEntry,
    *,
    key: SigningKey,
    issued_at: datetime,
    url: str | None = None,
    keys: PublicKeySet | None = None,
    revoked: Mapping[str, datetime] | None = None,
    recovery: PublicKey | None = None,
) -> KeyLogEntry:
    """Go on with a log; what is not given stays as it is.

    Args:
        before: the entry to follow.
        key: an identity key of `before`, or its recovery key.
        issued_at: aware; the fraction of a second is dropped.
        url: where the node is now.
        keys: all public keys, without those that are revoked.
        revoked: all revoked keys, those of `before` among them.
        recovery: the new recovery key.

    Raises:
        KeyLogError: it would not be accepted by those who know `before`.
    """
    made = _signed(
        before,
        before.url if url is None else url,
        before.keys if keys is None else keys,
        before.revoked if revoked is None else revoked,
        before.recovery if recovery is None else recovery,
        key,
        issued_at,
    )
    _check_step(before, made)
    return made


def read_entry(token: str) -> KeyLogEntry:
    """Read one entry and check that the key that it names signed it.

    That proves nothing about whose log it is: compare it with what is pinned (`advance`), or take
    it from somebody who is known by other means.

    Raises:
        KeyLogError: it is malformed, or not signed by the key that it names.
    """
    try:
        return _read(token)
    except KeyLogError:
        raise
    except (CredentialError, KeySetError) as error:
        raise KeyLogError(f"an entry of a key log is not valid: {error.message}") from error


def advance(known: Sequence[KeyLogEntry], entries: Sequence[KeyLogEntry]) -> list[KeyLogEntry]:
    """Follow a log from what is known of it. Compares only: the signatures have been checked.

    Args:
        known: entries accepted before, oldest first; at least one, the pinned one.
        entries: further ones as `read_entry` gives them, oldest first; some may be known already.

    Returns:
        what holds now, oldest first; the last one says what is true of the node.

    Raises:
        KeyLogError: an entry does not follow, by the rules above, and no recovery that does comes
            after it; then none is accepted.
    """
    if len(entries) > MAX_ENTRIES:
        raise KeyLogError(f"the key log has {len(entries)} entries, expected at most {MAX_ENTRIES}")
    accepted = list(known)
    last_recovery = max((one.recoveries for one in entries), default=0)
    met = {one.digest for one in known}
    for entry in entries:
        # A log may be sent whole; what came before the pinned entry says nothing new.
        is_older = entry.number <= known[0].number and entry.recoveries <= known[0].recoveries
        if entry.digest in met or is_older:
            continue
        try:
            accepted = _accept(accepted, entry)
            met.add(entry.digest)
        except KeyLogError:
            # Where a thief was believed, the owner's own entries of that time do not follow. That
            # is no obstacle: what counts is the recovery that comes after them.
            if entry.recoveries >= last_recovery:
                raise
    return accepted


def _accept(accepted: list[KeyLogEntry], entry: KeyLogEntry) -> list[KeyLogEntry]:
    newest = accepted[-1]
    where = f"entry {entry.number} of the key log of {entry.url}"
    if entry.recoveries < newest.recoveries or (
        entry.is_recovery and entry.recoveries == newest.recoveries
    ):
        raise KeyLogError(f"{where} would undo a recovery")
    before = next((one for one in reversed(accepted) if one.digest == entry.previous), None)
    if before is None:
        return [_recovered(newest, entry, where)]
    if before is not newest and not entry.is_recovery:
        raise KeyLogError(
            f"{where} is not the only one that follows entry {before.number}: "
            "somebody else may have its keys"
        )
    _check_step(before, entry)
    return [*accepted[: accepted.index(before) + 1], entry]


def _recovered(newest: KeyLogEntry, entry: KeyLogEntry, where: str) -> KeyLogEntry:
    """A recovery from before what was pinned.

    Raises:
        KeyLogError: it is no recovery with the pinned recovery key.
    """
    pinned = None if newest.recovery is None else newest.recovery.kid
    if not entry.is_recovery or entry.signer.kid != pinned:
        raise KeyLogError(
            f"{where} does not follow from what is pinned (entry {newest.number})",
            hint="Ask the company on another way which keys are its own, and confirm them.",
        )
    if not newest.revoked.items() <= entry.revoked.items():
        raise KeyLogError(f"{where} takes back what was revoked")
    return entry


def _check_step(before: KeyLogEntry, entry: KeyLogEntry) -> None:
    """Rules 2 to 4 for two entries in a row.

    Raises:
        KeyLogError: a rule is broken.
    """
    where = f"entry {entry.number} of the key log of {entry.url}"
    if entry.number != before.number + 1 or entry.previous != before.digest:
        raise KeyLogError(f"{where} does not follow entry {before.number}")
    if entry.recoveries != before.recoveries + entry.is_recovery:
        raise KeyLogError(f"{where} counts {entry.recoveries} recoveries")
    if entry.is_recovery:
        if before.recovery is None or before.recovery.kid != entry.signer.kid:
            raise KeyLogError(f"{where} is not signed with the recovery key that was pinned")
    else:
        _check_by_identity(before, entry, where)
    _check_lasting(before, entry, where)
    if not before.revoked.items() <= entry.revoked.items():
        raise KeyLogError(f"{where} takes back what was revoked")


def _check_lasting(before: KeyLogEntry, entry: KeyLogEntry, where: str) -> None:
    """Rule 4: what signed something that lasts is there still, for the same purpose."""
    held = {key.kid: key.purpose for key in entry.keys}  # thumbprints, by rule 5
    for key in before.keys:
        if key.purpose in SHORT_LIVED or key.kid in entry.revoked:
            continue
        purpose = held.get(key.kid)
        if purpose is None:
            raise KeyLogError(f"{where} leaves out the key {key.kid!r} without revoking it")
        if purpose is not key.purpose:
            raise KeyLogError(
                f"{where} says that the key {key.kid!r} is for {purpose}; it was for {key.purpose}"
            )


def _check_by_identity(before: KeyLogEntry, entry: KeyLogEntry, where: str) -> None:
    if entry.signer.kid not in {
        key.kid for key in before.keys if key.purpose is KeyPurpose.IDENTITY
    }:
        raise KeyLogError(f"{where} is not signed with an identity key that was pinned")
    if entry.revoked != before.revoked:
        raise KeyLogError(f"{where} revokes a key without the recovery key")
    kept = None if before.recovery is None else before.recovery.kid
    given = None if entry.recovery is None else entry.recovery.kid
    if kept is not None and kept != given:
        raise KeyLogError(f"{where} replaces the recovery key without being signed with it")


def _signed(
    before: KeyLogEntry | None,
    url: str,
    keys: PublicKeySet,
    revoked: Mapping[str, datetime],
    recovery: PublicKey | None,
    key: SigningKey,
    issued_at: datetime,
) -> KeyLogEntry:
    if key.purpose not in (KeyPurpose.IDENTITY, KeyPurpose.RECOVERY):
        raise KeyLogError(f"a key for {key.purpose} was used to sign a key log")
    if issued_at.tzinfo is None:
        raise ValueError("issued_at has no time zone")
    payload: dict[str, Any] = {
        "iss": url.rstrip("/"),
        "iat": int(issued_at.timestamp()),
        "number": 1 if before is None else before.number + 1,
        "recoveries": (0 if before is None else before.recoveries)
        + (key.purpose is KeyPurpose.RECOVERY),
        "jwks": keys.to_jwks(),
        "revoked": {kid: int(since.timestamp()) for kid, since in sorted(revoked.items())},
        "signer": key.public_jwk(),
    }
    if recovery is not None:
        payload["recovery"] = recovery.jwk()
    if before is not None:
        payload["previous"] = before.digest
    return read_entry(jws.sign(payload, typ=KEY_LOG_TYPE, key=key))


def _read(token: str) -> KeyLogEntry:
    claims = jws.parse(token, max_characters=MAX_ENTRY_CHARACTERS).payload
    missing, surplus = _REQUIRED - claims.keys(), claims.keys() - _REQUIRED - _OPTIONAL
    if missing or surplus:
        raise KeyLogError(
            f"an entry of a key log has the claims {sorted(claims)}, expected {sorted(_REQUIRED)}"
        )
    signer = _one_key(claims["signer"], "signer")
    if signer.purpose not in (KeyPurpose.IDENTITY, KeyPurpose.RECOVERY):
        raise KeyLogError(f"an entry of a key log is signed with a key for {signer.purpose}")
    jws.verify(
        token,
        typ=KEY_LOG_TYPE,
        purpose=signer.purpose,
        keys=PublicKeySet([signer]),
        max_characters=MAX_ENTRY_CHARACTERS,
    )
    recovery = _one_key(claims["recovery"], "recovery") if "recovery" in claims else None
    if recovery is not None and recovery.purpose is not KeyPurpose.RECOVERY:
        raise KeyLogError(f"the recovery key of a key log is a key for {recovery.purpose}")
    number, previous, url = claims["number"], claims.get("previous"), claims["iss"]
    recoveries = claims["recoveries"]
    if type(number) is not int or number < 1 or (previous is None) != (number == 1):
        raise KeyLogError(f"an entry of a key log has the number {number!r}")
    if type(recoveries) is not int or not 0 <= recoveries < number:
        raise KeyLogError(f"an entry of a key log counts {recoveries!r} recoveries")
    if not isinstance(url, str) or not (previous is None or isinstance(previous, str)):
        raise KeyLogError("an entry of a key log names no address, or nothing that it follows")
    if not isinstance(claims["revoked"], dict):
        raise KeyLogError("an entry of a key log does not say which keys are revoked")
    return KeyLogEntry(
        number=number,
        recoveries=recoveries,
        url=url.rstrip("/"),
        issued_at=issue_time(claims["iat"]),
        keys=_keys(claims["jwks"], claims["revoked"]),
        revoked={kid: issue_time(since) for kid, since in claims["revoked"].items()},
        recovery=recovery,
        previous=previous,
        signer=signer,
        token=token,
        digest=jws.statement_digest(token),
    )


def _keys(jwks: Any, revoked: Mapping[str, Any]) -> PublicKeySet:
    """The keys of an entry: each in our own form (rule 5), and none of them revoked."""
    keys = PublicKeySet.from_jwks(jwks)
    for key in keys:
        name = key.thumbprint()
        # `from_jwks` holds a key that states a purpose to its thumbprint; keys of other makes,
        # which may have any name, are for key sets without a log.
        if key.purpose is None or key.kid != name:
            raise KeyLogError(f"the key {key.kid!r} of a key log does not say what it is for")
        if name in revoked:
            raise KeyLogError(f"an entry of a key log holds the key {name!r}, which is revoked")
    return keys


def _one_key(jwk: Any, what: str) -> PublicKey:
    """A key that an entry carries; in our own form, so that its name is its thumbprint."""
    keys = list(PublicKeySet.from_jwks({"keys": [jwk]}))
    if not keys or keys[0].purpose is None:
        raise KeyLogError(f"the {what} of a key log is not a key of this protocol")
    return keys[0]
