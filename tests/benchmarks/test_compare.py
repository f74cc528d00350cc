"""The guard against regressions: what it lets pass, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.benchmarks import compare
from tests.benchmarks.results import Figure, Results, ResultsError, read_results

SPEED = Figure("read", "read-by-id", 0.40, "RAW", 0.25, counted={"requests/s": 9_000})
COST = Figure("growth", "cost-at-1000000-to-1000", 1.0, "cost at 1000", 1.3, at_most=True)
TAIL = Figure("read", "p99-to-p50", 2.0, "p50", 3.0, at_most=True)
OPTIONS = {"count": 100_000, "small": 1_000, "rounds": 3}


def written(file: Path, *figures: Figure, **options: int) -> str:
    Results({}, OPTIONS | options, list(figures)).write(file)
    return str(file)


def changed(figure: Figure, measured: float) -> Figure:
    return Figure(figure.part, figure.name, measured, figure.unit, figure.target, figure.at_most)


def verdict(tmp_path: Path, old: list[Figure], new: list[Figure], *more: str) -> int:
    files = written(tmp_path / "old.json", *old), written(tmp_path / "new.json", *new)
    return compare.main([*files, *more])


def test_the_same_run_is_no_worse(tmp_path: Path) -> None:
    assert verdict(tmp_path, [SPEED, COST, TAIL], [SPEED, COST, TAIL]) == 0


@pytest.mark.parametrize(
    ("old", "measured", "expected"),
    [
        (SPEED, 0.36, 0),  # 0.40 / 0.36 = 1.11
        (SPEED, 0.34, 1),  # 0.40 / 0.34 = 1.18, although the target is met still
        (SPEED, 4.0, 0),
        (SPEED, 0.0, 1),
        (COST, 1.14, 0),
        (COST, 1.16, 1),
        (COST, 0.2, 0),
        (TAIL, 2.9, 0),  # chance decides about the slowest
        (TAIL, 3.1, 1),
    ],
)
def test_what_is_worse_by_more_than_the_tolerance(
    tmp_path: Path, old: Figure, measured: float, expected: int
) -> None:
    assert verdict(tmp_path, [old], [changed(old, measured)]) == expected


def test_the_tolerance_can_be_stated(tmp_path: Path) -> None:
    worse = [changed(SPEED, 0.36)]
    assert verdict(tmp_path, [SPEED], worse, "--tolerance", "0.05") == 1
    assert verdict(tmp_path, [SPEED], worse, "--tolerance", "0.12") == 0


def test_one_that_is_worse_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdict(tmp_path, [SPEED, COST], [changed(SPEED, 0.2), COST])
    printed = capsys.readouterr().out
    assert "WORSE read-by-id: 0.400 -> 0.200 RAW, worse (100.0%)" in printed
    assert "      cost-at-1000000-to-1000: 1.000 as before" in printed
    assert "1 of 2 figures" in printed


def test_times_and_rates_do_not_decide(tmp_path: Path) -> None:
    slower = Figure("read", "read-by-id", 0.40, "RAW", 0.25, counted={"requests/s": 900})
    assert verdict(tmp_path, [SPEED], [slower]) == 0


def test_what_is_not_measured_any_more_counts_unless_told(tmp_path: Path) -> None:
    assert verdict(tmp_path, [SPEED, COST], [SPEED]) == 1
    assert verdict(tmp_path, [SPEED, COST], [SPEED], "--parts") == 0


def test_a_new_figure_is_no_reason(tmp_path: Path) -> None:
    assert verdict(tmp_path, [SPEED], [SPEED, COST]) == 0


def test_runs_of_different_sizes_are_not_compared(tmp_path: Path) -> None:
    old = written(tmp_path / "old.json", SPEED)
    new = written(tmp_path / "new.json", SPEED, count=100)
    assert compare.main([old, new]) == 2


def test_runs_without_a_common_figure_are_not_compared(tmp_path: Path) -> None:
    assert verdict(tmp_path, [SPEED], [COST]) == 2


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": 1, "targets": []}', '{"format": 2, "figures": [1]}']
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "bench.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ResultsError):
        read_results(file)
    assert compare.main([written(tmp_path / "old.json", SPEED), str(file)]) == 2


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    old = written(tmp_path / "old.json", SPEED)
    assert compare.main([old, str(tmp_path / "new.json")]) == 2


@pytest.mark.parametrize("measured", [float("nan"), float("inf"), -0.1])
def test_no_figure_without_a_number(measured: float) -> None:
    with pytest.raises(ResultsError, match="read-by-id"):
        changed(SPEED, measured)


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        (SPEED, "TARGET read-by-id measured=0.400 target=0.25 met"),
        (changed(SPEED, 0.2), "TARGET read-by-id measured=0.200 target=0.25 missed"),
        (COST, "TARGET cost-at-1000000-to-1000 measured=1.000 target=1.3 met"),
        (changed(COST, 1.31), "TARGET cost-at-1000000-to-1000 measured=1.310 target=1.3 missed"),
    ],
)
def test_the_line_of_a_target(figure: Figure, line: str) -> None:
    assert figure.line == line


def test_it_is_run_as_a_file(tmp_path: Path) -> None:
    files = written(tmp_path / "old.json", SPEED), written(tmp_path / "new.json", SPEED)
    done = subprocess.run(
        [sys.executable, compare.__file__, *files], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_is_written_is_json_with_the_targets_apart(tmp_path: Path) -> None:
    free = Figure("memory", "worker-at-rest", 80, "MB", at_most=True)
    file = written(tmp_path / "bench.json", SPEED, free)
    content: dict[str, Any] = json.loads(Path(file).read_text("utf-8"))
    assert [one["name"] for one in content["targets"]] == ["read-by-id"]
    assert content["targets"][0]["is_met"] is True
    assert read_results(Path(file)).figures == [SPEED, free]
