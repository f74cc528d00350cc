"""The page and the chart that are made of a result."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.benchmarks import report
from tests.benchmarks.chart import chart
from tests.benchmarks.results import Figure, Results

SVG = "{http://www.w3.org/2000/svg}"
MACHINE = {
    "processor": "Processor",
    "cores": 2,
    "python": "3.11",
    "sqlite": "3.45",
    "signatures_per_second": 64_000,
    "load_average_before": 0.1,
}
MET = Figure("read", "read-by-id", 0.5, "RAW", 0.25, counted={"requests/s": 9_123.4})
MISSED = Figure("growth", "cost <&>", 2.6, "cost at 1000", 1.3, at_most=True)
FREE = Figure("memory", "worker-at-rest", 80.0, "MB", at_most=True)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    text = f"# Performance\n\nbefore\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n"
    (tmp_path / report.PAGE).write_text(text, encoding="utf-8")
    return tmp_path


def results(tmp_path: Path, *figures: Figure) -> str:
    file = tmp_path / "bench.json"
    made = Results(MACHINE, {"seconds": 3, "rounds": 3}, list(figures), {"publish": "no server"})
    made.write(file)
    return str(file)


def test_the_figures_are_replaced_and_nothing_else(docs: Path) -> None:
    given = results(docs, MET, MISSED, FREE)
    assert report.main([given, "--docs", str(docs)]) == 0
    text = (docs / report.PAGE).read_text("utf-8")
    assert text.startswith("# Performance\n\nbefore\n")
    assert text.endswith("\n\nafter\n")
    assert "old" not in text
    assert "| `read-by-id` | 0.500 RAW | ≥ 0.25 | met | 9,123 requests/s |" in text
    assert "| `cost <&>` | 2.600 cost at 1000 | ≤ 1.3 | **missed** |  |" in text
    assert "| `worker-at-rest` | 80.000 MB |  |" in text
    assert "1 of 2 targets were met; missed: `cost <&>`." in text
    assert "Not measured, of `publish`: no server." in text


def test_the_same_result_writes_the_same_page(docs: Path) -> None:
    given = results(docs, MET, MISSED)
    written = []
    for _ in range(2):
        report.main([given, "--docs", str(docs)])
        written.append([(docs / name).read_bytes() for name in (report.PAGE, report.CHART)])
    assert written[0] == written[1]


@pytest.mark.parametrize("text", ["# Performance\n", f"{report.BEGIN} {report.END}\n" * 2])
def test_a_page_without_one_place_for_figures_is_left_alone(docs: Path, text: str) -> None:
    (docs / report.PAGE).write_text(text, encoding="utf-8")
    assert report.main([results(docs, MET), "--docs", str(docs)]) == 2
    assert (docs / report.PAGE).read_text("utf-8") == text
    assert not (docs / report.CHART).exists()


def test_what_is_no_result_changes_nothing(docs: Path) -> None:
    before = (docs / report.PAGE).read_bytes()
    assert report.main([str(docs / "none.json"), "--docs", str(docs)]) == 2
    assert (docs / report.PAGE).read_bytes() == before


def test_the_chart_has_a_bar_for_each_target() -> None:
    root = ElementTree.fromstring(chart([MET, MISSED, FREE], "a <title>"))
    bars = root.findall(f"{SVG}rect")
    assert [bar.get("class") for bar in bars] == ["met", "missed"]
    texts = [one.text for one in root.findall(f"{SVG}text")]
    assert {"a <title>", "read-by-id", "cost <&>", "target"} <= set(texts)


def test_bars_go_from_the_target_to_what_was_measured() -> None:
    root = ElementTree.fromstring(chart([MET, MISSED], "title"))
    met, missed = root.findall(f"{SVG}rect")
    target = float((met.get("x")) or 0)
    # Twice as good and twice as bad are as far from the target, on either side.
    assert float(missed.get("x") or 0) + float(missed.get("width") or 0) == pytest.approx(target)
    assert met.get("width") == missed.get("width")


@pytest.mark.parametrize("measured", [0.0, 1e-9, 1e9])
@pytest.mark.parametrize("at_most", [False, True])
def test_bars_stay_in_the_picture(measured: float, at_most: bool) -> None:
    root = ElementTree.fromstring(chart([Figure("p", "n", measured, "", 1.0, at_most)], "title"))
    (bar,) = root.findall(f"{SVG}rect")
    width = float((root.get("viewBox") or "").split()[2])
    assert float(bar.get("x") or 0) > 0
    assert float(bar.get("x") or 0) + float(bar.get("width") or 0) < width


def test_the_chart_can_be_read_in_the_dark_and_needs_nothing_from_elsewhere() -> None:
    text = chart([MET], "title")
    assert "@media (prefers-color-scheme: dark)" in text
    assert text.count("http") == 1  # the name space
    assert "<script" not in text
    assert "href" not in text


def test_the_page_of_the_docs_has_one_place_for_figures_and_a_chart() -> None:
    text = (report.DOCS / report.PAGE).read_text("utf-8")
    assert text.count(report.BEGIN) == text.count(report.END) == 1
    assert f"]({report.CHART})" in text
    ElementTree.parse(report.DOCS / report.CHART)
