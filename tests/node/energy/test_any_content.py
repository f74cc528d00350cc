"""Whatever is in a file or a mapping, the answer is a result or a refusal."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.node.energy.conftest import HEADER, LONG, csv_of, read, workbook_of

from underseal_node.publishing.results import UnpublishableError

CELLS = st.sampled_from(
    ["Z1", "z2", "", " ", "01.01.2025", "31.12.9999", "2025-03-30 02:30", "26.10.2025 02:30",
     "24:00", "1,5", "1.234", "-0", "-1", "=1+1", "#", "∞", "1e400", "٣", "NaN", "x" * 500]
) | st.text(max_size=12)  # fmt: skip
ROWS = st.lists(st.lists(CELLS, min_size=0, max_size=6), max_size=8)


def tried(content: bytes, mapping: str = LONG) -> None:
    with suppress(UnpublishableError):
        read(content, mapping)


@settings(max_examples=200, deadline=None)
@given(ROWS, st.sampled_from(["utf-8", "utf-16"]), st.sampled_from(";,\t"))
def test_rows(rows: list[list[str]], encoding: str, separator: str) -> None:
    tried(csv_of(HEADER, *rows, separator=separator, encoding=encoding))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_bytes(content: bytes) -> None:
    tried(content)
    tried(csv_of(HEADER) + content)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_mappings(text: str) -> None:
    content = csv_of(HEADER, ("Z1", "01.01.2025", "01.02.2025", "1"))
    tried(content, text)
    tried(content, f"{LONG}\n{text}")


def test_damaged_mappings_and_workbooks() -> None:
    chance = random.Random(9)
    row: Any = ("Z1", "01.01.2025", "01.02.2025", 1)
    book, sheet = workbook_of(HEADER, row), csv_of(HEADER, row)
    for _ in range(150):
        lines = LONG.splitlines()
        del lines[chance.randrange(len(lines))]
        lines.insert(chance.randrange(len(lines)), chance.choice(lines))
        tried(sheet, "\n".join(lines))
        damaged = bytearray(book)
        for _ in range(chance.choice((1, 3, 30))):
            damaged[chance.randrange(4, len(damaged))] = chance.randrange(256)
        tried(bytes(damaged))
