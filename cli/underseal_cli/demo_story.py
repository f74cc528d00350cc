"""How the demo tells what happens: one table per chapter, one checked step per row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["Story"]

STEP_WIDTH = 44


class Story:
    """Collects checked steps and prints them chapter by chapter.

    Args:
        console: where the tables go.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.failed: list[str] = []
        self.steps = 0
        self._rows: list[tuple[str, str, bool]] = []

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """Print the steps told inside it as one table, also when it breaks off."""
        self._rows = []
        with self.console.status(escape(title)):
            try:
                yield
            finally:
                rows, self._rows = self._rows, []
        self._print(title, rows)

    def check(self, step: str, outcome: str, *, ok: bool) -> None:
        """Tell one step.

        Args:
            step: what was done.
            outcome: what came out.
            ok: whether that is as it should be.
        """
        self.steps += 1
        self._rows.append((step, outcome, ok))
        if not ok:
            self.failed.append(f"{step}: {outcome}")

    def tell(self, line: str) -> None:
        """Print a line between chapters."""
        self.console.print(escape(line))

    def _print(self, title: str, rows: list[tuple[str, str, bool]]) -> None:
        table = Table(
            title=escape(title),
            title_justify="left",
            title_style="bold",
            expand=True,
            pad_edge=False,
        )
        table.add_column("", width=2)
        table.add_column("step", ratio=5, min_width=STEP_WIDTH)
        table.add_column("what came out", ratio=6, overflow="fold")
        for step, outcome, ok in rows:
            mark = "[green]ok[/]" if ok else "[bold red]NO[/]"
            table.add_row(mark, escape(step), escape(outcome))
        self.console.print(table)
        self.console.print()
