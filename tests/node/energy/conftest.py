"""Exports in every form that people have them in, and a plant that imports them."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import openpyxl
import pytest

from underseal_node.energy.export import Export, Files, read_export
from underseal_node.energy.importing import EnergyImported, import_energy
from underseal_node.node import Node
from underseal_node.publishing.results import UnpublishableError
from underseal_node.settings import Settings
from underseal_node.sheets.problems import Problem

LONG = """
timezone = "Europe/Berlin"

[readings]
unit = "kWh"

[readings.columns]
meter = "Zähler"
value = "Verbrauch"
start = "Beginn"
end = "Ende"

[meters]
"Z1" = { carrier = "electricity", line = "Ofen 1" }
"Z2" = { carrier = "natural gas", unit = "m3" }

[carriers."natural gas"]
unit = "MJ"
energy_mj_per_m3 = 36.3

[rule]
by = "mass"
"""
HEADER = ("Zähler", "Beginn", "Ende", "Verbrauch")

Cells = Sequence[Any]


def csv_of(*rows: Cells, separator: str = ";", encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode(encoding)


def workbook_of(
    *rows: Cells, change: Callable[[Any], object] | None = None, title: str = "Daten"
) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(list(row))
    if change is not None:
        change(book)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def read(
    content: bytes,
    mapping: str = LONG,
    *,
    settings: Settings | None = None,
    name: str = "export",
    **others: bytes,
) -> Export:
    """Read an export that has to be in order."""
    files = Files(
        name,
        content,
        "mapping.toml",
        mapping.encode(),
        {key.replace("_", "."): value for key, value in others.items()},
    )
    return read_export(files, settings or Settings())


def problems(content: bytes, mapping: str = LONG, **more: Any) -> tuple[Problem, ...]:
    """Why an export is refused."""
    with pytest.raises(UnpublishableError) as raised:
        read(content, mapping, **more)
    return raised.value.problems


def only_problem(content: bytes, mapping: str = LONG, **more: Any) -> Problem:
    (problem,) = problems(content, mapping, **more)
    return problem


@dataclass
class Plant:
    """What the operator of a node does."""

    node: Node

    def imports(
        self, content: bytes, mapping: str = LONG, *, dry_run: bool = False, name: str = "export"
    ) -> EnergyImported:
        files = Files(name, content, "mapping.toml", mapping.encode())
        return asyncio.run(import_energy(self.node, files, dry_run=dry_run))

    def takes(self, content: bytes, mapping: str = LONG) -> EnergyImported:
        """Import what has to be in order."""
        done = self.imports(content, mapping)
        assert done.problems == ()
        return done


@pytest.fixture
def plant(node: Node) -> Plant:
    return Plant(node)
