"""A child process that is ready at once and ends when its parent closes the pipe."""

from __future__ import annotations

import contextlib
import sys
from multiprocessing.connection import Connection

from underseal_node.supervisor import READY

if __name__ == "__main__":
    channel: Connection[str, str] = Connection(int(sys.argv[1]))
    channel.recv()
    channel.send(READY)
    with contextlib.suppress(EOFError):
        channel.recv()
