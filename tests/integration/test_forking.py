"""What tests fork does as what is started."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.forking import QuickWorkbench

from underseal_cli.demo_cast import until
from underseal_cli.demo_nodes import NodeProcess, Workbench

COMPANY = ("Werk 电池", ["urn:lei:529900T8BM49AURSDO55"])


@pytest.fixture
def forked() -> Iterator[NodeProcess]:
    with QuickWorkbench() as bench:
        node = bench.node("werk")
        node.init(*COMPANY)
        yield node


def processes_of(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            is_zombie = "\nState:\tZ" in (entry / "status").read_text()
            if os.getsid(int(entry.name)) == session and not is_zombie:
                found.append(int(entry.name))
    return found


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
    worker = max(processes_of(forked.pid))
    os.kill(worker, 9)
    forked.wait()
    assert worker not in processes_of(forked.pid)
    assert "process ended, starting it again" in forked.log_tail()


def test_what_hangs_is_ended(forked: NodeProcess) -> None:
    command = forked.command("serve", "--dev-tls", "--port", str(forked.port), "--manage-port", "0")
    options = {"env": forked.environment, "cwd": forked.home.parent, "input": ""}
    with pytest.raises(subprocess.TimeoutExpired):
        forked.run_process(command, timeout=1.0, check=False, **options)
