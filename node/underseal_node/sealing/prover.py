"""The process that proves: it is given an order, and gives back a sealed document that verifies.

`python -m underseal_node.sealing.prover FD`, where FD is its end of a pipe to its parent. It has no
key and no database, writes nothing but generators, and ends when its parent does.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from underseal_node.home import Home
from underseal_node.sealing.generators import make_ready
from underseal_protocol.errors import ProtocolError
from underseal_protocol.seal.facts import facts_of
from underseal_protocol.seal.generators import KEPT, missing_generators
from underseal_protocol.seal.group import Scalar
from underseal_protocol.seal.prover import Sealed, seal
from underseal_protocol.seal.sealing import SealOrder
from underseal_protocol.seal.trust import TrustList
from underseal_protocol.seal.verifier import verify_sealed

__all__ = ["Finished", "Job", "Progress", "Refused"]

# Requests go first.
NICENESS = 5


@dataclass(frozen=True, slots=True)
class Job:
    """What to prove; the process gets it over the pipe.

    Attributes:
        home: of the node, for the generators.
        order: what is to be sealed.
        used: blindings that were used before.
    """

    home: Path
    order: SealOrder
    used: frozenset[Scalar]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is.

    Attributes:
        stage: in words.
        done, total: of it.
    """

    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The document."""

    sealed: Sealed


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is none.

    Attributes:
        kind: name of the error.
        message, hint: of it.
    """

    kind: str
    message: str
    hint: str | None


def main(descriptor: int) -> int:
    """Prove.

    Args:
        descriptor: of the pipe to the parent.

    Returns:
        the exit code.
    """
    channel: Connection[Any, Any] = Connection(descriptor)
    try:
        job = channel.recv()
        assert isinstance(job, Job)  # noqa: S101 - from the parent
        os.nice(NICENESS)
        channel.send(_answer(job, channel))
    except (EOFError, BrokenPipeError, ConnectionResetError):  # the parent is gone
        return 1
    return 0


def _answer(job: Job, channel: Connection[Any, Any]) -> Finished | Refused:
    try:
        _make_ready(job, channel)
        sealed = seal(
            job.order,
            used=job.used,
            report=lambda done, total: channel.send(Progress("proving", done, total)),
        )
        _check(job, sealed)
    except ProtocolError as error:
        return Refused(type(error).__name__, error.message, error.hint)
    return Finished(sealed)


def _make_ready(job: Job, channel: Connection[Any, Any]) -> None:
    total, done = missing_generators(KEPT), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if done % 256 == 0:
            channel.send(Progress("making generators, once", done, total))

    make_ready(Home(job.home), advance)


def _check(job: Job, sealed: Sealed) -> None:
    """Nothing leaves that a reader would refuse."""
    verify_sealed(
        sealed.document,
        job.order.document,
        publisher=job.order.publisher,
        trusted=TrustList(),
        time=max(datetime.now(UTC), facts_of(job.order.document).created),
    )


if __name__ == "__main__":
    # Under its own name, so that what the parent has pickled is found again.
    from underseal_node.sealing.prover import main as run

    sys.exit(run(int(sys.argv[1])))
