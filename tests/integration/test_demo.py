"""`underseal demo` does what it says, says when it does not, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from underseal_cli import demo as demo_module
from underseal_cli.demo_cast import Cast
from underseal_cli.demo_chapters import CHAPTERS
from underseal_cli.demo_data import battery_chain, energy, factors
from underseal_cli.demo_nodes import DemoError
from underseal_cli.demo_story import Story

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("demo")]

COMMAND = [sys.executable, "-m", "underseal_cli.main", "demo"]
WAIT_SECONDS = 120


def environment(directory: Path) -> dict[str, str]:
    """The demo makes its temporary directory in `directory`, by which its processes are known."""
    return os.environ | {"TMPDIR": str(directory), "PYTHONUNBUFFERED": "1", "COLUMNS": "120"}


def processes(directory: Path) -> list[str]:
    """The command lines of running processes that name a path in `directory`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in line:
            found.append(line)
    return found


@pytest.fixture
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A demo under way, with the options that the test was parametrised with."""
    options = getattr(request, "param", ())
    process = subprocess.Popen(
        [*COMMAND, *options],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(30)
    assert process.stdout is not None
    process.stdout.close()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """What the demo printed up to the line that matches."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if re.search(pattern, line):
            return text
    raise AssertionError(f"{pattern!r} was never printed:\n{text}")


def words(text: str) -> str:
    """What stands in the last column of the tables, without their lines."""
    columns = [line.split("│") for line in text.splitlines()]
    return " ".join(" ".join(one[3] for one in columns if len(one) == 5).split())


def test_every_step_comes_out_as_it_should_and_nothing_is_left(tmp_path: Path) -> None:
    started = time.monotonic()
    done = subprocess.run(
        COMMAND,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS * 2,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"All \d+ steps came out as they should", done.stdout)
    for number, (title, _) in enumerate(CHAPTERS, 1):
        assert f"{number}. {title}" in done.stdout
    assert "霁川锂盐精炼有限公司" in done.stdout
    told = words(done.stdout)
    assert "mass: the endorsed inputs have less mass than the product, which has 5.03 kg" in told
    assert "verified, grade mass" in told
    assert "arithmetically consistent with values that the listed suppliers endorsed" in told
    assert "Traceback" not in done.stdout + done.stderr
    assert processes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    # The promise is a minute on a machine of its own; tests share theirs.
    assert time.monotonic() - started < WAIT_SECONDS * 2


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.soak),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.soak),
    ],
)
def test_a_signal_stops_every_node(
    running: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, status: int
) -> None:
    read_until(running, r"^1\. ")
    assert len(processes(tmp_path)) >= 4
    running.send_signal(number)
    assert running.wait(60) == status
    assert processes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_signal_while_the_nodes_are_starting_stops_them_too(
    running: subprocess.Popen[str], tmp_path: Path
) -> None:
    deadline = time.monotonic() + 60
    while not processes(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 143
    assert processes(tmp_path) == []


@pytest.mark.soak
@pytest.mark.parametrize("running", [("--keep",)], indirect=True)
def test_keep_leaves_the_nodes_up_and_says_how_to_talk_to_them(
    running: subprocess.Popen[str], tmp_path: Path
) -> None:
    text = read_until(running, r"curl --cacert")
    commands = re.findall(r"^  (underseal --home \S+ received list)$", text, re.MULTILINE)
    assert len(commands) == 4
    talk = [sys.executable, "-m", "underseal_cli.main", *commands[1].split()[1:]]
    answer = subprocess.run(talk, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "14.7308" in answer.stdout
    assert len(processes(tmp_path)) >= 4
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130
    assert processes(tmp_path) == []


def quiet() -> Console:
    return Console(file=io.StringIO(), width=120)


def test_a_step_that_fails_makes_the_demo_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_wrong_step(cast: Cast, story: Story) -> None:
        with story.chapter("1. x"):
            story.check("a step", "not this", ok=False)
            story.check("another", "this", ok=True)

    monkeypatch.setattr(demo_module, "tell_everything", one_wrong_step)
    console = quiet()
    assert demo_module.run_demo(console=console) == 1
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert "1 of 2 steps were not as they should be" in told
    assert "a step: not this" in told


def test_a_step_that_cannot_be_done_makes_the_demo_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(cast: Cast, story: Story) -> None:
        raise DemoError("the node jichuan does not answer")

    monkeypatch.setattr(demo_module, "tell_everything", breaks_off)
    console = quiet()
    assert demo_module.run_demo(console=console) == 1
    assert isinstance(console.file, io.StringIO)
    assert "the node jichuan does not answer" in console.file.getvalue()


def test_the_signal_handlers_are_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_module, "tell_everything", lambda cast, story: None)
    before = [signal.getsignal(number) for number in demo_module.ENDING_SIGNALS]
    assert demo_module.run_demo(console=quiet()) == 0
    assert [signal.getsignal(number) for number in demo_module.ENDING_SIGNALS] == before


def test_the_example_is_found_in_a_checkout() -> None:
    chain = battery_chain()
    assert [company.country for company in chain] == ["CN", "PL", "HU", "DE"]
    assert all(len(company.files) >= 4 for company in chain)
    assert all(company.bills.exists() for company in chain)
    assert factors().exists()
    assert (energy() / "mapping.toml").exists()
