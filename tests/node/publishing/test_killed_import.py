"""`kill -9` during an import leaves all of a file or nothing, rows and events together."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underseal_node.home import Home
from underseal_node.node import Node, open_node
from underseal_node.publishing.publish import import_files

Make = Callable[..., dict[str, Any]]
Desk = Any

COUNT = 1000
KEYS_EACH = 4  # all, its id, its product, the company

# Imports a file; with `pause`, it stands still when everything is written and not yet committed.
IMPORTER = """
import asyncio, sys, time
from pathlib import Path
from underseal_node.node import open_node
from underseal_node.publishing import publish

home, file, pause = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "pause"
tell = publish.tell

def tell_and_wait(*arguments):
    told = tell(*arguments)
    print("written", flush=True)
    time.sleep(60 if pause else 0)
    return told

publish.tell = tell_and_wait
node = open_node(home)
print("ready", flush=True)
result = asyncio.run(publish.import_files(node, [("file", file.read_bytes())], dry_run=False))
print(result.published, result.unchanged, result.refused, flush=True)
"""


def start(home: Home, file: Path, *, pause: bool = False) -> subprocess.Popen[str]:
    """An importer that has opened the node."""
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORTER, str(home.path), str(file), "pause" if pause else ""],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> str:
    """What it printed, when it is gone."""
    with process:
        assert process.stdout is not None
        return process.stdout.read()


def write_batch(directory: Path, document: Make, batch: int, count: int) -> Path:
    """A file with footprints that no other batch has."""
    file = directory / f"batch-{batch}.json"
    first = 1 + batch * count
    file.write_text(json.dumps([document(number) for number in range(first, first + count)]))
    return file


def killed_at_random(desk: Desk, home: Home, document: Make, directory: Path, rounds: int) -> None:
    """Kill importers at random moments; after each, all of its file is there or nothing."""
    chance = random.Random(f"{rounds}")
    process = start(home, write_batch(directory, document, 0, COUNT))
    began = time.monotonic()
    printed = finish(process)
    longest = time.monotonic() - began
    assert printed.endswith(f"{COUNT} 0 0\n")
    complete, batch = 1, 1
    for _ in range(rounds):
        file = write_batch(directory, document, batch, COUNT)
        process = start(home, file)
        time.sleep(chance.uniform(0, longest))
        process.kill()
        said_so = f"{COUNT} 0 0\n" in finish(process)
        footprints, keys, events = desk.counts()
        done, rest = divmod(footprints, COUNT)
        assert rest == 0
        assert (keys, events) == (footprints * KEYS_EACH, done)
        assert done - complete in ((1,) if said_so else (0, 1))
        batch += done - complete
        complete = done
    # What was interrupted can be imported as if nothing had happened.
    file = write_batch(directory, document, batch, COUNT)
    assert finish(start(home, file)).endswith(f"{COUNT} 0 0\n")


def test_killed_before_the_commit(
    node: Node, home: Home, desk: Desk, document: Make, tmp_path: Path
) -> None:
    desk.add_peer("buyer")
    process = start(home, write_batch(tmp_path, document, 0, COUNT), pause=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.kill()
    assert finish(process) == ""
    assert desk.counts() == (0, 0, 0)
    open_node(home.path).close()  # as the next start does
    assert desk.counts() == (0, 0, 0)


async def test_killed_after_the_commit(
    node: Node, home: Home, desk: Desk, document: Make, tmp_path: Path
) -> None:
    desk.add_peer("buyer")
    file = write_batch(tmp_path, document, 0, COUNT)
    process = start(home, file)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    assert process.stdout.readline() == f"{COUNT} 0 0\n"
    process.kill()
    finish(process)
    assert desk.counts() == (COUNT, COUNT * KEYS_EACH, 1)
    again = await import_files(node, [("file", file.read_bytes())], dry_run=False)
    assert (again.published, again.unchanged) == (0, COUNT)


def test_killed_at_random_moments(
    node: Node, home: Home, desk: Desk, document: Make, tmp_path: Path
) -> None:
    desk.add_peer("buyer")
    killed_at_random(desk, home, document, tmp_path, rounds=3)


@pytest.mark.soak
def test_killed_at_many_random_moments(
    node: Node, home: Home, desk: Desk, document: Make, tmp_path: Path
) -> None:
    desk.add_peer("buyer")
    killed_at_random(desk, home, document, tmp_path, rounds=60)
