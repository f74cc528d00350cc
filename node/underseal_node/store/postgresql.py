"""What is imported on PostgreSQL only: its driver is not installed everywhere."""

from __future__ import annotations

from psycopg.types.string import StrDumperUnknown

from underseal_node.store.types import IN_ITS_PLACE, NUL

__all__ = ["TextDumper"]


class TextDumper(StrDumperUnknown):
    """Writes texts, with another character in the place of NUL, which PostgreSQL refuses."""

    def dump(self, obj: str) -> bytes | bytearray | memoryview | None:
        """The text as it is sent."""
        return super().dump(obj.replace(NUL, IN_ITS_PLACE) if NUL in obj else obj)
