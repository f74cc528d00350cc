"""`underseal peer invite --from`: tables as people have them, and what comes between."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.forking import QuickWorkbench

from underseal_cli.demo_nodes import NodeProcess

pytestmark = [pytest.mark.xdist_group("invitations"), pytest.mark.timeout(300)]

PATIENCE_SECONDS = 60.0
PRODUCT = "urn:gtin:4712345060507"
ROWS_OF_SECONDS = 400  # more than are done while the test looks elsewhere
SMALL_BYTES = 200


@pytest.fixture(scope="module")
def node() -> Iterator[NodeProcess]:
    """A customer that invites its suppliers."""
    with QuickWorkbench() as bench:
        pack = bench.node("pack")
        pack.init("Harzquell Akkupack GmbH", ["urn:lei:999900HARZQUELLPAK56"])
        pack.start()
        yield pack


def table(directory: Path, content: str | bytes) -> Path:
    file = directory / "suppliers.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def invite(run: Run, node: NodeProcess, file: Path, out: Path, status: int = 0) -> dict[int, Any]:
    """What came of each row, by its number."""
    done = run("peer", "invite", "--from", file, "--out", out, "--json", home=node.home)
    assert done.status == status, done.err
    return {one["row"]: one for one in done.json["data"]}


def peers(node: NodeProcess) -> dict[str, Any]:
    return {one["name"]: one for one in node.look("/peers")["data"]}


def invitation_of(file: Path) -> str:
    link = json.loads(file.read_text("utf-8"))["link"].partition("#")[0]
    return str(link.rpartition("/")[2])


def check_files(node: NodeProcess, out: Path, names: set[str]) -> None:
    """Each company has one file, and in it the one invitation of it that counts."""
    files = [file for file in out.glob("*.json") if not file.name.startswith(".")]
    known = peers(node)
    expected = {known[name]["invitationId"] for name in names}
    assert None not in expected
    assert len(files) == len(names)
    assert {invitation_of(file) for file in files} == expected


@pytest.mark.parametrize(
    ("encoding", "delimiter", "start"),
    [
        ("cp1252", ";", ""),  # Excel in Germany: CSV
        ("utf-8-sig", ";", ""),  # the same: CSV UTF-8
        ("utf-16", "\t", ""),  # the same: Unicode text
        ("utf-8", ",", ""),
        ("cp1252", ";", "sep=;\r\n"),
    ],
)
def test_tables_of_spreadsheets(
    run: Run, node: NodeProcess, tmp_path: Path, encoding: str, delimiter: str, start: str
) -> None:
    name = f"Müller & Söhne GmbH {encoding} {len(start)}{delimiter}".strip()
    lines = [
        ("Name", "LEI", "Product IDs", "Level"),
        (f'"{name}"', "529900T8BM49AURSDO55", f'"{PRODUCT}, urn:gtin:4712345060514"', "Quality"),
        ("", "", "", ""),
    ]
    text = start + "".join(delimiter.join(line) + "\r\n" for line in lines)
    done = invite(run, node, table(tmp_path, text.encode(encoding)), tmp_path / "out")
    ((row, one),) = done.items()
    assert (row, one["name"], one["result"]) == (2 + bool(start), name, "invited")
    found = json.loads(Path(one["file"]).read_text("utf-8"))
    assert found["type"] == "underseal-invitation"
    granted = [
        (grant["value"], grant["level"])
        for grant in node.look("/grants")["data"]
        if grant["peer"] == name
    ]
    assert sorted(granted) == [(PRODUCT, "quality"), ("urn:gtin:4712345060514", "quality")]


def test_chinese_names_and_names_that_are_no_file_names(
    run: Run, node: NodeProcess, tmp_path: Path
) -> None:
    names = ["霁川锂盐精炼有限公司", "霁" * 64, "a:b", "a?b", "a_b", "..", "-x", "Ørsted A\u030a"]
    text = "name\n" + "".join(f"{name}\n" for name in names)
    done = invite(run, node, table(tmp_path, text), tmp_path / "out", 1)
    failed = {one["name"] for one in done.values() if one["result"] == "failed"}
    assert failed == {".."}  # no name of a peer either
    check_files(node, tmp_path / "out", set(names) - failed)
    assert (tmp_path / "out" / "霁川锂盐精炼有限公司.json").exists()
    for file in (tmp_path / "out").iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_rows_that_cannot_be_are_named_and_the_others_are_invited(
    run: Run, node: NodeProcess, tmp_path: Path
) -> None:
    text = (
        "name,for,products,level,Contact\n"
        "Rows A,,,,somebody\n"
        "rows a,,,,\n"
        ",https://b.example,,,\n"
        "Rows C,not a url,,,\n"
        "Rows D,,,everything,\n"
        "Rows E,,no-urn,,\n"
        "Rows F, Inc.,,,,,\n"
        "Rows/G,,,,\n"
        "Rows H, Inc.,,,,surplus\n"
        "Rows I,https://i.example,,,\n"
    )
    file = table(tmp_path, text)
    done = invite(run, node, file, tmp_path / "out", 1)
    good = {row for row, one in done.items() if one["result"] == "invited"}
    assert good == {2, 11}
    for row, part in (
        (3, "the same name is in row 2"),
        (4, "the name is missing"),
        (5, "neither the URL of a node nor an LEI"),
        (9, "'Rows/G'"),
        (10, "put texts with commas into quotes"),
    ):
        assert part in done[row]["message"], done[row]
    check_files(node, tmp_path / "out", {"Rows A", "Rows I"})
    shown = run("peer", "invite", "--from", file, "--out", tmp_path / "out", home=node.home)
    assert shown.status == 1
    assert "2 had their file already, 8 failed." in shown.out
    assert "Columns that are not used: Contact" in shown.err
    assert f"{file}, row 3 (rows a): the same name is in row 2" in shown.err
    assert "8 of 10 companies could not be invited" in shown.err


def test_rows_without_a_url_are_not_approved_beforehand(
    run: Run, node: NodeProcess, tmp_path: Path
) -> None:
    rows = "name,for\nBefore A,529900T8BM49AURSDO55\nBefore B,https://b.example\nBefore C,\n"
    arguments = ("--from", table(tmp_path, rows), "--out", tmp_path / "out", "--pre-approve")
    done = run("peer", "invite", *arguments, "--json", home=node.home)
    found = {one["name"]: one for one in done.json["data"]}
    assert (done.status, found["Before B"]["result"]) == (1, "invited")
    for name in ("Before A", "Before C"):
        assert "has to name the URL of the node" in found[name]["message"]
        assert "approve by hand" in found[name]["message"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "no column for the name"),
        ("company id,lei\nA,B\n", "no column for the name"),
        ("name,supplier\nA,B\n", "several columns for the name"),
        ("name,for\n\n,\n", "no rows"),
        ('name\n"A\n', "is no table"),
    ],
)
def test_what_is_no_table(
    run: Run, node: NodeProcess, tmp_path: Path, content: str, expected: str
) -> None:
    before = peers(node)
    file = table(tmp_path, content)
    done = run("peer", "invite", "--from", file, "--out", tmp_path / "out", home=node.home)
    assert (done.status, done.out) == (1, "")
    assert expected in done.err
    assert peers(node) == before


def test_what_has_its_file_stays_and_what_counts_no_more_is_made_anew(
    run: Run, node: NodeProcess, tmp_path: Path
) -> None:
    file, out = table(tmp_path, "name\nStay A\nStay B\nStay C\nStay D\n"), tmp_path / "out"
    out.mkdir()
    (out / "letter.json").write_text("{}", encoding="utf-8")
    invite(run, node, file, out)
    node.run("peer", "invite", "Stay B")  # another one has taken the place of that in the file
    node.run("peer", "remove", "Stay C")
    stay_d = next(out.glob("Stay_D*"))
    stay_d.write_text("my notes", encoding="utf-8")
    done = invite(run, node, file, out, 1)
    assert [one["result"] for one in done.values()] == ["kept", "invited", "invited", "failed"]
    assert "is no invitation" in done[5]["message"]
    assert stay_d.read_text("utf-8") == "my notes"
    stay_d.unlink()
    (out / "letter.json").unlink()
    invite(run, node, file, out)
    check_files(node, out, {f"Stay {letter}" for letter in "ABCD"})


def test_partners_are_left_alone(run: Run, node: NodeProcess, tmp_path: Path) -> None:
    node.run("peer", "add", "Old friend")
    file = table(tmp_path, "name\nold FRIEND\n")
    done = invite(run, node, file, tmp_path / "out")
    assert done[2]["result"] == "known"
    assert list((tmp_path / "out").iterdir()) == []
    shown = run("peer", "invite", "--from", file, "--out", tmp_path / "out", home=node.home)
    assert "1 are partners or in the course of it" in shown.out


def heed_interrupts() -> None:
    """As at a terminal: a shell that runs the tests in the background has them ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(node: NodeProcess, file: Path, out: Path, **options: Any) -> subprocess.Popen[str]:
    options.setdefault("preexec_fn", heed_interrupts)
    return subprocess.Popen(
        node.command("peer", "invite", "--from", str(file), "--out", str(out)),
        env=node.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def wait_for_files(out: Path, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not out.exists() or len(list(out.glob("[!.]*.json"))) < count:
        assert time.monotonic() < deadline, "no files"
        time.sleep(0.005)


@pytest.mark.parametrize("what", ["command", "node", "interrupt"])
def test_what_is_stopped_in_the_middle_goes_on(
    run: Run, node: NodeProcess, tmp_path: Path, what: str
) -> None:
    names = [f"Kill {what} {number}" for number in range(ROWS_OF_SECONDS)]
    file, out = table(tmp_path, "name\n" + "".join(f"{one}\n" for one in names)), tmp_path / "out"
    process = start(node, file, out)
    wait_for_files(out, 10)
    if what == "node":
        node.kill()
    else:
        process.send_signal(signal.SIGKILL if what == "command" else signal.SIGINT)
    printed, said = process.communicate(timeout=PATIENCE_SECONDS)
    if what == "node":
        node.start()
        assert process.returncode == 1
        assert "Then run the command again" in said
    if what == "interrupt":
        assert process.returncode == 130, said
        assert "Run the command again to go on" in said
    if what != "command":
        assert " invited. The files are in" in printed
    assert "Traceback" not in said
    done = invite(run, node, file, out)
    results = [one["result"] for one in done.values()]
    assert results.count("kept") >= 9
    assert set(results) == {"kept", "invited"}
    check_files(node, out, set(names))


def test_a_disk_that_is_full(run: Run, node: NodeProcess, tmp_path: Path) -> None:
    file, out = table(tmp_path, "name\nFull A\nFull B\n"), tmp_path / "out"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_BYTES, SMALL_BYTES))

    process = start(node, file, out, preexec_fn=limit)
    printed, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert "cannot be written: File too large" in said
    assert "2 companies are left." in said
    assert "Nobody was invited" in printed
    assert os.listdir(out) == []
    invite(run, node, file, out)
    check_files(node, out, {"Full A", "Full B"})


@pytest.mark.parametrize("count", [100, pytest.param(2000, marks=pytest.mark.soak)])
def test_many(run: Run, node: NodeProcess, tmp_path: Path, count: int) -> None:
    names = [f"Supplier {number} of {count}" for number in range(count)]
    rows = "".join(f"{one};;{PRODUCT}\n" for one in names)
    file, out = table(tmp_path, "name;for;product ids\n" + rows), tmp_path / "out"
    for expected in ("invited", "kept"):
        started = time.monotonic()
        done = invite(run, node, file, out)
        seconds = time.monotonic() - started
        print(f"{expected} {count} companies: {seconds:.1f} s")
        assert {one["result"] for one in done.values()} == {expected}
    check_files(node, out, set(names))
    started = time.monotonic()
    node.look("/peers")
    print(f"listing after it: {time.monotonic() - started:.2f} s")
