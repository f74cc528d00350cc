"""Having a footprint proved, in a process of its own: slow, and not in constant time.

Nothing of it is kept before the document is whole, so it may be killed at any moment.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

from underseal_node.errors import NodeError
from underseal_node.sealing.ordering import Ordered
from underseal_node.sealing.prover import Finished, Job, Progress, Refused
from underseal_node.settings import ENV_PREFIX
from underseal_protocol.errors import SealRefusedError
from underseal_protocol.seal.prover import Sealed

__all__ = ["MODULE", "ProverEndedError", "prove"]

MODULE = "underseal_node.sealing.prover"
END_SECONDS = 5.0
# Of which the process needs none: the master key, the database with its password.
SECRET_PREFIXES = (ENV_PREFIX, "PG")

Look: TypeAlias = Callable[[str, int, int], None]
"""Is told the stage, how much of it is done, and how much there is."""


class ProverEndedError(NodeError):
    """The process that proves has ended without a document."""


async def prove(home: Path, ordered: Ordered, look: Look) -> Sealed:
    """A sealed document, which has been verified.

    Args:
        home: of the node.
        ordered: what is to be sealed.
        look: is told how far it is.

    Raises:
        SealRefusedError: it cannot be proved; the message begins with the part.
        ProverEndedError: the process was killed.
    """
    channel, process = _start()
    try:
        job = Job(home, ordered.order, ordered.used)
        return await asyncio.to_thread(_converse, channel, job, look)
    except (EOFError, OSError):
        raise ProverEndedError(
            "the process that proves has ended before it was done; nothing was kept",
            hint="Run the command again.",
        ) from None
    finally:
        process.kill()  # if it still runs; then the thread that waits for it ends, too
        await asyncio.to_thread(process.wait, END_SECONDS)
        channel.close()


def _start() -> tuple[Connection[Any, Any], subprocess.Popen[bytes]]:
    ours, theirs = Pipe(duplex=True)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            env={
                name: one
                for name, one in os.environ.items()
                if not name.upper().startswith(SECRET_PREFIXES)
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours, process


def _converse(channel: Connection[Any, Any], job: Job, look: Look) -> Sealed:
    """Give the order, and listen; in a thread, because it waits."""
    channel.send(job)
    while True:
        said = channel.recv()
        if isinstance(said, Progress):
            look(said.stage, said.done, said.total)
        elif isinstance(said, Refused):
            raise SealRefusedError(said.message, hint=said.hint)
        else:
            assert isinstance(said, Finished)  # noqa: S101 - there is nothing else
            return said.sealed
