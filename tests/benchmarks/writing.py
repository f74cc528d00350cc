"""What the operator writes: publishing in bulk, and importing a workbook."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
from sqlalchemy import Engine
from tests.benchmarks.machine import SIGNATURES_OF_REFERENCE, reference_seconds
from tests.benchmarks.reading import prefix_of
from tests.benchmarks.results import Figure
from tests.benchmarks.stored import (
    HOST,
    Json,
    document,
    id_of,
    keys_of,
    new_home,
    packed_model,
    row,
)
from tests.benchmarks.work import done

from underseal_node.node import open_node
from underseal_node.publishing.columns import EXAMPLES
from underseal_node.store.types import utc_text

PUBLISH_TARGET = 2_000 / SIGNATURES_OF_REFERENCE
IMPORT_SECONDS, IMPORT_MB = 30.0, 300.0


# --- publishing -------------------------------------------------------------------------------


def publish_figures(
    database: str, directory: Path, count: int, rounds: int, url: str | None
) -> list[Figure]:
    """Files of so many footprints: validated, signed, stored, indexed, in one transaction each.

    Args:
        database: its name.
        directory: for the homes.
        count: of footprints in a file.
        rounds: files.
        url: of two empty databases, for ours and for bare inserts; None for SQLite.
    """
    home = new_home(directory / f"publish-{database}", database=url)
    rates, to_signatures, to_inserts, peaks = [], [], [], []
    for turn in range(rounds):
        file = directory / "publish.json"
        numbers = range(turn * count, (turn + 1) * count)
        file.write_text(json.dumps([document(number) for number in numbers]), encoding="utf-8")
        inserts = inserts_per_second(home, range(-len(numbers), 0))
        found = done("import", home=str(home), file=str(file))
        assert found["count"] == count
        rates.append(count / found["seconds"])
        to_signatures.append(rates[-1] / found["signatures_per_second"])
        to_inserts.append(rates[-1] / inserts)
        peaks.append(found["peak_mb"])
    name = f"{prefix_of(database)}publish-bulk"
    rate, ratio = statistics.median(rates), statistics.median(to_signatures)
    counted = {
        "footprints/s": rate,
        "on the reference core": ratio * SIGNATURES_OF_REFERENCE,
        "signatures/s": rate / ratio,
        "MB at most": max(peaks),
    }
    bare = statistics.median(to_inserts)
    return [
        Figure("publish", name, ratio, "signatures", PUBLISH_TARGET, counted=counted),
        Figure(
            "publish",
            f"{name}-to-inserts",
            bare,
            "inserts",
            counted={"bare inserts/s": rate / bare},
        ),
    ]


def inserts_per_second(home: Path, numbers: range) -> float:
    """The rows of footprints through the driver alone, in one transaction; then they are deleted.

    Args:
        home: of a node; what it has is not changed.
        numbers: of the footprints; none that the node has.
    """
    node = open_node(home)
    packed = packed_model(node)
    # Numbers below zero, which a node never gives.
    rows = [{**row(node, packed, one), "published_at": utc_text(node.now())} for one in numbers]
    keys = [{**key, "kind": str(key["kind"])} for one in rows for key in keys_of(one)]
    try:
        return len(rows) / _inserting(node.store.write_engine, rows, keys)
    finally:
        node.close()


def _inserting(engine: Engine, rows: Sequence[Json], keys: Sequence[Json]) -> float:
    """Seconds, with a commit to the disk at the end."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        marker = "?" if engine.dialect.name == "sqlite" else "%s"
        start = time.perf_counter()
        if marker == "?":
            cursor.execute("BEGIN IMMEDIATE")
        for table, values in (("footprint", rows), ("footprint_key", keys)):
            names, marks = ", ".join(values[0]), ", ".join(marker for _ in values[0])
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
            cursor.executemany(statement, [tuple(one.values()) for one in values])
        connection.commit()
        seconds = time.perf_counter() - start
        cursor.execute("DELETE FROM footprint_key WHERE seq <= 0")
        cursor.execute("DELETE FROM footprint WHERE seq <= 0")
        connection.commit()
    finally:
        connection.close()
    return seconds


# --- a workbook -------------------------------------------------------------------------------


def import_figures(directory: Path, rows: int) -> list[Figure]:
    """The sheet of a supplier with many products, imported by the management process."""
    file = directory / "footprints.xlsx"
    write_workbook(file, rows)
    home = new_home(directory / "import")
    found = done("import", home=str(home), file=str(file))
    assert found["count"] == rows
    seconds = reference_seconds(found["seconds"], found["signatures_per_second"])
    counted = {"seconds here": found["seconds"], "rows/s": rows / found["seconds"]}
    name = f"import-workbook-{rows}"
    resting = {"MB at rest": found["at_rest_mb"]}
    return [
        Figure("import", name, seconds, "reference s", IMPORT_SECONDS, True, counted),
        Figure("import", f"{name}-memory", found["peak_mb"], "MB", IMPORT_MB, True, resting),
    ]


def write_workbook(file: Path, rows: int) -> None:
    """A row for each product, with the figures as numbers, as people type them."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Footprints")
    sheet.append(list(EXAMPLES))
    for number in range(rows):
        value = 0.412 + number / 10_000
        changed = {
            "productIds": f"urn:pact:{HOST}:product-id:{id_of(number)}",
            "productNameCompany": f"Compression spring {number}",
            "pcfExcludingBiogenicUptake": value,
            "pcfIncludingBiogenicUptake": value,
            "fossilGhgEmissions": value,
        }
        sheet.append([_typed(changed.get(name, text)) for name, text in EXAMPLES.items()])
    book.save(file)


def _typed(value: Any) -> Any:
    """Numbers as numbers."""
    try:
        return round(float(value), 4)
    except ValueError:
        return value
