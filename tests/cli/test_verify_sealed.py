"""`underseal verify --sealed`, offline: grade, coverage, endorsers, and what is not proved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.node.manage.conftest import Market
from tests.node.manage.conftest import market as market
from tests.node.manage.sealing import open_sealing

from underseal_cli.seal_proofs import GENERATORS
from underseal_node.store import footprints
from underseal_protocol import base64url
from underseal_protocol.disclosure import Level
from underseal_protocol.seal.generators import encoded_vectors
from underseal_protocol.segments import render

pytestmark = pytest.mark.xdist_group("verify-sealed")


@dataclass(frozen=True)
class Files:
    """What a customer of the cell maker has in files.

    Attributes:
        footprint: as it sees it.
        sealed: the sealed sum.
        keys: of the cell maker.
        supplier: keys of the supplier.
        opening: for an auditor.
        home: with generators.
    """

    footprint: Path
    sealed: Path
    keys: Path
    supplier: Path
    opening: Path
    home: Path

    def command(self, *more: Any) -> tuple[Any, ...]:
        return ("verify", self.footprint, "--keys", self.keys, "--sealed", self.sealed, *more)

    @property
    def known(self) -> tuple[str, str]:
        return "--endorser-keys", f"https://cathode.example={self.supplier}"


@pytest.fixture
async def files(market: Market, tmp_path: Path) -> Files:
    sealing = await open_sealing(market)
    footprint_id = await sealing.sealed(coverage=0, nameFactors=True)
    cell = sealing.cell
    row = cell.node.store.read_sync(lambda session: footprints.row(session, footprint_id))
    seal = await cell.get(f"/seals/{footprint_id}")
    given = {"everything": True, "verifier": "An auditor"}
    opening = (await cell.post(f"/footprints/{footprint_id}/opening", given))["opening"]
    contents = {
        "footprint": render(row.segments, Level.TOTAL, row.status),
        "sealed": json.dumps(seal["sealedSum"]).encode(),
        "keys": json.dumps(cell.node.public_keys.to_jwks()).encode(),
        "supplier": json.dumps(sealing.suppliers["cathode"].node.public_keys.to_jwks()).encode(),
        "opening": json.dumps(opening).encode(),
    }
    found = {name: tmp_path / f"{name}.json" for name in contents}
    for name, content in contents.items():
        found[name].write_bytes(content)
    home = tmp_path / "reader"
    (home / GENERATORS).parent.mkdir(parents=True)
    (home / GENERATORS).write_bytes(encoded_vectors())
    return Files(**found, home=home)


async def test_what_is_proved_and_what_is_not(run: Run, files: Files) -> None:
    done = run(*files.command(*files.known), home=files.home)
    assert done.status == 0, done.err
    proved, _, rest = done.out.partition("Not proved:")
    unproved, _, shown = rest.partition("Sealed sum (experimental):")
    assert "endorse" in proved
    assert "that the figures are right" in unproved
    assert "grade mass" in shown
    assert "no coverage" in shown
    assert "known to you:\n    https://cathode.example: per 1 kilogram" in shown
    assert "named factor: Grid electricity, Hungary" in shown
    assert "not known to you" not in shown


async def test_whoever_the_reader_does_not_know_does_not_count(run: Run, files: Files) -> None:
    done = run(*files.command("--json"), home=files.home)
    assert done.status == 0, done.err
    verdict = done.json["sealedSum"]
    assert (verdict["grade"], verdict["coveragePercent"]) == ("origin", 0)
    assert [one["isKnown"] for one in verdict["endorsers"]] == [False]
    assert verdict["reductions"]
    assert set(verdict["notShown"]) <= set(done.json["notProved"])
    for_people = run(*files.command(), home=files.home).out
    assert "not known to you, so they do not count" in for_people


async def test_without_it_it_is_said_that_there_is_one(run: Run, files: Files) -> None:
    done = run("verify", files.footprint, "--keys", files.keys)
    assert done.status == 0
    assert "that it adds up: a sealed sum of it is signed, and not given (--sealed)" in done.out


@pytest.mark.parametrize("part", ["document", "statement", "version"])
async def test_one_that_was_altered_is_refused_by_its_part(
    run: Run, files: Files, part: str
) -> None:
    value = json.loads(files.sealed.read_text())
    document = bytearray(base64url.decode(value["document"]))
    document[-1] ^= 1
    change = {"document": base64url.encode(bytes(document)), "statement": "a.b.c", "version": 2}
    files.sealed.write_text(json.dumps(value | {part: change[part]}))
    done = run(*files.command(*files.known), home=files.home)
    assert done.status == 1
    words = {"document": "ranges:", "statement": "binding:", "version": "file:"}
    assert f"the sealed sum in {files.sealed}" in done.err
    assert words[part] in done.err


async def test_the_raw_document_is_read_too(run: Run, files: Files) -> None:
    value = json.loads(files.sealed.read_text())
    files.sealed.write_bytes(base64url.decode(value["document"]))
    assert run(*files.command(*files.known), home=files.home).status == 0


async def test_an_endorser_with_a_key_of_the_publisher_is_refused(run: Run, files: Files) -> None:
    """Also where the reader has the keys of the publisher from a file, and not from its node."""
    own, other = (json.loads(one.read_text())["keys"] for one in (files.keys, files.supplier))
    files.keys.write_text(json.dumps({"keys": [*own, *other]}))
    done = run(*files.command(*files.known), home=files.home)
    assert done.status == 1
    assert "endorsement 1: it is of the publisher, or signed with a key of the publisher" in (
        " ".join(done.err.split())
    )


async def test_keys_of_an_endorser_have_to_say_whose_they_are(run: Run, files: Files) -> None:
    done = run(*files.command("--endorser-keys", str(files.supplier)), home=files.home)
    assert done.status == 2
    assert "URL=FILE" in done.err
    done = run("verify", files.footprint, "--keys", files.keys, *files.known)
    assert done.status == 2
    assert "--sealed" in done.err


async def test_an_auditor_sees_the_sealed_quantities(run: Run, files: Files) -> None:
    done = run(*files.command("--opening", files.opening), home=files.home)
    assert done.status == 0, done.err
    assert "2 quantities of the sealed sum" in done.out
    assert "all that it has; 2 stand in lines that are opened" in done.out
    assert "(sealed quantity): 2 units, 1.5 kg CO2e for each" in done.out
    assert "factor:EL-HU (sealed quantity): 5 units" in done.out
    shown = run(*files.command("--opening", files.opening, "--json"), home=files.home).json
    assert shown["opening"]["sealedSum"]["digest"] == shown["sealedSum"]["digest"]
    offline = ("verify", files.footprint, "--keys", files.keys, "--opening", files.opening)
    assert run(*offline).status == 0


async def test_an_opening_that_was_altered_is_refused(run: Run, files: Files) -> None:
    value = json.loads(files.opening.read_text())
    value["sealed"]["quantities"][0]["quantity"] = "2000000001"
    files.opening.write_text(json.dumps(value))
    done = run("verify", files.footprint, "--keys", files.keys, "--opening", files.opening)
    assert done.status == 1
    assert "what is opened of the sealed sum" in done.err
    assert "2000000001" not in done.err
