"""What tests fork does as what is started."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.forking import CAN_FORK, QuickWorkbench

from underseal_cli.demo_cast import until
from underseal_cli.demo_nodes import NodeProcess, Workbench

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="there is no /proc")

COMPANY = ("Werk 电池", ["urn:lei:529900T8BM49AURSDO55"])


@pytest.fixture
def forked() -> Iterator[NodeProcess]:
    with QuickWorkbench() as bench:
        node = bench.node("werk")
        node.init(*COMPANY)
        yield node


def processes() -> dict[int, tuple[int, int]]:
    """Parent and session of each that has not ended."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            state, parent, _, session = (entry / "stat").read_text().rpartition(") ")[2].split()[:4]
            if state != "Z":
                found[int(entry.name)] = int(parent), int(session)
    return found


def processes_of(session: int) -> list[int]:
    return [pid for pid, (_, its) in processes().items() if its == session]


def test_commands_say_and_return_the_same(forked: NodeProcess) -> None:
    with Workbench() as bench:
        started = bench.node("werk")
        started.init(*COMPANY)
        for command in (("peer", "list"), ("peer", "add"), ("init", "--json"), ("--version",)):
            ours, theirs = (one.run(*command, check=False, stdin="\n") for one in (forked, started))
            said = theirs.stderr.replace(str(started.home), str(forked.home))
            assert (ours.returncode, ours.stdout, ours.stderr) == (
                theirs.returncode,
                theirs.stdout,
                said,
            )


def test_a_node_has_its_processes_and_leaves_none(forked: NodeProcess) -> None:
    forked.start("--workers", "2")
    session = forked.pid
    assert len(processes_of(session)) == 4  # the one that supervises, for partners, for the console
    assert forked.json("status")["company"] == COMPANY[0]
    forked.stop()
    assert until(lambda: processes_of(session) == [] or None)
    forked.start()
    session = forked.pid
    forked.kill()
    assert until(lambda: processes_of(session) == [] or None)  # their end was not waited for


def test_a_worker_that_is_killed_is_replaced(forked: NodeProcess) -> None:
    forked.start()
    worker = max(set(processes_of(forked.pid)) - {forked.pid})
    os.kill(worker, 9)
    forked.wait()
    assert worker not in processes_of(forked.pid)
    assert "process ended, starting it again" in forked.log_tail()


def test_what_hangs_is_ended(forked: NodeProcess) -> None:
    command = forked.command("serve", "--dev-tls", "--port", str(forked.port), "--manage-port", "0")
    options = {"env": forked.environment, "cwd": forked.home.parent, "input": ""}
    with pytest.raises(subprocess.TimeoutExpired):
        forked.run_process(command, timeout=1.0, check=False, **options)


def test_many_at_once_each_get_their_own(forked: NodeProcess) -> None:
    with ThreadPoolExecutor(4) as threads:
        names = [f"peer-{number}" for number in range(12)]
        said = threads.map(lambda one: forked.run("peer", "show", one, check=False).stderr, names)
        statuses = threads.map(lambda one: forked.run("--version").stdout, names)
    assert all("is not running" in one for one in said)
    assert len(set(statuses)) == 1


def elsewhere(script: str, tmp_path: Path) -> str:
    """What is printed by a process that has a node, with a server of its own."""
    begin = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.forking import QuickWorkbench\n"
        "bench = QuickWorkbench()\n"
        "node = bench.node('werk')\n"
        "node.init('Werk', ['urn:lei:529900T8BM49AURSDO55'])\n"
        "node.start()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", begin + script, str(Path(__file__).parents[2])],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=100,
    )
    return done.stdout


def test_whoever_started_a_node_can_end_at_any_moment(tmp_path: Path) -> None:
    """As a run of tests that is interrupted: the node then ends by itself."""
    session = int(elsewhere("print(node.pid, flush=True); os._exit(0)", tmp_path))
    assert until(lambda: processes_of(session) == [] or None)


def test_what_forks_is_started_again_where_it_has_ended(tmp_path: Path) -> None:
    script = (
        "from tests.integration.test_forking import processes\n"
        "print(node.pid)\n"
        "os.kill(processes()[node.pid][0], 9)\n"
        "try:\n"
        "    node.stop()\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
        "print(node.run('--version').stdout)\n"
        "bench.close()\n"
    )
    session, error, version = elsewhere(script, tmp_path).split("\n", 2)
    assert "the process that forks others has ended" in error
    assert version.startswith("underseal ")
    assert processes_of(int(session)) == []
