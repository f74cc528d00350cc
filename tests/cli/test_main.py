"""The command as a whole: help, exit statuses, what happens when something goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run

from underseal_cli import outbox
from underseal_cli.demo_nodes import Workbench

COMMAND = [sys.executable, "-m", "underseal_cli.main"]
COMMANDS = (
    "init", "serve", "doctor", "footprint", "peer", "grant", "pull", "received", "request",
    "outbox", "alert", "key", "move", "verify", "backup", "restore", "demo",
)  # fmt: skip
HEAVY = ("httpx", "rich.console", "pydantic", "cryptography", "sqlalchemy", "underseal_node")


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    options = {"capture_output": True, "text": True, "timeout": 60, "check": False} | options
    return subprocess.run([*COMMAND, *arguments], **options)


@pytest.fixture
def home(run: Run, tmp_path: Path) -> Path:
    """The home of a node that does not run."""
    place = tmp_path / "home"
    identity = ("--company", "Werk", "--company-id", "urn:lei:529900T8BM49AURSDO55")
    assert run("init", *identity, "--url", "https://werk.example", home=place).status == 0
    return place


def test_help_names_every_command(run: Run) -> None:
    done = run("--help")
    assert done.status == 0
    for name in COMMANDS:
        assert f"  {name} " in done.out


def test_without_a_command_the_help_is_shown(run: Run) -> None:
    done = run()
    assert done.status == 2
    assert "Commands:" in done.out + done.err


@pytest.mark.parametrize(
    ("words", "completed"), [("underseal foot", "footprint"), ("underseal peer cre", "credentials")]
)
def test_the_shell_completes_commands(words: str, completed: str) -> None:
    position = str(len(words.split()) - 1)
    asked = {"_UNDERSEAL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": position}
    assert process(env=os.environ | asked).stdout.split() == [completed]


def test_the_version_is_that_of_the_distribution(run: Run) -> None:
    done = run("--version")
    assert (done.status, done.out) == (0, "underseal 0.1.0\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("unknown",),
        ("peer", "unknown"),
        ("peer", "add"),
        ("peer", "list", "--unknown"),
        ("grant", "remove", "not-a-number"),
        ("grant", "add", "acme"),
        ("grant", "add", "acme", "--all", "--product-id", "urn:gtin:4712345060507"),
        ("grant", "add", "acme", "--all", "--level", "everything"),
        ("received", "list", "--verification", "perhaps"),
        ("received", "list", "--limit", "0"),
        ("outbox", "list", "--state", "lost"),
        ("pull",),
        ("pull", "acme", "--all"),
        ("pull", "acme", "--every", "soon"),
        ("pull", "acme", "--every", "6h", "--json"),
        ("peer", "set", "acme"),
        ("verify", "file.json"),
        ("backup", "file", "--passphrase-file", "x"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_makes_no_sense_gives_2(
    run: Run, home: Path, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = run(*arguments, home=home)
    assert done.status == 2, done
    assert done.out == ""
    assert "--help" in done.err
    assert "Error: " in done.err


@pytest.mark.parametrize("option", [("--home", "x"), ("--home=x",)])
def test_a_home_behind_the_command_is_explained(run: Run, option: tuple[str, ...]) -> None:
    done = run("peer", "list", *option)
    assert done.status == 2
    assert "--home DIR stands before the command" in done.err
    other = run("--home", "x", "peer", "list", "--unknown")
    assert other.status == 2
    assert "stands before" not in other.err


def test_an_argument_that_is_no_text_is_named(run: Run, home: Path) -> None:
    says = {"manage_url": "http://127.0.0.1:1"}
    (home / "run" / "node.json").write_text(json.dumps(says), encoding="utf-8")
    done = run("peer", "show", os.fsdecode(b"\xff"), home=home)
    assert done.status == 1
    assert "is not text in UTF-8" in done.err


def test_a_home_without_a_node_is_named_with_what_to_do(run: Run, tmp_path: Path) -> None:
    done = run("peer", "list", home=tmp_path / "nowhere")
    assert (done.status, done.out) == (1, "")
    assert f"there is no node in {tmp_path / 'nowhere'}" in done.err
    assert "underseal init" in done.err


def test_a_node_that_does_not_run_is_named_with_what_to_do(run: Run, home: Path) -> None:
    done = run("peer", "list", "--json", home=home)
    assert (done.status, done.out) == (1, "")
    assert "is not running" in done.err
    assert f"underseal --home {home} serve" in done.err


def test_the_home_is_that_of_the_environment_unless_it_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{tmp_path / 'nobody' / '.underseal'}" in run("peer", "list").err
    monkeypatch.setenv("UNDERSEAL_HOME", str(tmp_path / "other"))
    assert f"there is no node in {tmp_path / 'other'}" in run("peer", "list").err
    assert (
        f"there is no node in {tmp_path / 'this'}"
        in run("peer", "list", home=tmp_path / "this").err
    )


def test_a_file_that_cannot_be_read_is_named(run: Run, home: Path, tmp_path: Path) -> None:
    for file, reason in [(tmp_path / "none.json", "No such file"), (tmp_path, "is a directory")]:
        done = run("footprint", "check", file, home=home)
        assert done.status == 1
        assert str(file) in done.err
        assert reason in done.err


def test_a_defect_is_a_sentence_and_no_traceback() -> None:
    script = (
        "import sys\n"
        "from underseal_cli import main, outbox\n"
        "def broken(*_): raise ZeroDivisionError('by nobody')\n"
        "outbox.manage_of = broken\n"
        "sys.argv = ['underseal', 'outbox', 'list']\n"
        "sys.exit(main.main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "this should not have happened: ZeroDivisionError: by nobody" in done.stderr


def test_ctrl_c_gives_130(monkeypatch: pytest.MonkeyPatch, run: Run, home: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(outbox, "manage_of", interrupted)
    assert run("outbox", "list", home=home).status == 130


def test_nobody_reading_the_output_is_no_defect() -> None:
    """`underseal --help | head -1`, with an output that is larger than a pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    done = process(
        "footprint", "--help", stdout=writer, stderr=subprocess.PIPE, capture_output=False
    )
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = process("--help", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the output cannot be written: No space left on device\n")
    assert "Traceback" not in done.stderr


def test_closed_streams_are_no_defect() -> None:
    closing = [
        sys.executable,
        "-c",
        "import os, sys; os.close(1); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    done = subprocess.run(
        [*closing, *COMMAND, "--version"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_starts_quickly() -> None:
    """Half a second is the promise; here other tests run at the same time."""
    measured = []
    for _ in range(3):
        started = time.monotonic()
        assert process("--help").returncode == 0
        measured.append(time.monotonic() - started)
    assert min(measured) < 1.0


def test_nothing_heavy_is_loaded_for_the_help() -> None:
    script = (
        f"import sys, underseal_cli.main\nprint([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("underseal pe", "peer"),
        ("underseal grant add acme --lev", "--level"),
        ("underseal grant add acme --level bre", "breakdown"),
    ],
)
def test_the_shell_completes(words: str, expected: str) -> None:
    environment = os.environ | {
        "_UNDERSEAL_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = process(env=environment)
    assert expected in done.stdout.split()


def test_json_may_stand_before_the_command(run: Run, tmp_path: Path) -> None:
    identity = ("--company", "Werk", "--company-id", "urn:lei:529900T8BM49AURSDO55")
    address = ("--url", "https://werk.example")
    before = run("--home", tmp_path / "a", "--json", "init", *identity, *address)
    behind = run("init", *identity, *address, "--json", home=tmp_path / "b")
    assert before.json["url"] == behind.json["url"] == "https://werk.example"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """As the demo and the tests with several nodes call it."""
    with Workbench() as bench:
        node = bench.node("werk")
        node.init("Werk", ["urn:lei:529900T8BM49AURSDO55"])
        done = node.run("peer", "list", check=False)
    assert done.returncode == 1
    assert "is not running" in done.stderr


def test_output_in_another_encoding_is_still_json(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = process(
        *("--home", str(tmp_path / "home"), "init", "--json", "--company", "霁川锂盐"),
        *("--company-id", "urn:lei:529900T8BM49AURSDO55", "--url", "https://werk.example"),
        env=environment,
    )
    assert json.loads(done.stdout)["companyName"] == "霁川锂盐"
