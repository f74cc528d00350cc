"""Endorsers that are not named: `verify --roster` offline, and asking before one is admitted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.node.manage.conftest import Market
from tests.node.manage.conftest import market as market
from tests.node.manage.rosters import NAME, association, keep
from tests.node.manage.sealing import open_sealing

from underseal_cli.seal_proofs import GENERATORS
from underseal_cli.seals import shows_lines
from underseal_node.store import footprints
from underseal_protocol.disclosure import Level
from underseal_protocol.seal.generators import encoded_vectors
from underseal_protocol.segments import render

pytestmark = pytest.mark.xdist_group("verify-sealed")


@dataclass(frozen=True)
class Files:
    """What a reader has in files.

    Attributes:
        directory: where they are.
        shows: what the publisher was told that readers see, a line each.
    """

    directory: Path
    shows: list[str]

    def command(self, *rosters: str) -> list[str]:
        given = ["verify", "footprint.json", "--keys", "keys.json", "--sealed", "sealed.json"]
        options = [one for name in rosters for one in ("--roster", name)]
        return [str(self.directory / one) if "." in one else one for one in (*given, *options)]


@pytest.fixture
async def files(market: Market, tmp_path: Path) -> Files:
    sealing = await open_sealing(market, endorse_named=False)
    cell = sealing.cell
    issuer, epoch = await association(market, cell, sealing.suppliers["cathode"])
    other = await keep(issuer, name="another one")
    footprint_id = await sealing.sealed(roster=NAME)
    row = cell.node.store.read_sync(lambda session: footprints.row(session, footprint_id))
    seal = await cell.get(f"/seals/{footprint_id}")
    application = await cell.get("/rosters")
    for name, content in {
        "footprint.json": render(row.segments, Level.TOTAL, row.status),
        "sealed.json": json.dumps(seal["sealedSum"]).encode(),
        "keys.json": json.dumps(cell.node.public_keys.to_jwks()).encode(),
        "roster.jws": epoch["statement"].encode(),
        "other.jws": other["statement"].encode(),
        "application.jws": application["memberships"][0]["application"].encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
    home = tmp_path / "reader"
    (home / GENERATORS).parent.mkdir(parents=True)
    (home / GENERATORS).write_bytes(encoded_vectors())
    return Files(tmp_path, shows_lines(seal["shows"]))


async def test_members_are_counted_and_nobody_is_named(run: Run, files: Files) -> None:
    done = run(*files.command("roster.jws"), home=files.directory / "reader")
    assert done.status == 0, done.err
    _, _, shown = done.out.partition("Sealed sum (experimental):")
    assert "grade mass" in shown
    who = f"1 member of the roster {NAME} of https://association.example, which you trust"
    assert who in shown
    assert "the publisher is LEI of cell.example" in shown
    assert "cathode" not in done.out
    assert "who the endorsers are" in done.out
    assert any("1 member has endorsed" in one for one in files.shows)
    assert not any("cathode" in one for one in files.shows)


@pytest.mark.parametrize("given", [(), ("other.jws",)])
async def test_a_roster_that_is_not_trusted_does_not_count(
    run: Run, files: Files, given: tuple[str, ...]
) -> None:
    done = run(*files.command(*given), "--json", home=files.directory / "reader")
    assert done.status == 0, done.err
    assert done.json["sealedSum"]["grade"] == "origin"
    assert done.json["sealedSum"]["roster"]["isKnown"] is False
    text = run(*files.command(*given), home=files.directory / "reader").out
    assert "which you do not trust: it does not count" in text


async def test_another_file_is_no_roster(run: Run, files: Files) -> None:
    done = run(*files.command("application.jws"), home=files.directory / "reader")
    assert done.status == 1
    assert "it is no statement of a roster" in done.err
    done = run("verify", "x", "--keys", "y", "--roster", "z")
    assert done.status == 2
    assert "give --sealed, too" in done.err


async def test_nobody_is_admitted_unasked(run: Run, files: Files) -> None:
    application = files.directory / "application.jws"
    done = run("roster", "admit", application, "--out", files.directory / "out.jws")
    assert done.status == 1
    assert "LEI of cell.example, with the node https://cell.example, applies" in done.err
    assert "--yes" in done.err
    assert not (files.directory / "out.jws").exists()
    done = run("roster", "admit", files.directory / "keys.json", "--out", files.directory / "o")
    assert done.status == 1
    assert "it is no application" in done.err
