#!/usr/bin/env python3
"""Exit status 0 if the node on this machine answers: health.py [PORT [SECONDS_TO_WAIT]].

Python alone, because the image of a node has no other client.
"""

from __future__ import annotations

import http.client
import sys
import time

PORT = 8443
ANSWER_SECONDS = 3.0
PAUSE_SECONDS = 0.5


def problem(port: int) -> str | None:
    """What is wrong; `None` if the node answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"status {status}"


def main(arguments: list[str]) -> int:
    """Ask until it answers or the time is over."""
    port = int(arguments[0]) if arguments else PORT
    until = time.monotonic() + (float(arguments[1]) if len(arguments) > 1 else 0)
    while (found := problem(port)) is not None:
        if time.monotonic() >= until:
            sys.stderr.write(f"the node on port {port} does not answer: {found}\n")
            return 1
        time.sleep(PAUSE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
