"""A signed footprint as stored bytes from which every disclosure level is a few slices and a join.

A node serves what it serialised when it published. The stored value is the text of the footprint
without its status, ordered so that what a level adds follows what the level below shows; in front
are the positions where levels differ. A level is then three slices around the status of the moment,
whatever the footprint holds.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Any

from underseal_protocol.credential import (
    CREDENTIAL_SCHEMA_PATH,
    EXTENSION_SPEC_VERSION,
    IssuedCredential,
)
from underseal_protocol.criteria import STATUSES
from underseal_protocol.disclosure import Block, Level, split
from underseal_protocol.errors import CredentialError

__all__ = ["pack", "render", "render_list"]

# Positions in the value: where the status belongs; where the members of `pcf` end at each level;
# where the disclosures end at each level below full. In front of them a mark.
_HEADER = struct.Struct("<4s8I")
_MARK = b"UFP1"
# With attestations, which are extensions that a lower level shows: also where they begin and end.
_ATTESTED_HEADER = struct.Struct("<4s10I")
_ATTESTED_MARK = b"UFP2"

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
)
_STATUSES = {status: status.encode() for status in STATUSES}
_END = b'"}}]}'  # below level full: closes the credential entry, `extensions` and the footprint
_ENTRY_END, _LIST_END = _END[:3], _END[3:]
_TOTAL, _QUALITY, _BREAKDOWN, _FULL = Level
# What each level above `total` adds to the one before.
_STEPS = tuple(
    tuple(
        block for block in Level.of_rank(rank).blocks if block not in Level.of_rank(rank - 1).blocks
    )
    for rank in (1, 2, 3)
)


def pack(document: Mapping[str, Any], credential: IssuedCredential, issuer: str) -> bytes:
    """Serialise a footprint with its credential for storage.

    Args:
        document: the footprint that the credential was issued for.
        credential: with all its disclosures.
        issuer: the URL of the node, as in the credential.

    Raises:
        CredentialError: the carbon footprint has no core, so it is no footprint.
        ValueError: it holds what is not JSON.
    """
    parts = split(document)
    top = dict(parts.core)
    pcf = top.pop("pcf", None)
    if not pcf or not top:
        raise CredentialError("a footprint without id or pcf cannot be packed")
    inside = [f'","pcf":{_ENCODER.encode(pcf)[:-1]}']
    proofs = [f'}},"extensions":[{_entry_start(issuer)}{credential.jwt}~']
    for step in _STEPS:
        inside.append(_inside_pcf(parts.blocks, step))
        proofs.append("".join(f"{credential.disclosures[block]}~" for block in step))
    text = [f'{_ENCODER.encode(top)[:-1]},"status":"', *inside, *proofs, _ENTRY_END.decode()]
    attestations = parts.blocks[Block.VERIFICATION].get("extensions", [])
    text += [_more_items(attestations), _outside_pcf(parts.blocks)]
    segments = [segment.encode() for segment in text]
    header = _ATTESTED_HEADER if attestations else _HEADER
    ends = list(accumulate(map(len, segments), initial=header.size))[1:]
    # The end of the last disclosure is needed by nobody: at level full the rest is one piece.
    if attestations:
        return header.pack(_ATTESTED_MARK, *ends[:8], *ends[9:11]) + b"".join(segments)
    return header.pack(_MARK, *ends[:8]) + b"".join(segments)


@lru_cache(maxsize=16)
def _entry_start(issuer: str) -> str:
    """The credential entry up to the text of `sdJwt`, which stays open for the disclosures."""
    entry = {
        "specVersion": EXTENSION_SPEC_VERSION,
        "dataSchema": issuer.rstrip("/") + CREDENTIAL_SCHEMA_PATH,
        "data": {"sdJwt": ""},
    }
    return _ENCODER.encode(entry).removesuffix('"}}')


def _inside_pcf(blocks: Mapping[Block, dict[str, Any]], step: Iterable[Block]) -> str:
    """The members that a level adds to `pcf`, each after a comma."""
    members: dict[str, Any] = {}
    for block in step:
        members.update(blocks[block].get("pcf", {}))
    return f",{_ENCODER.encode(members)[1:-1]}" if members else ""


def _outside_pcf(blocks: Mapping[Block, dict[str, Any]]) -> str:
    """The end of the text at level `full`: the other extensions and the members of the footprint
    itself. Of the blocks of lower levels, only `verification` has any: the attestations."""
    extensions: list[Any] = []
    members: dict[str, Any] = {}
    for block in _STEPS[-1]:
        for name, value in blocks[block].items():
            if name == "extensions":
                extensions += value
            elif name != "pcf":
                members[name] = value
    more_members = f",{_ENCODER.encode(members)[1:-1]}" if members else ""
    return f"{_more_items(extensions)}]{more_members}}}"


def _more_items(items: list[Any]) -> str:
    """Further items of an array, each after a comma."""
    return f",{_ENCODER.encode(items)[1:-1]}" if items else ""


def render(packed: bytes, level: Level, status: str) -> bytes:
    """The JSON of one footprint as a peer of a level sees it.

    Args:
        packed: as `pack` returned it.
        level: what the peer may see.
        status: `Active` or `Deprecated`, the status now.

    Raises:
        KeyError: another status.
        ValueError: the level is none, or the bytes are not such.
    """
    return b"".join(_pieces(packed, level, status))


def render_list(
    rows: Iterable[tuple[bytes, Level, str]], *, before: bytes = b"[", after: bytes = b"]"
) -> bytes:
    """A JSON array of footprints, each as `render` gives it.

    All pieces are joined at once: a page is large, and copying it costs more than making it.

    Args:
        rows: packed footprint, level and status of each.
        before: what the text begins with, up to and with the bracket.
        after: what it ends with, from the bracket on.

    Raises:
        KeyError, ValueError: as `render`.
    """
    joined = [before]
    for packed, level, status in rows:
        joined += _pieces(packed, level, status)
        joined.append(b",")
    if len(joined) > 1:
        joined.pop()
    joined.append(after)
    return b"".join(joined)


def _pieces(packed: bytes, level: Level, status: str) -> tuple[bytes, ...]:
    """What a level shows of a footprint, in order."""
    now = _STATUSES[status]
    if packed[:4] != _MARK or len(packed) < _HEADER.size:
        return _attested_pieces(packed, level, now)
    _, at, total, quality, breakdown, full, entry, quality_proof, breakdown_proof = (
        _HEADER.unpack_from(packed)
    )
    head = packed[_HEADER.size : at]
    if level is _TOTAL:
        return head, now, packed[at:total], packed[full:entry], _END
    if level is _QUALITY:
        return head, now, packed[at:quality], packed[full:quality_proof], _END
    if level is _BREAKDOWN:
        return head, now, packed[at:breakdown], packed[full:breakdown_proof], _END
    if level is not _FULL:  # a text, say: never guess, least of all upwards
        raise ValueError(f"{level!r} is not a disclosure level")
    return head, now, packed[at:]


def _attested_pieces(packed: bytes, level: Level, now: bytes) -> tuple[bytes, ...]:
    """The same of a footprint that carries attestations."""
    if packed[:4] != _ATTESTED_MARK or len(packed) < _ATTESTED_HEADER.size:
        raise ValueError("these bytes are not a packed footprint")
    _, at, *ends, begin, end = _ATTESTED_HEADER.unpack_from(packed)
    total, quality, breakdown, full, entry, quality_proof, breakdown_proof = ends
    head = packed[_ATTESTED_HEADER.size : at]
    if level is _TOTAL:
        return head, now, packed[at:total], packed[full:entry], _END
    if level is _QUALITY:
        shown, proofs = packed[at:quality], packed[full:quality_proof]
    elif level is _BREAKDOWN:
        shown, proofs = packed[at:breakdown], packed[full:breakdown_proof]
    elif level is _FULL:
        return head, now, packed[at:]
    else:
        raise ValueError(f"{level!r} is not a disclosure level")
    return head, now, shown, proofs, _ENTRY_END, packed[begin:end], _LIST_END
