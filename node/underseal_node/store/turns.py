"""What only one process may do at a time, of all that have opened the same PostgreSQL.

PostgreSQL keeps the locks with the connection or the transaction of who has them: when a process
dies, another one gets its turn at once, and nothing has to be tidied up. With SQLite all processes
of a node are children of one parent, and only one of them works in the background; those that write
take turns anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

__all__ = ["Leadership", "Turn", "alone", "taking_turns"]

OURS = 0x756E6472  # other programs may have locks in the same database
WAIT = text("SELECT pg_advisory_xact_lock(:ours, :turn)")
TRY = text("SELECT pg_try_advisory_lock(:ours, :turn)")
ASK = text("SELECT 1")
# Who waits longer is told that the database is busy, and tries again.
MAX_WAIT = text("SET LOCAL lock_timeout = '5s'")


class Turn(IntEnum):
    """What is done by one at a time."""

    MIGRATE = 1
    APPEND_TO_LOG = 2
    LEAD = 3


def alone(session: Session, turn: Turn) -> None:
    """Wait until nobody else is at it; then it is our turn until this transaction ends.

    Raises:
        OperationalError: somebody else takes too long.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(MAX_WAIT)
        session.execute(WAIT, {"ours": OURS, "turn": int(turn)})


@contextmanager
def taking_turns(engine: Engine, turn: Turn) -> Iterator[None]:
    """Wait, however long, until nobody else is at it; then it is our turn in the block."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.begin() as connection:
        connection.execute(WAIT, {"ours": OURS, "turn": int(turn)})
        yield


class Leadership:
    """The turn of the one process that does what is to be done once only.

    Args:
        engine: that writes.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Take the lead if nobody has it; whether it is ours now.

        Ask again and again: when our connection has ended, somebody else may have the lead.
        """
        if self._engine.dialect.name != "postgresql":
            return True
        try:
            if self._connection is not None:
                self._connection.execute(ASK)
                return True
            self._connection = self._connect()
            turn = {"ours": OURS, "turn": int(Turn.LEAD)}
            is_ours = bool(self._connection.execute(TRY, turn).scalar_one())
        except SQLAlchemyError:
            is_ours = False
        if not is_ours:
            self.give_up()
        return is_ours

    def give_up(self) -> None:
        """Leave the lead to somebody else."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def _connect(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # it does not go back to the pool, but ends
        return connection
