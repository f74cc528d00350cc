"""A chart of how far the targets are exceeded, as SVG that can be read on light and on dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from tests.benchmarks.results import Figure

WIDTH, ROW, TOP, BOTTOM = 760, 24, 48, 34
LABELS, VALUES = 250, 110  # to the left and to the right of the bars
BAR = 14
LEAST, MOST = 0.25, 64.0  # what the axis shows, in times the target
TICKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)

STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px }
.tick, .value { fill: #59636e }
.line { stroke: #d1d9e0 }
.target { stroke: #1f2328; stroke-width: 1.5 }
.met { fill: #1a7f64 }
.missed { fill: #c4432b }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .tick, .value { fill: #9198a1 }
  .line { stroke: #3d444d }
  .target { stroke: #e6edf3 }
  .met { fill: #3fb68b }
  .missed { fill: #f0775f }
}"""


def chart(figures: Sequence[Figure], title: str) -> str:
    """A bar for each target, to the right of the line if it is met, to the left if it is missed.

    Args:
        figures: those with a target are drawn, in their order.
        title: above.
    """
    targets = [one for one in figures if one.target is not None]
    height = TOP + ROW * len(targets) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
        *_axis(height),
    ]
    for number, figure in enumerate(targets):
        parts += _bar(figure, TOP + ROW * number)
    bottom = height - BOTTOM
    parts.append(f'<path class="target" d="M{_x(1):.1f} {TOP - 6}V{bottom + 4}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axis(height: int) -> list[str]:
    bottom = height - BOTTOM
    lines = []
    for tick in TICKS:
        x = _x(tick)
        label = "target" if tick == 1 else f"{tick:g} x"
        lines.append(f'<path class="line" d="M{x:.1f} {TOP - 6}V{bottom + 4}"/>')
        lines.append(
            f'<text class="tick" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{label}</text>'
        )
    return lines


def _bar(figure: Figure, top: int) -> list[str]:
    times = figure.times_target or 0.0
    left, right = sorted((_x(1), _x(times)))
    middle = top + ROW / 2 + 4
    kind = "met" if figure.is_met else "missed"
    compared = f"{'≤' if figure.at_most else '≥'} {figure.target:g}"
    return [
        f'<text x="{LABELS - 8}" y="{middle:g}" text-anchor="end">{escape(figure.name)}</text>',
        f'<rect class="{kind}" x="{left:.1f}" y="{top + (ROW - BAR) / 2:g}" '
        f'width="{max(right - left, 1):.1f}" height="{BAR}" rx="2"/>',
        f'<text class="value" x="{WIDTH - VALUES + 8}" y="{middle:g}">'
        f"{figure.measured:.3g} {compared}</text>",
    ]


def _x(times: float) -> float:
    """Where so many times the target is; twice as good is always the same way further."""
    shown = min(max(times, LEAST), MOST)
    share = math.log(shown / LEAST) / math.log(MOST / LEAST)
    return LABELS + share * (WIDTH - LABELS - VALUES)
