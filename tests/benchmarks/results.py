"""What the benchmark found: figures, with or without a target, as a table and as JSON.

A figure is a ratio, or a size of memory: never a time or a rate, which say as much of the machine
as of us. What was counted on the way (requests per second, seconds) is kept beside it, to be read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FORMAT = 2


class ResultsError(Exception):
    """A file does not hold what the benchmark writes."""


@dataclass(frozen=True)
class Figure:
    """One thing that was measured.

    Attributes:
        part: of the benchmark that measured it.
        name: the same in every run of the same size.
        measured: the ratio, or megabytes.
        unit: what the ratio is to, such as `RAW`.
        target: to be reached; None if there is none.
        at_most: less is better.
        counted: what was counted on the way, for people.
    """

    part: str
    name: str
    measured: float
    unit: str
    target: float | None = None
    at_most: bool = False
    counted: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not math.isfinite(self.measured) or self.measured < 0:
            raise ResultsError(f"{self.name} is {self.measured}")

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        return self.measured <= self.target if self.at_most else self.measured >= self.target

    @property
    def times_target(self) -> float | None:
        """How many times as good as the target; 1 is just met."""
        if self.target is None:
            return None
        better, worse = self.measured, self.target
        if self.at_most:
            better, worse = worse, better
        return better / max(worse, 1e-9)

    @property
    def line(self) -> str:
        """As it is printed for each target."""
        met = "met" if self.is_met else "missed"
        return f"TARGET {self.name} measured={self.measured:.3f} target={self.target:g} {met}"


@dataclass
class Results:
    """Everything of one run.

    Attributes:
        machine: on which it ran.
        options: sizes and durations.
        figures: in the order in which they were measured.
        left_out: parts that could not run here, with the reason.
        loads: what wrk said, run by run.
    """

    machine: Json
    options: Json
    figures: list[Figure] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    loads: Json = field(default_factory=dict)

    @property
    def targets(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.target is not None]

    def write(self, file: Path) -> None:
        content = {
            "format": FORMAT,
            "machine": self.machine,
            "options": self.options,
            "left_out": self.left_out,
            "targets": [_without_counts(one) for one in self.targets],
            "figures": [asdict(one) for one in self.figures],
            "loads": self.loads,
        }
        file.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_results(file: Path) -> Results:
    """What `Results.write` wrote.

    Raises:
        ResultsError: the file is not there, or holds something else.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ResultsError(f"{file} has format {content['format']}, expected {FORMAT}")
        figures = [Figure(**one) for one in content["figures"]]
        return Results(
            content["machine"],
            content["options"],
            figures,
            content["left_out"],
            content["loads"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{file} is not a result of `make bench`: {error!r}") from error


def table(figures: Sequence[Figure]) -> str:
    """For the terminal."""
    rows = [("figure", "measured", "target", "", "counted")]
    for one in figures:
        target, met = "", ""
        if one.target is not None:
            target = f"{'<=' if one.at_most else '>='} {one.target:g}"
            met = "met" if one.is_met else "MISSED"
        rows.append((one.name, f"{one.measured:.3f} {one.unit}", target, met, counts_of(one)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def counts_of(figure: Figure) -> str:
    """Such as `9,100 requests/s, 1.2 s`."""
    return ", ".join(f"{number_text(value)} {name}" for name, value in figure.counted.items())


def number_text(value: float) -> str:
    """Three digits that count, at least."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _without_counts(figure: Figure) -> Json:
    names = ("name", "measured", "target", "at_most")
    return {name: getattr(figure, name) for name in names} | {"is_met": figure.is_met}
