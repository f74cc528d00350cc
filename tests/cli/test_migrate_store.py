"""`underseal migrate-store`: what it says, in which form, and with which exit status."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from tests.cli.conftest import COMPANY_IDS, Run
from tests.postgresql import NEEDS_POSTGRESQL, a_database, a_server

from underseal_node.home import Home, only_one

pytestmark = [
    NEEDS_POSTGRESQL,
    pytest.mark.xdist_group("moving"),
    pytest.mark.sqlite("what is moved is its file"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with a_server() as url:
        yield url


@pytest.fixture
def database(server: Any) -> Iterator[str]:
    with a_database(server) as url:
        yield make_url(url).set(password="c@nary").render_as_string(hide_password=False)


@pytest.fixture
def home(run: Run, tmp_path: Path) -> Path:
    home = tmp_path / "home"
    identity = ("--company", "Werk", "--company-id", COMPANY_IDS["seller"])
    assert run("init", *identity, "--url", "https://werk.example", home=home).status == 0
    return home


def test_it_says_what_was_moved_and_what_comes_next(run: Run, home: Path, database: str) -> None:
    done = run("migrate-store", "--to", database, home=home)
    assert done.status == 0, done.err
    assert "each compared with what was in the home" in done.out
    assert f"{home / 'underseal.toml'} says so" in done.out
    assert "UNDERSEAL_DATABASE_URL" in done.out
    assert "before-move.db" in done.out
    assert "copying: " in done.err
    assert "verifying: " in done.err
    assert "nary" not in done.out + done.err
    again = run("migrate-store", "--to", database, home=home)
    assert (again.status, again.out) == (1, "")
    assert "uses that database already" in again.err


def test_with_json_it_prints_one_document(
    run: Run, home: Path, database: str, fulfils: Callable[[Any, str], None]
) -> None:
    done = run("migrate-store", "--to", database, "--json", home=home)
    assert done.status == 0, done.err
    fulfils(done.json, "store-move")
    tables = {one["name"]: one["rows"] for one in done.json["tables"]}
    assert tables["node_identity"] == 1
    assert len(tables) > 30
    assert done.json["resumed"] is False
    assert "nary" not in done.out


def test_what_makes_no_sense_is_a_usage_error(run: Run, home: Path) -> None:
    for to in ("sqlite:///x", "mysql://u:canary@h/d", "/some/file"):
        done = run("migrate-store", "--to", to, home=home)
        assert (done.status, done.out) == (2, "")
        assert "canary" not in done.err
    assert run("migrate-store", home=home).status == 2


def test_what_cannot_be_done_is_a_failure(
    run: Run, home: Path, database: str, tmp_path: Path
) -> None:
    nobody = run("migrate-store", "--to", "postgresql://u:canary@127.0.0.1:1/x", home=home)
    assert nobody.status == 1
    assert "canary" not in nobody.err
    assert run("migrate-store", "--to", database, home=tmp_path / "no").status == 1
    with only_one(Home(home)):
        running = run("migrate-store", "--to", database, home=home)
    assert (running.status, "is running already" in running.err) == (1, True)
    assert run("migrate-store", "--to", database, home=home).status == 0


def test_a_restored_home_says_when_the_environment_names_another_database(
    run: Run, home: Path, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from underseal_node.backup import create_backup
    from underseal_node.clock import utc_now
    from underseal_node.settings import load_settings

    archive, place = tmp_path / "node.backup", Home(home)
    create_backup(place, load_settings(place), archive, now=utc_now(), passphrase=None)
    monkeypatch.setenv("UNDERSEAL_DATABASE_URL", database)
    done = run("restore", archive, home=tmp_path / "restored")
    assert done.status == 0
    assert "migrate-store --to URL" in done.err
    monkeypatch.delenv("UNDERSEAL_DATABASE_URL")
    assert "migrate-store" not in run("restore", archive, home=tmp_path / "other").err
