"""A second verifier, in another language and written from the format alone, judges as ours does.

It is `tests/second_verifier`. Without node, or without its packages and a network to get them from,
these tests are skipped.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.protocol.seal.second_verifier import (
    FOLDER,
    PACKAGES,
    Run,
    require_node,
    require_packages,
    run,
    run_file,
)
from tests.protocol.seal.sum_edges import edges
from tests.protocol.seal.sum_files import FILE, MEMBERS, MEMBERS_FILE, OWN, Corpus, Line

# One after another: they share the packages, and most of the time goes into generators.
pytestmark = [pytest.mark.xdist_group("second verifier"), pytest.mark.timeout(600)]

NONE = next(one for one in OWN.vectors if one["id"] == "underseal/sums/none")


@pytest.fixture(scope="module")
def node() -> str:
    found = require_node()
    require_packages()
    return found


def verdicts(told: Run) -> dict[str, str]:
    """By vector: the part that does not hold, or `accepted`."""
    found = {}
    for line in told.lines[:-1]:
        name, verdict, *rest = line.split(": ", 2)
        found[name] = rest[0].partition(":")[0] if verdict == "refused" else "accepted"
    return found


def ours(corpus: Corpus) -> dict[str, str]:
    found = ((one["id"], corpus.outcome(one)) for one in corpus.vectors)
    return {name: outcome.get("part", "accepted") for name, outcome in found}


@pytest.mark.parametrize(
    ("file", "corpus", "accepted", "refused"),
    [(FILE, OWN, 25, 200), (MEMBERS_FILE, MEMBERS, 10, 150)],
    ids=["named", "members of a roster"],
)
def test_both_agree_on_every_frozen_document(
    node: str, file: Path, corpus: Corpus, accepted: int, refused: int
) -> None:
    told = run_file(node, file)
    assert told.lines[-1] == f"{len(corpus.vectors)} as expected, 0 not", told
    assert (told.status, told.errors) == (0, "")
    both = verdicts(told)
    assert both == ours(corpus)
    kinds = Counter(verdict == "accepted" for verdict in both.values())
    assert kinds[True] >= accepted
    assert kinds[False] >= refused


def test_both_agree_at_the_edges(node: str, tmp_path: Path) -> None:
    lines = edges()
    told = run(node, lines, tmp_path / "edges.jsonl")
    expected = {one["id"]: one.get("part", "accepted") for one in lines if "id" in one}
    comments = {one["id"]: (one["comment"], one["footprint"]) for one in lines if "id" in one}
    differ = {
        name: (comments[name], f"ours: {expected[name]}, theirs: {verdict}")
        for name, verdict in verdicts(told).items()
        if verdict != expected[name]
    }
    assert not differ
    assert told.lines[-1] == f"{len(expected)} as expected, 0 not", told.errors
    assert set(expected.values()) >= {
        *("accepted", "file", "footprint", "product", "core", "total", "endorsement 1"),
        *("endorsement 2", "mass", "sum"),
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"expected": "reject", "part": "sum"}, "accepted BUT expected: refused"),
        ({"grade": "mass"}, "accepted BUT grade origin, expected: mass"),
        ({"total": "1.6"}, "accepted BUT total 1.5000, expected: 1.6"),
        ({"publisher": ["https://other.example"]}, "publisher: it is https://pack.example BUT"),
    ],
)
def test_it_says_what_is_not_as_expected(
    node: str, tmp_path: Path, change: Line, told: str
) -> None:
    found = run(node, [*OWN.others, NONE | change], tmp_path / "wrong.jsonl")
    assert told in found.lines[0]
    assert found.lines[1:] == ["0 as expected, 1 not"]
    assert found.status == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no such file"),
        ("{", "line 1 is not JSON"),
        (json.dumps(NONE), "there is no footprint called none"),
    ],
)
def test_files_that_are_none(node: str, tmp_path: Path, text: str | None, told: str) -> None:
    file = tmp_path / "given.jsonl"
    if text is not None:
        file.write_text(text)
    found = run_file(node, file)
    assert found.status == 2
    assert told in found.errors
    assert "\n    at " not in found.errors  # no stack
    assert run_file(node).errors.strip() == "usage: node verify.mjs VECTORS"


def test_its_packages_have_exact_versions() -> None:
    assert set(PACKAGES) == {"@noble/curves", "@noble/hashes"}
    assert all(version.replace(".", "").isdigit() for version in PACKAGES.values())
    lock = (FOLDER / "package-lock.json").read_text("utf-8")
    locked = json.loads(lock)["packages"]
    for name, version in PACKAGES.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")
    assert "resolved" not in lock  # whoever installs has a registry of its own
