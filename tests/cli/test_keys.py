"""Keys at the command line: the recovery key is shown once, kept nowhere, and asked for."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import COMPANY_IDS, Run
from tests.forking import QuickWorkbench

from underseal_cli.demo_nodes import NodeProcess
from underseal_protocol.recovery import recovery_key_of

IDENTITY = ("--company", "Werk", "--company-id", COMPANY_IDS["seller"])
ADDRESS = ("--url", "https://werk.example")
TIME = "2026-01-01T00:00:00Z"


def key_in(text: str) -> str:
    """The recovery key that was printed."""
    (found,) = [line.strip() for line in text.splitlines() if line.strip().startswith("usrk1-")]
    return found


def files_with(directory: Path, text: str) -> list[Path]:
    scalar = recovery_key_of(text).to_scalar()
    forms = (text.encode(), text.replace("-", "").encode(), scalar, scalar.hex().encode())
    found = [file for file in directory.rglob("*") if file.is_file()]
    assert found
    return [file for file in found if any(form in file.read_bytes() for form in forms)]


def test_init_prints_the_recovery_key_once_and_keeps_nothing_of_it(
    run: Run, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    done = run("init", *IDENTITY, *ADDRESS, home=home)
    key = key_in(done.out)
    assert "Keep it offline" in done.out
    assert "without it a theft" in done.out
    assert files_with(tmp_path, key) == []


def test_init_writes_it_into_a_file_that_only_its_owner_can_read(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "recovery.key"
    out = ("--recovery-key-out", file)
    done = run("init", *IDENTITY, *ADDRESS, *out, home=tmp_path / "home")
    assert "usrk1-" not in done.out + done.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert files_with(tmp_path, file.read_text().strip()) == [file]
    again = run("init", *IDENTITY, *ADDRESS, *out, home=tmp_path / "other")
    assert again.status == 1
    assert "exists already" in again.err
    assert not (tmp_path / "other").exists()


def test_json_has_it_too(run: Run, tmp_path: Path, fulfils: Callable[[Any, str], None]) -> None:
    done = run("init", *IDENTITY, *ADDRESS, "--json", home=tmp_path / "home")
    fulfils(done.json, "init")
    recovery_key_of(done.json["recoveryKey"])
    file = tmp_path / "recovery.key"
    out = ("--recovery-key-out", file, "--json")
    done = run("init", *IDENTITY, *ADDRESS, *out, home=tmp_path / "other")
    fulfils(done.json, "init")
    assert done.json["recoveryKeyFile"] == str(file)
    assert "recoveryKey" not in done.json


def test_it_is_not_kept_in_the_home_and_goes_when_init_fails(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    inside = home / "recovery.key"
    done = run("init", *IDENTITY, *ADDRESS, "--recovery-key-out", inside, home=home)
    assert done.status == 1
    assert "is in the home of the node" in done.err
    outside = tmp_path / "recovery.key"
    broken = ("init", *IDENTITY, "--url", "http://werk.example", "--recovery-key-out", outside)
    assert run(*broken, home=home).status == 1
    assert not outside.exists()


@pytest.fixture(scope="module")
def werk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeProcess, Path]]:
    """A running node, and the file with its recovery key."""
    file = tmp_path_factory.mktemp("safe") / "recovery.key"
    with QuickWorkbench() as bench:
        node = bench.node("werk")
        node.run("init", *IDENTITY, "--url", node.url, "--recovery-key-out", str(file))
        node.start()
        yield node, file


@pytest.mark.xdist_group("keys")
def test_rotate_revoke_and_another_recovery_key(
    run: Run, werk: tuple[NodeProcess, Path], fulfils: Callable[[Any, str], None]
) -> None:
    node, file = werk

    def checked(schema: str, *arguments: str | Path, stdin: str = "") -> Any:
        done = run(*arguments, "--json", home=node.home, stdin=stdin)
        assert done.status == 0, done
        fulfils(done.json, schema)
        return done.json

    before = checked("key-list", "key", "list")
    assert before["recoveryKid"] == recovery_key_of(file.read_text()).kid
    used = {one["purpose"]: one["kid"] for one in before["data"]}
    rotated = checked("key-change", "key", "rotate", "--purpose", "footprint")
    assert rotated["rotated"] == [used["footprint"]]
    shown = run("key", "list", home=node.home).out
    assert rotated["new"]["footprint"] in shown
    revoke = ("key", "revoke", rotated["new"]["footprint"], "--since", TIME)
    without = run(*revoke, home=node.home)
    assert without.status == 1
    assert "the recovery key is needed" in without.err
    text = file.read_text().strip()
    mistyped = text[:8] + ("b" if text[8] == "a" else "a") + text[9:]
    wrong = run(*revoke, "--recovery-key-file", "-", home=node.home, stdin=mistyped)
    assert wrong.status == 1
    assert "typing error" in wrong.err
    assert mistyped not in wrong.err
    reason = ("--reason", "a laptop was stolen")
    revoked = checked("key-change", *revoke, *reason, "--recovery-key-file", file)
    assert revoked["revoked"] == [rotated["new"]["footprint"]]
    assert revoked["new"]["footprint"] not in (used["footprint"], *revoked["revoked"])
    other = checked(
        "recovery-key", "key", "recovery", "--new", "--recovery-key-file", "-",
        stdin=file.read_text(),
    )  # fmt: skip
    after = checked("key-list", "key", "list")
    assert after["recoveryKid"] == recovery_key_of(other["recoveryKey"]).kid
    assert after["entry"] == 4
    old = run(*revoke[:2], used["client"], *revoke[3:], "--recovery-key-file", file, home=node.home)
    assert old.status == 1
    assert "not the recovery key of this node" in old.err
    node.stop()
    for text in (file.read_text().strip(), other["recoveryKey"]):
        assert files_with(node.home, text) == []
        assert text not in node.log_file.read_text()
    node.start()


@pytest.mark.xdist_group("keys")
@pytest.mark.parametrize("start", ["-", "--", "-h"])
def test_a_fingerprint_may_begin_like_an_option(
    run: Run, werk: tuple[NodeProcess, Path], start: str
) -> None:
    kid, since = start.ljust(43, "A"), ("--since", TIME)
    for order in ((kid, *since), (*since, kid)):
        done = run("key", "revoke", *order, home=werk[0].home)
        assert done.status == 1, done
        assert "the recovery key is needed" in done.err


@pytest.mark.xdist_group("keys")
def test_a_move_says_what_is_to_be_done(
    run: Run, werk: tuple[NodeProcess, Path], fulfils: Callable[[Any, str], None]
) -> None:
    node, _file = werk
    new = "https://new.werk.example"
    dry = run("move", "--url", new, "--dry-run", "--json", home=node.home)
    fulfils(dry.json, "move")
    assert (dry.json["dryRun"], dry.json["formerUrl"]) == (True, node.url)
    assert "new.werk.example" in json.dumps(dry.json["todo"])
    assert node.look("/node")["url"] == node.url
    refused = run("move", "--url", "http://new.example", home=node.home)
    assert refused.status == 1
    assert "not an https URL" in refused.err
    moved = run("move", "--url", new, home=node.home)
    assert moved.status == 0
    assert f"Keep {node.url} leading to this node" in moved.out
    assert node.look("/node")["url"] == new


def test_wrong_usage(run: Run, tmp_path: Path) -> None:
    assert run("key", "rotate", "--purpose", "recovery", home=tmp_path).status == 2
    assert run("key", "recovery", home=tmp_path).status == 2
    for wrong in ("--sinze", "-x", "A" * 44):
        done = run("key", "revoke", wrong, "--since", TIME, home=tmp_path)
        assert done.status == 2
        assert f"'{wrong}' is neither an option nor the fingerprint of a key" in done.err
