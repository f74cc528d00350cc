"""The checker of vector files, the published vectors, and our own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.seal import second
from tests.protocol.seal.test_vector_functions import FIELD_BE, READ_FIELD, SPONGE, sumcheck
from tests.protocol.seal.vector_files import (
    BATCHABLE,
    BY_ID,
    COMPACT,
    OWN,
    ROOT,
    VECTORS,
    Vector,
    outcome,
    without,
)
from tests.vectors.seal import generate

from underseal_protocol.seal.sigma import CIPHERSUITE, Flavor
from underseal_protocol.seal.vectors.__main__ import main
from underseal_protocol.seal.vectors.drng import instance_drng, prover_drng
from underseal_protocol.seal.vectors.runner import check_vectors

# Published vectors


@pytest.mark.published
def test_every_published_vector_is_as_expected(vector_files: list[Path]) -> None:
    output = io.StringIO()
    assert main([str(path) for path in vector_files], output) == 0
    lines = output.getvalue().splitlines()
    assert lines[-1] == "40 as expected, 0 not"
    assert len(lines) == 41
    assert sum("proved again, byte for byte" in line for line in lines) == 15


@pytest.mark.published
def test_published_proofs_by_the_second_implementation(proofs: list[Vector]) -> None:
    assert len(proofs) == 14
    for vector in proofs:
        assert second.accepts(vector)
        assert second.proved_again(vector) == vector["NargString"]


@pytest.mark.published
def test_what_the_draft_wants_refused(appendix: list[Vector]) -> None:
    """The appendix has vectors that the JSON does not: each with the valid one it is made of."""
    ours = [one for one in appendix if one["Ciphersuite"] == CIPHERSUITE]
    refused = [one for one in ours if one["Expected"] == "reject"]
    assert (len(ours), len(refused)) == (46, 28)
    found = list(check_vectors(json.dumps(ours).encode(), "draft"))
    assert [one for one in found if not one.as_expected] == []
    for vector in ours:
        assert second.accepts(vector) == (vector["Expected"] == "accept"), vector["Id"]


@pytest.mark.published
def test_what_is_of_another_ciphersuite_is_not_as_expected(appendix: list[Vector]) -> None:
    others = [one for one in appendix if one["Ciphersuite"] != CIPHERSUITE]
    assert {one["Expected"] for one in others} == {"accept", "reject"}
    for vector in others:
        found = outcome(vector)
        assert not found.as_expected
        assert "Ciphersuite sigma-proofs_Shake128_P256 is not supported" in found.found


# Our own


def test_our_own_vectors_come_out_the_same_again() -> None:
    assert generate.text() == OWN.read_text("utf-8")


def test_our_own_vectors_are_as_expected() -> None:
    output = io.StringIO()
    assert main([str(OWN)], output) == 0
    assert output.getvalue().endswith(f"\n{len(VECTORS)} as expected, 0 not\n")
    assert output.getvalue().count("proved again, byte for byte") == 18


@pytest.mark.parametrize("base", [one["Id"] for one in VECTORS if one["Expected"] == "accept"])
def test_our_own_vectors_by_the_second_implementation(base: str) -> None:
    assert second.proved_again(BY_ID[base]) == BY_ID[base]["NargString"]
    for vector in VECTORS:
        if base in (vector["Id"], vector.get("BaseId")):
            assert second.accepts(vector) == (vector["Expected"] == "accept"), vector["Id"]


def test_each_refused_vector_is_made_of_an_accepted_one() -> None:
    refused = [vector for vector in VECTORS if vector["Expected"] == "reject"]
    assert len(refused) > 250
    for vector in refused:
        base = BY_ID[vector["BaseId"]]
        assert base["Expected"] == "accept"
        assert any(
            base[name] != vector[name] for name in ("Tag", "Flavor", "Instance", "NargString")
        )


# Re-proving and verifying


@pytest.mark.parametrize("name", ["Relation", "SessionId", "Witness", "BaseId", "Comment"])
def test_fields_that_may_be_left_out(name: str) -> None:
    found = outcome(without(COMPACT, name))
    assert found.as_expected
    assert ("proved again" in found.found) == (name not in ("Relation", "Witness"))


def test_expected_is_accept_where_it_is_left_out() -> None:
    assert outcome(without(COMPACT, "Expected")).as_expected
    assert not outcome(without({**COMPACT, "Tag": "x"}, "Expected")).as_expected


CHANGES: dict[str, Vector] = {
    "another relation": {"Relation": "bit_0"},
    "another witness": {"Witness": "00" * 64},
    "a longer witness": {"Witness": COMPACT["Witness"] + "00" * 32},
    "no hexadecimal": {"Witness": "xx"},
    "a number": {"Relation": 5},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("expected", ["accept", "reject"])
def test_what_verifies_and_is_not_proved_again_is_not_as_expected(
    changes: Vector, expected: str
) -> None:
    found = outcome({**COMPACT, **changes, "Expected": expected})
    assert not found.as_expected
    assert "accept" not in found.found


@pytest.mark.parametrize("vector", [BATCHABLE, COMPACT])
@pytest.mark.parametrize("name", ["Tag", "SessionId", "Instance", "NargString"])
def test_a_changed_field_is_a_reject(vector: Vector, name: str) -> None:
    text = vector[name]
    changed = {**vector, name: text[:-1] + ("0" if text[-1] != "0" else "1")}
    assert not outcome(changed).as_expected
    assert outcome({**changed, "Expected": "reject"}).as_expected


FAILURES: dict[str, Vector] = {
    "upper case": {"NargString": COMPACT["NargString"].upper()},
    "an odd digit": {"NargString": COMPACT["NargString"] + "0"},
    "a space": {"NargString": COMPACT["NargString"] + " "},
    "no text": {"NargString": 5},
    "null": {"Instance": None},
    "an empty instance": {"Instance": ""},
    "a tag that is not ASCII": {"Tag": COMPACT["Tag"] + "é"},
    "a list": {"Tag": [COMPACT["Tag"]]},
}


@pytest.mark.parametrize("changes", FAILURES.values(), ids=FAILURES)
def test_a_parse_failure_is_a_reject(changes: Vector) -> None:
    assert outcome({**COMPACT, **changes, "Expected": "reject"}).as_expected
    assert not outcome({**COMPACT, **changes}).as_expected


@pytest.mark.parametrize("name", ["Tag", "Instance", "NargString", "Flavor", "Ciphersuite"])
def test_a_field_that_is_missing_is_a_parse_failure(name: str) -> None:
    found = outcome({**without(COMPACT, name), "Expected": "reject"})
    assert found.as_expected
    assert f"{name} is not there" in found.found


@pytest.mark.parametrize(
    "changes", [{"Ciphersuite": "x"}, {"Flavor": "short"}, {"Function": "Other"}]
)
@pytest.mark.parametrize("expected", ["accept", "reject"])
def test_what_is_not_supported_is_not_as_expected(changes: Vector, expected: str) -> None:
    found = outcome({**COMPACT, **changes, "Expected": expected})
    assert not found.as_expected
    assert "is not supported, only" in found.found


@pytest.mark.parametrize("expected", ["Accept", "", None, 5, True, ["accept"]])
def test_a_verdict_that_is_none(expected: Any) -> None:
    assert not outcome({**COMPACT, "Expected": expected}).as_expected


# Files and the terminal


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[", b"5", b"\xff", b'{"Id": 1}', b'[{"Id": "a", "Id": "b"}]', b"[" * 100_000],
)
def test_a_file_that_is_no_list_of_vectors(data: bytes) -> None:
    (found,) = check_vectors(data, "file")
    assert (found.name, found.as_expected) == ("file", False)


@pytest.mark.parametrize("vector", [5, None, "text", [], {}])
def test_what_is_no_vector(vector: Any) -> None:
    assert not outcome(vector).as_expected
    assert outcome(vector).name == "file, vector 1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from([BATCHABLE, SPONGE, READ_FIELD, FIELD_BE, sumcheck()]), st.data())
def test_any_field_may_be_anything(vector: Vector, data: st.DataObject) -> None:
    """No traceback, one line."""
    name = data.draw(st.sampled_from(sorted(vector)))
    line = str(outcome({**vector, name: data.draw(JSON)}))
    assert len(line.splitlines()) == 1


@given(st.binary(max_size=60))
def test_any_file_may_be_anything(data: bytes) -> None:
    for found in check_vectors(data, "file"):
        assert len(str(found).splitlines()) == 1


def test_a_name_cannot_write_to_the_terminal() -> None:
    found = outcome({**COMPACT, "Id": "a\n\x1b[2Jb\u2028", "Tag": "x\ny"})
    assert str(found).startswith("NOT: a??[2Jb?: reject, ")


def test_one_line_each_and_the_counts_last(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text(json.dumps([COMPACT, {**COMPACT, "Expected": "reject"}]))
    other.write_text(json.dumps([SPONGE]))
    output = io.StringIO()
    assert main([str(one), str(other), str(tmp_path / "none.json")], output) == 1
    first, second_line, third, missing, last = output.getvalue().splitlines()
    assert (
        first == f"as expected: {COMPACT['Id']}: accept, verified and proved again, byte for byte"
    )
    assert second_line == first.replace("as expected", "NOT")
    assert third == "as expected: sponge: accept, squeezed"
    assert missing.startswith("NOT: ")
    assert "cannot be read" in missing
    assert last == "2 as expected, 2 not"


@pytest.mark.parametrize("name", ["", "\0", "."])
def test_names_that_are_no_files(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    output = io.StringIO()
    assert main([name], output) == 1
    assert output.getvalue().endswith("\n0 as expected, 1 not\n")


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("underseal_protocol.seal.vectors.__main__.MAX_FILE_BYTES", 100)
    file = tmp_path / "large.json"
    file.write_text(json.dumps([COMPACT]))
    output = io.StringIO()
    assert main([str(file)], output) == 1


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT / "protocol"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "underseal_protocol.seal.vectors", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_as_a_command(tmp_path: Path) -> None:
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps([COMPACT]))
    found = run(str(file))
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[-1] == "1 as expected, 0 not"
    file.write_text(json.dumps([{**COMPACT, "Tag": "x"}]))
    found = run(str(file))
    assert (found.returncode, found.stderr) == (1, "")
    assert found.stdout.splitlines()[-1] == "0 as expected, 1 not"


def test_as_a_command_without_a_file() -> None:
    found = run()
    assert found.returncode == 2
    assert "usage: python -m underseal_protocol.seal.vectors" in found.stderr


# The deterministic generator


def test_the_generator_is_that_of_the_second_implementation() -> None:
    for flavor, word in ((Flavor.BATCHABLE, "batchable"), (Flavor.COMPACT, "compact")):
        ours, theirs = prover_drng("dleq", flavor), second.drng_of(word, CIPHERSUITE, "dleq")
        assert [ours(48) for _ in range(3)] == [theirs(48) for _ in range(3)]


def test_each_use_has_a_generator_of_its_own() -> None:
    makers: list[Callable[[], Callable[[int], bytes]]] = [
        lambda: instance_drng("dleq"),
        lambda: instance_drng("dleq2"),
        lambda: prover_drng("dleq", Flavor.BATCHABLE),
        lambda: prover_drng("dleq", Flavor.COMPACT),
    ]
    assert len({make()(48) for make in makers}) == 4
    assert all(make()(48) == make()(48) for make in makers)
