"""`underseal pull`: what it tells, how it ends, how it repeats."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.cli.conftest import Market, Run

pytestmark = pytest.mark.xdist_group("cli")

PATIENCE_SECONDS = 30.0


@pytest.fixture
def absent(market: Market) -> Iterator[str]:
    """A peer of the buyer that nobody can reach."""
    secret = market.bench.directory / "absent.secret"
    secret.write_text("secret", encoding="utf-8")
    market.buyer.run(
        *("peer", "add", "absent", "--url", "https://localhost:9"),
        *("--client-id", "we", "--client-secret-file", str(secret)),
    )
    yield "absent"
    market.buyer.run("peer", "remove", "absent")


def test_a_pull_that_succeeds_gives_0(run: Run, market: Market) -> None:
    done = run("pull", "seller", "--status", "Active", home=market.buyer.home)
    assert (done.status, done.err) == (0, "")
    counts = re.fullmatch(r"seller: (\d+) footprints: (\d+) verified; (\d+) unchanged\n", done.out)
    assert counts, done.out
    assert len({*counts.groups()}) == 1


def test_filters_reach_the_peer(run: Run, market: Market) -> None:
    options = ("--product-id", "urn:gtin:2020000001010", "--geography", "PL")
    done = run("pull", "seller", *options, home=market.buyer.home)
    assert (done.status, done.out) == (0, "seller: 1 footprint: 1 verified; 1 unchanged\n")
    none = run("pull", "seller", *options, "--geography", "FR", home=market.buyer.home)
    assert "seller: 1 footprint" in none.out  # alternatives
    none = run("pull", "seller", "--classification", "urn:x:none", home=market.buyer.home)
    assert (none.status, none.out) == (0, "seller: 0 footprints\n")


def test_a_filter_that_is_none_is_refused(run: Run, market: Market) -> None:
    done = run("pull", "seller", "--valid-on", "soon", home=market.buyer.home)
    assert done.status == 1
    assert "validOn" in done.err
    assert "soon" in done.err


def test_one_peer_that_fails_gives_1_and_the_others_are_pulled(
    run: Run, market: Market, absent: str
) -> None:
    done = run("pull", "--all", home=market.buyer.home)
    assert done.status == 1
    assert "seller: " in done.out
    assert re.search(r"^Error: absent: .+", done.err, re.MULTILINE)
    told = run("pull", "--all", "--json", home=market.buyer.home)
    assert told.status == 1
    assert {one["peer"]: one["state"] for one in told.json["data"]} == {
        "absent": "failed",
        "seller": "done",
    }


def test_an_unknown_peer_is_refused(run: Run, market: Market) -> None:
    done = run("pull", "nobody", home=market.buyer.home)
    assert (done.status, done.out) == (1, "")
    assert "nobody" in done.err


def test_ctrl_c_says_that_the_pull_goes_on(
    run: Run, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    done = run("pull", "seller", home=market.buyer.home)
    assert (done.status, done.out) == (130, "")
    assert "The pull goes on in the node" in done.err


def wait_for(stream: IO[str], text: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    for line in stream:
        if text in line:
            return
        assert time.monotonic() < deadline
    raise AssertionError(f"{text!r} was never printed")


def test_every_repeats_until_ctrl_c(market: Market) -> None:
    with subprocess.Popen(
        market.buyer.command("pull", "seller", "--every", "1s"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=market.buyer.environment,
        # Where the tests themselves run in the background of a shell, SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        wait_for(process.stdout, "seller: ")
        wait_for(process.stdout, "seller: ")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 130
        errors = process.stderr.read()
    assert "Again in 1s; Ctrl-C stops." in errors
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo terminals")
def test_a_terminal_shows_progress(market: Market, tmp_path: Path) -> None:
    reader, writer = pty.openpty()
    done = subprocess.run(
        market.buyer.command("pull", "seller"),
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
        env=market.buyer.environment | {"TERM": "xterm"},
        timeout=60,
        check=False,
    )
    os.close(writer)
    shown = os.read(reader, 65536).decode()
    os.close(reader)
    assert done.returncode == 0
    assert "seller" in shown
    assert done.stdout.startswith("seller: ")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--status", "Foo"),
        ("--product-id", "foo"),
        ("--company-id", "x"),
        ("--classification", "y"),
    ],
)
@pytest.mark.parametrize("command", [("pull",), ("request", "send")])
def test_a_mistyped_filter_is_no_success(
    run: Run, tmp_path: Path, command: tuple[str, ...], option: str, value: str
) -> None:
    done = run(*command, "seller", option, value, home=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert f"{option} '{value}'" in done.err
