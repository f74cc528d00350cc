"""An audit log as lines of JSON, and checking one without the node that it is from.

The first line says whose log it is and with which keys its heads are signed. Then come the signed
heads, the entries in their order, and the sets of footprints that entries name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from underseal_protocol import jws, strict_json
from underseal_protocol.audit import pack_ids, read_tree_head, unpack_ids
from underseal_protocol.audit_check import Claim, LogCheck, Problem, ProblemKind
from underseal_protocol.audit_result import Checked, KeysFrom, limits_of
from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.errors import AuditError, JsonError, ProtocolError
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.witness import Witnesses, read_witnesses

__all__ = [
    "begin_check",
    "check_export",
    "entry_line",
    "finish_check",
    "head_claim",
    "head_line",
    "log_line",
    "set_line",
]

VERSION = 1
SHOWN_ISSUERS = 3
_LIMITS = strict_json.JsonLimits(max_bytes=16 * 1024 * 1024, max_depth=16)


def log_line(url: str, keys: PublicKeySet) -> bytes:
    """The first line.

    Args:
        url: of the node.
        keys: every receipt key that it ever had.
    """
    return _line({"kind": "log", "version": VERSION, "url": url, **keys.to_jwks()})


def head_line(token: str) -> bytes:
    """A signed head (JWS)."""
    return _line({"kind": "head", "token": token})


def entry_line(number: int, body: str) -> bytes:
    """An entry; as text if it is not what an entry is, so that the export is what is stored."""
    try:
        entry = strict_json.loads(body)
        if canonical_bytes(entry) == body.encode():
            return _line({"kind": "entry", "number": number, "entry": entry})
    except (JsonError, UnicodeEncodeError):
        pass
    return _line({"kind": "entry", "number": number, "text": body})


def set_line(digest: str, packed: bytes) -> bytes:
    """A set of footprints."""
    return _line({"kind": "set", "digest": digest, "ids": unpack_ids(packed)})


def check_export(
    lines: Iterable[str | bytes],
    *,
    keys: PublicKeySet | None = None,
    revoked: Mapping[str, datetime] | None = None,
    urls: Collection[str] = (),
    expected_url: str | None = None,
    witness_lines: Iterable[str] = (),
) -> Checked:
    """Check an exported log.

    Args:
        lines: of the file.
        keys: every receipt key that the node ever had; None to take those that the file names,
            which then is no proof of whose log it is.
        revoked: names of keys among them that are revoked, with the instant since which each may
            have been in other hands.
        urls: of the node, as far as they are known from elsewhere.
        expected_url: whose log it has to be: one of its signed heads must say so. None if that is
            not known.
        witness_lines: what others hold of it.

    Raises:
        AuditError: it is no exported log.
        CredentialError: a line of what others hold is none.
        KeySetError: no keys are given, and those in the file cannot be used.
    """
    rows = _rows(lines)
    first = next(rows, None)
    if first is None or first.get("kind") != "log" or first.get("version") != VERSION:
        raise AuditError("the file is no exported audit log: its first line does not say so")
    trusted = PublicKeySet.from_jwks(first) if keys is None else keys
    heads, problems, rest = _heads(rows, trusted)
    issuers = {one.issuer for one in heads if one.issuer is not None}
    if expected_url is not None and expected_url not in issuers:
        said = _named(issuers) if issuers else "nobody"
        message = f"no head is signed as {expected_url!r}, whose log is expected, but by {said}"
        problems.append(Problem(ProblemKind.OTHER_LOG, None, message))
    own = {str(first.get("url")), *issuers, *urls} | ({expected_url} if expected_url else set())
    witnesses = read_witnesses(witness_lines, urls=own, keys=trusted)
    log_check = begin_check(heads, witnesses)
    for row in rest:
        _look(row, log_check)
    keys_from = KeysFrom.LOG if keys is None else KeysFrom.GIVEN
    checked = finish_check(
        log_check, heads, witnesses, problems, keys_from=keys_from, revoked=revoked or {}
    )
    if checked.size or checked.problems:
        return checked
    # Of its own log, a node knows that it was empty from the beginning. Of a file, nobody does.
    message = "there is no entry and no signed head in it: nothing shows that this is a whole log"
    return replace(checked, problems=[Problem(ProblemKind.UNSIGNED, None, message)])


def head_claim(token: str, keys: PublicKeySet) -> Claim | Problem:
    """What a signed head says, or why it says nothing."""
    try:
        head = read_tree_head(token, keys)
    except ProtocolError as error:
        message = f"a head of the log does not verify: {error.message}"
        return Problem(ProblemKind.UNKNOWN_SIGNATURE, None, message)
    return Claim(
        f"the head signed at {head.issued_at:%Y-%m-%dT%H:%M:%SZ}",
        size=head.size,
        root=head.root,
        issuer=head.issuer,
        issued_at=head.issued_at,
        kid=jws.named_key(token),
    )


def begin_check(heads: Sequence[Claim], witnesses: Witnesses) -> LogCheck:
    """Begin to check a log, whose entries and sets are still to come.

    Args:
        heads: what its signed heads say.
        witnesses: what others hold of it.
    """
    log_check = LogCheck([*heads, *witnesses.claims])
    for message in witnesses.forged:
        log_check.forged(message)
    return log_check


def finish_check(
    log_check: LogCheck,
    heads: Sequence[Claim],
    witnesses: Witnesses,
    problems: Sequence[Problem],
    *,
    keys_from: KeysFrom,
    revoked: Mapping[str, datetime],
) -> Checked:
    """What the check of a log has brought, once all its entries have been looked at.

    Args:
        log_check: of `begin_check`.
        heads: as there.
        witnesses: as there.
        problems: found besides, before those of the check.
        keys_from: who says with which keys it has to be signed.
        revoked: names of revoked keys, with the instant since which each may have been in other
            hands.
    """
    found = [*problems, *log_check.finish()]
    if witnesses.foreign and not witnesses.claims and not witnesses.forged:
        # Whoever gives statements wants them compared; a log that was swapped has none.
        message = (
            "nothing of what others hold is about this log: it is signed by "
            f"{_named(witnesses.issuers)}"
        )
        found.append(Problem(ProblemKind.OTHER_LOG, None, message, is_of_statement=True))
    newest = max(heads, key=lambda one: one.size or 0, default=None)
    return Checked(
        problems=found,
        size=log_check.size,
        root=log_check.root(),
        heads=len(heads),
        witnesses=len(witnesses.claims),
        foreign=witnesses.foreign,
        keys_from=keys_from,
        not_proved=limits_of(
            log_check.size, heads, witnesses, keys_from=keys_from, revoked=revoked
        ),
        url=None if newest is None else newest.issuer,
        signed_at=None if newest is None else newest.issued_at,
        witnessed=witnesses.reach,
    )


def _heads(
    rows: Iterator[dict[str, Any]], keys: PublicKeySet
) -> tuple[list[Claim], list[Problem], Iterable[dict[str, Any]]]:
    """What the signed heads say, what is wrong with them, and the rows after them."""
    heads: list[Claim] = []
    problems: list[Problem] = []
    for row in rows:
        if row.get("kind") != "head":
            return heads, problems, chain([row], rows)
        found = head_claim(str(row.get("token")), keys)
        if isinstance(found, Claim):
            heads.append(found)
        else:
            problems.append(found)
    return heads, problems, ()


def _named(issuers: Iterable[str]) -> str:
    """Some of the nodes that have signed something, for a message."""
    names = sorted(issuers)
    shown = ", ".join(map(repr, names[:SHOWN_ISSUERS]))
    return shown if len(names) <= SHOWN_ISSUERS else f"{shown} and others"


def _look(row: dict[str, Any], log_check: LogCheck) -> None:
    kind, number, digest, ids = (row.get(name) for name in ("kind", "number", "digest", "ids"))
    if kind == "entry" and type(number) is int:
        text = row.get("text")
        body = text.encode() if isinstance(text, str) else canonical_bytes(row.get("entry"))
        log_check.entry(number, body)
    elif kind == "set" and isinstance(digest, str) and isinstance(ids, list):
        try:
            packed, _ = pack_ids(map(str, ids))
        except AuditError:
            packed = b""
        log_check.footprint_set(digest, packed)
    else:
        raise AuditError(f"a line of an exported log is of the kind {kind!r}")


def _rows(lines: Iterable[str | bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = strict_json.loads(line, limits=_LIMITS)
        except JsonError as error:
            raise AuditError(f"line {number} of the exported log: {error.message}") from error
        if not isinstance(row, dict):
            raise AuditError(f"line {number} of the exported log is no object")
        yield row


def _line(value: dict[str, Any]) -> bytes:
    return strict_json.dumps(value) + b"\n"
