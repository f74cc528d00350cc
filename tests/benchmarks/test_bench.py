"""Whether the benchmark itself works: every part runs with tiny numbers. What it measures with them
says nothing, so no target counts here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.benchmarks import bench, compare, report, wrk
from tests.benchmarks.databases import is_postgresql_there
from tests.benchmarks.results import read_results
from tests.benchmarks.writing import write_workbook

pytestmark = pytest.mark.timeout(600)

LINE = re.compile(r"TARGET (\S+) measured=[0-9]+\.[0-9]{3} target=[0-9.]+ (met|missed)")
ALWAYS = {
    "read-by-id": 0.25,
    "read-by-product-10": 0.20,
    "read-page-100": 0.50,
    "read-with-new-token": 0.11,
    "p99-to-p50": 3,
    "few-read-page-10": 0.20,
    "few-read-by-id": 0.20,
    "few-hidden-by-product": 0.10,
    "few-hidden-by-id": 0.15,
    "few-hidden-to-absent": 0.9,
    "cost-at-200-to-100": 1.3,
    "publish-bulk": 0.03125,
    "import-workbook-20": 30,
    "import-workbook-20-memory": 300,
    "roll-up-1000": 2,
    "release-gate-20-2-allowed": 5,
    "release-gate-20-2-stopped": 30,
    "seal-2-prove": 13_000,
    "seal-2-verify": 1_200,
    "seal-2-size": 12,
    "seal-members-2-prove": 13_000,
    "seal-members-2-verify": 2_000,
    "seal-members-2-size": 24,
}
WITH_POSTGRESQL = {
    "postgresql-read-by-id": 0.12,
    "postgresql-p99-to-p50": 3,
    "postgresql-cost-at-100-to-100": 1.3,
    "postgresql-publish-bulk": 0.03125,
}


def test_only_what_is_asked_by_a_client_needs_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(wrk, "is_there", lambda: False)
    file = tmp_path / "bench.json"
    asked = ["--quick", "--output", str(file), "--only"]
    assert bench.main([*asked, "release-gate", "read"]) == bench.NOT_POSSIBLE
    assert capsys.readouterr().out == f"{wrk.INSTALL}\n"
    assert not file.exists()
    assert bench.main([*asked, "release-gate"]) in (0, bench.MISSED)
    assert {one.part for one in read_results(file).figures} == {"release-gate"}


@pytest.mark.skipif(not wrk.is_there(), reason="wrk is not installed")
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be pinned")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="it takes two cores")
def test_every_part_runs_and_what_is_written_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, bench.__file__, "--quick", "--output", str(file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, bench.MISSED), done.stderr
    expected = ALWAYS | (WITH_POSTGRESQL if is_postgresql_there() else {})
    results = read_results(file)
    assert {one.name: one.target for one in results.targets} == expected
    assert {one.part for one in results.figures} == set(bench.PARTS)
    lines = [line for line in done.stdout.splitlines() if line.startswith("TARGET")]
    assert all(LINE.fullmatch(line) for line in lines), lines
    assert sorted(line.split()[1] for line in lines) == sorted(expected)
    assert (done.returncode == 0) == all(one.is_met for one in results.targets)
    # And the others read it.
    assert compare.main([str(file), str(file)]) == 0
    (tmp_path / report.PAGE).write_text(f"{report.BEGIN}\n{report.END}\n", encoding="utf-8")
    assert report.main([str(file), "--docs", str(tmp_path)]) == 0


def test_without_wrk_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bench.main(["--quick", "--output", str(tmp_path / "bench.json")]) == 2
    assert "apt-get install wrk" in capsys.readouterr().out
    assert not (tmp_path / "bench.json").exists()


def test_the_sizes_that_are_measured_are_those_of_the_targets() -> None:
    options = bench.Options()
    assert (options.small, options.count, options.large) == (1_000, 100_000, 1_000_000)
    assert (options.lines, options.import_rows) == (100_000, 10_000)


def test_a_workbook_of_many_rows_has_as_many(tmp_path: Path) -> None:
    import openpyxl

    write_workbook(tmp_path / "footprints.xlsx", 3)
    sheet = openpyxl.load_workbook(tmp_path / "footprints.xlsx").active
    assert sheet.max_row == 4
