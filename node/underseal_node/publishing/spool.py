"""Signed footprints that wait for their transaction: in memory while they are few, in a file else.

A file is published in one transaction, which begins when everything is signed. Until then a hundred
thousand footprints would need more than a gigabyte of memory.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from underseal_node.store.footprints import NewFootprint
from underseal_node.store.tables import KeyKind
from underseal_node.store.types import from_utc_text, utc_text

__all__ = ["Spool"]

MAX_MEMORY_BYTES = 8 * 1024 * 1024


class Spool:
    """Keeps footprints in the order in which they came. Leaving the context forgets them.

    Args:
        directory: where a file may be; it has no name there, so a killed process leaves none.
    """

    def __init__(self, directory: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed on leaving
            MAX_MEMORY_BYTES, dir=str(directory)
        )
        self.ids: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, footprints: Iterable[NewFootprint]) -> None:
        """Keep footprints that commit to nothing: those of files do not."""
        for one in footprints:
            self._file.write(_head(one))
            self._file.write(one.segments)
            self.ids.append(one.id)

    def __iter__(self) -> Iterator[NewFootprint]:
        """All of them, from the first; as often as is needed."""
        self._file.seek(0)
        for _ in self.ids:
            head = json.loads(self._file.readline())
            segments = self._file.read(head.pop("size"))
            yield NewFootprint(
                **head
                | {
                    "segments": segments,
                    "valid_from": from_utc_text(head["valid_from"]),
                    "valid_until": from_utc_text(head["valid_until"]),
                    "keys": frozenset((KeyKind(kind), value) for kind, value in head["keys"]),
                }
            )


def _head(footprint: NewFootprint) -> bytes:
    """Everything but the segments, on one line."""
    head = {
        "size": len(footprint.segments),
        "id": footprint.id,
        "document_digest": footprint.document_digest,
        "credential_digest": footprint.credential_digest,
        "valid_from": utc_text(footprint.valid_from),
        "valid_until": utc_text(footprint.valid_until),
        "geography": footprint.geography,
        "product_name": footprint.product_name,
        "summary": footprint.summary,
        "keys": sorted(footprint.keys),
        "kid": footprint.kid,
    }
    return json.dumps(head).encode() + b"\n"
