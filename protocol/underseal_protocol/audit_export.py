"""An audit log as lines of JSON, and checking one without the node that it is from.

The first line says whose log it is and with which keys its heads are signed. Then come the signed
heads, the entries in their order, and the sets of footprints that entries name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from underseal_protocol import strict_json
from underseal_protocol.audit import pack_ids, read_tree_head, unpack_ids
from underseal_protocol.audit_check import Claim, LogCheck, Problem, ProblemKind
from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.errors import AuditError, JsonError, ProtocolError
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.witness import Witnesses, read_witnesses

__all__ = [
    "Checked",
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
_LIMITS = strict_json.JsonLimits(max_bytes=16 * 1024 * 1024, max_depth=16)


@dataclass(frozen=True)
class Checked:
    """What a check of a log brought.

    Attributes:
        size: entries in the log.
        root: hash of the tree over them.
        heads: signed heads that it was compared with.
        witnesses: receipts and acknowledgements of others that it was compared with.
        foreign: how many of these are of other nodes.
        problems: what is wrong.
    """

    size: int
    root: bytes
    heads: int
    witnesses: int
    foreign: int
    problems: list[Problem]


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
    witness_lines: Iterable[str] = (),
) -> Checked:
    """Check an exported log.

    Args:
        lines: of the file.
        keys: the receipt keys of the node; None to take those that the file names, which then is no
            proof of whose log it is.
        witness_lines: what others hold of it.

    Raises:
        AuditError: it is no exported log.
    """
    rows = _rows(lines)
    first = next(rows, None)
    if first is None or first.get("kind") != "log" or first.get("version") != VERSION:
        raise AuditError("the file is no exported audit log: its first line does not say so")
    trusted = keys or PublicKeySet.from_jwks(first)
    witnesses = read_witnesses(witness_lines, url=str(first.get("url")), keys=trusted)
    heads: list[Claim] = []
    problems: list[Problem] = []
    log_check: LogCheck | None = None
    for row in rows:
        if row.get("kind") == "head" and log_check is None:
            _head(row, trusted, heads, problems)
            continue
        if log_check is None:
            log_check = begin_check(heads, witnesses)
        _look(row, log_check)
    log_check = log_check or begin_check(heads, witnesses)
    return finish_check(log_check, heads, witnesses, problems)


def head_claim(token: str, keys: PublicKeySet) -> Claim | Problem:
    """What a signed head says, or why it says nothing."""
    try:
        head = read_tree_head(token, keys)
    except ProtocolError as error:
        message = f"a head of the log does not verify: {error.message}"
        return Problem(ProblemKind.UNKNOWN_SIGNATURE, None, message)
    source = f"the head signed at {head.issued_at:%Y-%m-%dT%H:%M:%SZ}"
    return Claim(source, size=head.size, root=head.root)


def begin_check(heads: Sequence[Claim], witnesses: Witnesses) -> LogCheck:
    """Begin to check a log, whose entries and sets are still to come.

    Args:
        heads: what its signed heads say.
        witnesses: what others hold of it.
    """
    log_check = LogCheck([*heads, *witnesses.claims])
    for message in witnesses.forged:
        log_check.unknown_signature(message)
    return log_check


def finish_check(
    log_check: LogCheck, heads: Sequence[Claim], witnesses: Witnesses, problems: list[Problem]
) -> Checked:
    """What the check of a log has brought, once all its entries have been looked at.

    Args:
        log_check: of `begin_check`.
        heads: as there.
        witnesses: as there.
        problems: found besides, before those of the check.
    """
    return Checked(
        problems=[*problems, *log_check.finish()],
        size=log_check.size,
        root=log_check.root(),
        heads=len(heads),
        witnesses=len(witnesses.claims),
        foreign=witnesses.foreign,
    )


def _head(
    row: dict[str, Any], keys: PublicKeySet, heads: list[Claim], problems: list[Problem]
) -> None:
    found = head_claim(str(row.get("token")), keys)
    if isinstance(found, Claim):
        heads.append(found)
    else:
        problems.append(found)


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
