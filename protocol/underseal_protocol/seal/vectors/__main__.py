"""`python -m underseal_protocol.seal.vectors FILE...`: check vector files.

The only module of the protocol that reads files and writes to the terminal; nothing imports it. The
exit code is 0 if every vector is as expected, 1 if one is not, 2 for a wrong command.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from underseal_protocol.seal.vectors.runner import MAX_FILE_BYTES, Outcome, check_vectors

__all__ = ["main"]


def main(arguments: Sequence[str], output: TextIO) -> int:
    """Check files.

    Args:
        arguments: their names.
        output: gets one line for each vector, and the counts last.

    Returns:
        the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="python -m underseal_protocol.seal.vectors",
        description="Check vectors of sigma proofs and of the Fiat-Shamir transformation.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON list of vectors")
    counts = {True: 0, False: 0}
    for name in parser.parse_args(arguments).files:
        for outcome in _checked(Path(name)):
            counts[outcome.as_expected] += 1
            output.write(f"{outcome}\n")
    output.write(f"{counts[True]} as expected, {counts[False]} not\n")
    return 1 if counts[False] else 0


def _checked(path: Path) -> Iterator[Outcome]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with U+0000
        yield Outcome(str(path), False, f"it cannot be read: {error}")
        return
    yield from check_vectors(data, str(path))


def _run() -> int:
    try:
        code = main(sys.argv[1:], sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads on, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


if __name__ == "__main__":
    sys.exit(_run())
