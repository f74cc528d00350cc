"""`python tests/benchmarks/report.py bench.json`: writes the figures into docs/performance.md.

What stands there between the marks is replaced, and docs/performance.svg is drawn; the rest of the
page is written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # when run as a file

from tests.benchmarks.chart import chart
from tests.benchmarks.results import Figure, Results, ResultsError, counts_of, read_results

DOCS = Path(__file__).parents[2] / "docs"
PAGE, CHART = "performance.md", "performance.svg"
TITLE = "How far the targets are exceeded (further right is better)"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
CANNOT = 2


def section(results: Results) -> str:
    """What stands between the marks."""
    missed = [one.name for one in results.targets if not one.is_met]
    met = len(results.targets) - len(missed)
    verdict = f"{met} of {len(results.targets)} targets were met"
    if missed:
        verdict += f"; missed: {', '.join(f'`{name}`' for name in missed)}"
    parts = [
        f"![{TITLE}]({CHART})",
        f"{_machine(results)} {verdict}.",
        *(f"Not measured, of `{part}`: {why}." for part, why in results.left_out.items()),
        "### Targets",
        _table(results.targets, with_target=True),
        "### Further figures",
        _table([one for one in results.figures if one.target is None], with_target=False),
    ]
    return "\n\n".join(parts)


def page(text: str, results: Results) -> str:
    """The page with these figures.

    Raises:
        ResultsError: it has no marks.
    """
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    found = f"{BEGIN}\n\n{section(results)}\n\n{END}"
    changed, count = pattern.subn(lambda _match: found, text)
    if count != 1:
        raise ResultsError(f"the page has the marks {BEGIN} and {END} {count} times, expected once")
    return changed


def _machine(results: Results) -> str:
    machine, options = results.machine, results.options
    return (
        f"Measured on {machine['cores']} cores of {machine['processor']} with Python "
        f"{machine['python']} and SQLite {machine['sqlite']}; a core made "
        f"{machine['signatures_per_second']:,} signatures in a second, and before the run "
        f"{machine['load_average_before']:g} processes were busy with other things. Runs of "
        f"{options['seconds']:g} s, median of {options['rounds']}."
    )


def _table(figures: Sequence[Figure], *, with_target: bool) -> str:
    heads = ["figure", "measured", *(["target", ""] if with_target else []), "counted on the way"]
    rows = [heads, ["---"] * len(heads)]
    for one in figures:
        cells = [f"`{one.name}`", f"{one.measured:.3f} {one.unit}"]
        if one.target is not None:
            cells.append(f"{'≤' if one.at_most else '≥'} {one.target:g}")
            cells.append("met" if one.is_met else "**missed**")
        rows.append([*cells, counts_of(one)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the page is")
    given = parser.parse_args(arguments)
    try:
        results = read_results(given.results)
        file = given.docs / PAGE
        file.write_text(page(file.read_text("utf-8"), results), encoding="utf-8")
    except (ResultsError, OSError) as error:
        print(error)
        return CANNOT
    (given.docs / CHART).write_text(chart(results.targets, TITLE), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
