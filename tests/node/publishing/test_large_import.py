"""A large file needs little more memory than a small one, and is published as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from underseal_node.home import Home
from underseal_node.node import Node
from underseal_node.publishing.files import PlacedDocument
from underseal_node.publishing.prepare import Draft, draft_of
from underseal_node.publishing.publish import import_files, sign_all
from underseal_node.publishing.spool import MAX_MEMORY_BYTES, Spool

Make = Callable[..., dict[str, Any]]
Desk = Any

# Prints how much memory was needed beyond that of the start, in bytes.
IMPORTER = """
import asyncio, resource, sys
from pathlib import Path
from underseal_node.node import open_node
from underseal_node.publishing.publish import import_files

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

async def publish(file):
    before = peak()
    result = await import_files(node, [(file.name, file.read_bytes())], dry_run=False)
    print(result.published, result.unchanged, peak() - before, flush=True)

home, small, large = map(Path, sys.argv[1:])
node = open_node(home)
for file in (small, large):
    asyncio.run(publish(file))  # of what this returns, asyncio would make a text
"""


def write_list(file: Path, document: Make, first: int, count: int) -> int:
    """A file with so many footprints; its size."""
    with file.open("w", encoding="utf-8") as out:
        for number in range(first, first + count):
            out.write("[" if number == first else ",")
            out.write(json.dumps(document(number)))
        out.write("]")
    return file.stat().st_size


@pytest.mark.parametrize(
    "count", [4_000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_memory_grows_with_the_file_and_not_with_what_is_made_of_it(
    home: Home, desk: Desk, document: Make, tmp_path: Path, count: int
) -> None:
    desk.add_peer("buyer")
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    write_list(small, document, 1, 1_000)
    size = write_list(large, document, 1_001, count)
    done = subprocess.run(
        [sys.executable, "-c", IMPORTER, str(home.path), str(small), str(large)],
        capture_output=True,
        text=True,
        check=True,
    )
    (published, unchanged, _), (published_large, unchanged_large, grown) = (
        tuple(map(int, line.split())) for line in done.stdout.splitlines()
    )
    assert (published, unchanged, published_large, unchanged_large) == (1_000, 0, count, 0)
    # The bytes of the file, its text, what the database holds of a large transaction, and of each
    # footprint some hundred bytes: what is said of it. Everything in memory would be nine times.
    assert grown < 3.5 * size + count * 1_500 + 16 * 1024 * 1024, (grown, size)
    print(f"{count} footprints: {grown / size:.1f} times the size of the file")


async def test_what_is_wrong_at_the_end_publishes_nothing(
    node: Node, desk: Desk, document: Make
) -> None:
    documents = [document(number) for number in range(1, 700)]
    broken = json.dumps([*documents, {"productIds": []}, 7]).encode()
    cut = json.dumps(documents).encode()[:-1]
    result = await import_files(node, [("broken", broken)], dry_run=False)
    assert (result.published, result.refused) == (0, 1)
    assert {one.place.split("/")[1] for one in result.problems} == {"699", "700"}
    result = await import_files(node, [("cut", cut)], dry_run=False)
    assert [one.message[:8] for one in result.problems] == ["not JSON"]
    assert desk.counts() == (0, 0, 0)
    again = await import_files(node, [("good", json.dumps(documents).encode())], dry_run=False)
    assert (again.published, again.problems) == (699, ())


def test_the_spool_keeps_what_it_was_given(node: Node, document: Make, tmp_path: Path) -> None:
    drafts = [
        draft_of(PlacedDocument(document(number), str), "file", node.identity, node.now())
        for number in range(1, 6)
    ]
    footprints = sign_all(node, [one for one in drafts if isinstance(one, Draft)])
    with Spool(tmp_path) as spool:
        spool.add(footprints[:2])
        spool.add(footprints[2:])
        for _ in range(2):  # as when a transaction is tried again
            assert list(spool) == footprints
        assert spool.ids == [one.id for one in footprints]
        spool.add([replace(footprints[0], segments=bytes(MAX_MEMORY_BYTES))])
        assert [one.id for one in spool] == [one.id for one in [*footprints, footprints[0]]]
    assert [one.name for one in tmp_path.iterdir()] == ["home"]
