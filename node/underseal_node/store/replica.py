"""Reading from a copy of the database, as long as that shows nothing that has been taken back.

A replica follows the database with a delay. So who asks, and the number of the last change of a
footprint or a grant, come from the database itself for every request; the copy answers only if it
has that change. If it does not, or cannot be reached, the database answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from underseal_node.store.readers import Parameters, Reader, Row

__all__ = ["ReplicatedReader"]

log = structlog.get_logger(__name__)

LAST_CHANGE = text("SELECT last FROM change_counter")
# A replica that cannot be reached is left alone for so long.
PAUSE_SECONDS = 5.0


class ReplicatedReader:
    """Reads what is large from a replica.

    Args:
        reader: of the database.
        replica: of the copy; its connections only read, and see one snapshot each.
    """

    has_replica = True

    def __init__(self, reader: Reader, replica: Engine) -> None:
        self._reader = reader
        self._replica = replica
        self._left_alone_until = float("-inf")

    async def rows(
        self, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """See `Reader.rows`."""
        return await self._reader.rows(sql, parameters, is_bounded=is_bounded)

    async def rows_since(
        self, change: int, sql: str, parameters: Parameters, *, is_bounded: bool = True
    ) -> Sequence[Row]:
        """See `Reader.rows_since`."""
        if time.monotonic() >= self._left_alone_until:
            found = await asyncio.to_thread(self._of_replica, change, sql, parameters)
            if found is not None:
                return found
        return await self.rows(sql, parameters, is_bounded=is_bounded)

    def close(self) -> None:
        """Close the connections to the database; those to the copy belong to the store."""
        self._reader.close()

    def _of_replica(self, change: int, sql: str, parameters: Parameters) -> Sequence[Row] | None:
        """What the replica has; `None` if it lags behind or fails."""
        try:
            with self._replica.connect() as connection:
                last = connection.execute(LAST_CHANGE).scalar()
                if last is None or last < change:
                    return None
                return connection.execute(text(sql), dict(parameters)).fetchall()
        except SQLAlchemyError as error:
            self._left_alone_until = time.monotonic() + PAUSE_SECONDS
            log.warning("the replica cannot be read", reason=type(error).__name__)
            return None
