"""The commands that need the node's own code: init, serve, backup and restore."""

from __future__ import annotations

import signal
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from tests.cli.conftest import COMPANY_IDS, Market, Run

from underseal_cli.demo_nodes import Workbench

IDENTITY = ("--company", "Werk", "--company-id", COMPANY_IDS["seller"])
ADDRESS = ("--url", "https://werk.example:8443/pact/")
PASSPHRASE = "correct horse battery staple"
PATIENCE_SECONDS = 60.0


def test_init_says_where_the_node_is_and_what_comes_next(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = run("init", *IDENTITY, *ADDRESS, home=home)
    assert (done.status, done.err) == (0, "")
    assert f"The node of Werk is in {home}." in done.out
    assert f"underseal --home {home} serve" in done.out


def test_init_warns_of_a_mistyped_company_id(run: Run, tmp_path: Path) -> None:
    common = ("init", "--company", "C", "--url", "https://c.example", "--company-id")
    wrong, right = "urn:lei:529900T8BM49AURSDO56", "urn:lei:529900T8BM49AURSDO55"
    done = run(*common, wrong, home=tmp_path / "a")
    assert done.status == 0
    assert "check digits" in done.err
    assert run(*common, right, home=tmp_path / "b").err == ""


def test_init_does_not_touch_a_node_that_is_there(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    run("init", *IDENTITY, *ADDRESS, home=home)
    key = (home / "secrets" / "master.key").read_bytes()
    done = run("init", *IDENTITY, *ADDRESS, home=home)
    assert (done.status, done.out) == (1, "")
    assert "is the home of a node already" in done.err
    assert (home / "secrets" / "master.key").read_bytes() == key


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--company", "W", "--company-id", "4711", *ADDRESS), "is not a URN"),
        (("--company", " ", "--company-id", "urn:a:b", *ADDRESS), "the company name is empty"),
        ((*IDENTITY, "--url", "http://werk.example"), "is not an https URL"),
    ],
)
def test_init_refuses_what_no_node_can_have(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], named: str
) -> None:
    done = run("init", *arguments, home=tmp_path / "home")
    assert done.status == 1
    assert named in done.err
    assert not (tmp_path / "home" / "underseal.toml").exists()


def test_serve_without_a_home_or_a_certificate_says_what_to_do(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert "underseal init" in run("serve", "--dev-tls", home=home).err
    run("init", *IDENTITY, *ADDRESS, home=home)
    done = run("serve", "--port", "0", "--manage-port", "0", home=home)
    assert done.status == 1
    assert "--dev-tls" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_when_it_is_ready_and_ends_cleanly(number: signal.Signals) -> None:
    with Workbench() as bench:
        node = bench.node("werk")
        node.init("Werk", [COMPANY_IDS["seller"]])
        with subprocess.Popen(
            node.command("serve", "--dev-tls", "--port", str(node.port), "--manage-port", "0"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=node.environment,
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            said = []
            hurry = threading.Timer(PATIENCE_SECONDS, process.kill)
            hurry.start()
            for line in process.stderr:
                said += [] if line.startswith("{") else [line]
                if len(said) == 2:
                    break
            process.send_signal(number)
            rest = process.stderr.read()
            assert process.wait(PATIENCE_SECONDS) == 0
            hurry.cancel()
    assert said[0] == f"Ready: peers reach this node at {node.url}. Ctrl-C stops it.\n"
    assert "--ca-file" in said[1]
    assert "Traceback" not in rest


def test_a_passphrase_is_asked_for_twice_at_a_terminal(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from underseal_cli import passphrase
    from underseal_cli.errors import CliError

    answers = iter(["one", "two"])
    monkeypatch.setattr(passphrase, "is_terminal", lambda stream: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    with pytest.raises(CliError, match="the two passphrases differ"):
        passphrase.read_passphrase(None, prompt="New passphrase", twice=True)
    answers = iter(["same", "same"])
    assert passphrase.read_passphrase(None, prompt="New passphrase", twice=True) == "same"


@pytest.mark.xdist_group("cli")
class TestBackup:
    """From a running node into a new home."""

    def test_without_the_key_it_has_to_be_put_in_place(
        self, run: Run, market: Market, tmp_path: Path
    ) -> None:
        archive, target = tmp_path / "node.backup", tmp_path / "restored"
        done = run("backup", archive, home=market.seller.home)
        assert done.status == 0, done.err
        assert "secrets/master.key" in done.out
        assert stat.S_IMODE(archive.stat().st_mode) == 0o600
        restored = run("restore", archive, home=target)
        assert restored.status == 0, restored.err
        assert f"put it into {target / 'secrets' / 'master.key'}" in restored.out
        again = run("restore", archive, home=target)
        assert again.status == 1
        assert "is not empty" in again.err

    def test_with_the_key_the_passphrase_is_needed(
        self, run: Run, market: Market, tmp_path: Path
    ) -> None:
        archive, target = tmp_path / "node.backup", tmp_path / "restored"
        file = tmp_path / "passphrase"
        file.write_text(f"{PASSPHRASE}\r\nsecond line", encoding="utf-8")
        done = run(
            *("backup", archive, "--with-key", "--passphrase-file", file), home=market.seller.home
        )
        assert done.status == 0, done.err
        assert PASSPHRASE not in done.out + done.err
        for stdin, named in (("", "a passphrase is needed"), ("wrong one\n", "passphrase")):
            refused = run("restore", archive, home=target, stdin=stdin)
            assert refused.status == 1
            assert named in refused.err
            assert not target.exists()
        restored = run("restore", archive, home=target, stdin=f"{PASSPHRASE}\n")
        assert restored.status == 0, restored.err
        key = (market.seller.home / "secrets" / "master.key").read_bytes()
        assert (target / "secrets" / "master.key").read_bytes().strip() == key.strip()

    def test_an_existing_backup_is_replaced_only_by_a_whole_one(
        self, run: Run, market: Market, tmp_path: Path
    ) -> None:
        archive = tmp_path / "node.backup"
        archive.write_bytes(b"the last one")
        refused = run("backup", archive, "--with-key", home=market.seller.home, stdin="")
        assert refused.status == 1
        assert archive.read_bytes() == b"the last one"
        assert run("backup", archive, home=market.seller.home).status == 0
        assert archive.read_bytes() != b"the last one"
        assert list(tmp_path.iterdir()) == [archive]

    @pytest.mark.parametrize("content", [b"", b"nonsense", None])
    def test_what_is_no_backup_is_refused(
        self, run: Run, tmp_path: Path, content: bytes | None
    ) -> None:
        archive = tmp_path / "node.backup"
        if content is None:
            archive.mkdir()
        else:
            archive.write_bytes(content)
        done = run("restore", archive, home=tmp_path / "restored")
        assert (done.status, done.out) == (1, "")
        assert str(archive) in done.err
        assert not (tmp_path / "restored").exists()
