"""Imports: all or nothing, nothing twice, corrections with what was before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import Session, select
from tests.node.energy.conftest import HEADER, LONG, Plant, csv_of

from underseal_node.energy.importing import Counts, SetupOutcome
from underseal_node.store import energy as store
from underseal_node.store.audit_tables import AuditPending
from underseal_node.store.energy_tables import (
    CorrectedKind,
    EnergyCorrection,
    EnergyOrder,
    EnergySetupRow,
    EnergyValue,
)

ORDERS = """
[orders]
file = "orders"
unit = "t"
columns = { order = "id", product = "what", start = "from", end = "to", quantity = "much" }
line = "Ofen 1"
"""
JANUARY, FEBRUARY = ("01.01.2025", "01.02.2025"), ("01.02.2025", "01.03.2025")
FIRST = csv_of(HEADER, ("Z1", *JANUARY, "100"), ("Z2", *JANUARY, "10"))
ORDERS_ONLY = 'timezone = "UTC"\nrule.by = "mass"\n' + ORDERS.replace('file = "orders"\n', "")
ORDER_HEAD = ("id", "what", "from", "to", "much")
COUNTER = """
timezone = "UTC"
rule.by = "mass"
readings.kind = "counter"
readings.unit = "kWh"
readings.columns = { meter = "meter", value = "value", time = "at" }
meters.Z1 = { carrier = "electricity" }
"""


def counter(*rows: tuple[Any, ...]) -> bytes:
    return csv_of(("meter", "at", "value"), *(("Z1", *row) for row in rows))


def rows(plant: Plant) -> dict[str, int]:
    """How many of each there are."""

    def work(session: Session) -> dict[str, int]:
        tables = (EnergyValue, EnergyOrder, EnergySetupRow, EnergyCorrection, AuditPending)
        return {one.__name__: len(session.exec(select(one)).all()) for one in tables}

    return plant.node.store.read_sync(work)


def test_an_import_and_the_same_again(plant: Plant) -> None:
    done = plant.takes(FIRST)
    assert done.readings == Counts(new=2)
    assert done.setup is SetupOutcome.NEW
    before = rows(plant)
    assert before["EnergyValue"] == 2
    again = plant.takes(FIRST)
    assert again.readings == Counts(unchanged=2)
    assert again.setup is SetupOutcome.UNCHANGED
    assert again.digest == done.digest
    assert again.corrections == ()
    assert rows(plant) == before
    longer = plant.takes(csv_of(HEADER, ("Z2", *JANUARY, "10,00"), ("Z1", *JANUARY, "100")))
    assert longer.digest == done.digest
    assert rows(plant) == before


def test_a_dry_run_writes_nothing(plant: Plant) -> None:
    before = rows(plant)
    done = plant.imports(FIRST, dry_run=True)
    assert (done.dry_run, done.readings, done.setup) == (True, Counts(new=2), SetupOutcome.NEW)
    assert rows(plant) == before
    assert plant.takes(FIRST).digest == done.digest


def test_a_correction_keeps_what_was_before(plant: Plant) -> None:
    plant.takes(FIRST)
    done = plant.takes(csv_of(HEADER, ("Z1", *JANUARY, "120"), ("Z1", *FEBRUARY, "90")))
    assert done.readings == Counts(new=1, corrected=1)
    (correction,) = done.corrections
    assert (correction.kind, correction.key) == (CorrectedKind.READING, "Z1")
    assert (correction.old["amount"], correction.new["amount"]) == ("100", "120")
    (kept,) = plant.node.store.read_sync(store.corrections)
    assert json.loads(kept.old) == correction.old
    assert json.loads(kept.new)["start"] == "2024-12-31T23:00:00Z"
    assert kept.file == "export"
    assert plant.node.store.read_sync(
        lambda session: store.corrections(session, since=plant.node.now())
    )
    assert plant.takes(csv_of(HEADER, ("Z1", *JANUARY, "120"))).readings == Counts(unchanged=1)


def test_what_contradicts_an_earlier_import_is_refused_whole(plant: Plant) -> None:
    plant.takes(FIRST)
    before = rows(plant)
    content = csv_of(HEADER, ("Z1", *FEBRUARY, "1"), ("Z1", "15.01.2025", "16.01.2025", "1"))
    done = plant.imports(content)
    (problem,) = done.problems
    assert problem.place == "cell D3 (Verbrauch)"
    assert "imported before" in problem.message
    assert rows(plant) == before


def test_one_bad_row_and_nothing_is_stored(plant: Plant) -> None:
    done = plant.imports(csv_of(HEADER, ("Z1", *JANUARY, "1"), ("Z1", *FEBRUARY, "x")))
    assert len(done.problems) == 1
    assert done.digest is None
    assert rows(plant)["EnergyValue"] == 0


def test_orders_and_their_corrections(plant: Plant) -> None:
    row = ("1", "A", *JANUARY, "12")
    done = plant.takes(csv_of(ORDER_HEAD, row), ORDERS_ONLY)
    assert done.orders == Counts(new=1)
    assert plant.takes(csv_of(ORDER_HEAD, row), ORDERS_ONLY).orders == Counts(unchanged=1)
    later = plant.takes(csv_of(ORDER_HEAD, ("1", "A", *FEBRUARY, "13")), ORDERS_ONLY)
    assert later.orders == Counts(corrected=1)
    (correction,) = later.corrections
    assert (correction.kind, correction.key) == (CorrectedKind.ORDER, "1")
    assert correction.old["amount"] == "12"
    assert correction.new["start"] == "2025-02-01T00:00:00Z"
    assert rows(plant)["EnergyOrder"] == 1


HOURS = ORDERS_ONLY.replace('by = "mass"', 'by = "machine hours"')
HOURS_NAMED = HOURS.replace('quantity = "much" }', 'quantity = "much", machine_hours = "h" }')


def test_orders_without_the_amount_that_energy_is_allocated_by(plant: Plant) -> None:
    two = csv_of(ORDER_HEAD, ("1", "A", *JANUARY, "12"), ("2", "A", *JANUARY, "12"))
    assert plant.takes(two, ORDERS_ONLY).warnings == ()
    for dry_run in (True, False):
        done = plant.imports(two, HOURS, dry_run=dry_run)
        (warning,) = done.warnings
        assert warning.message.startswith(
            "2 of 2 orders, this one first, do not have machine hours"
        )
        assert warning.place == "cell A2 (id)"
        assert 'machine_hours = "..." of [orders.columns]' in str(warning.hint)
    head = (*ORDER_HEAD, "h")
    third = csv_of(head, ("3", "A", *JANUARY, "1", "8"), ("4", "A", *JANUARY, "1", ""))
    own, before = plant.takes(third, HOURS_NAMED).warnings
    assert own.message.startswith("1 of 2 orders")
    assert str(own.hint).startswith("Fill in the column")
    assert before.message.startswith("2 orders that were imported before do not have machine hours")
    hours = [(number, "A", *JANUARY, "12", "8") for number in "1234"]
    assert plant.takes(csv_of(head, *hours), HOURS_NAMED).warnings == ()


def test_orders_without_a_value(plant: Plant) -> None:
    by_value = ORDERS_ONLY.replace('by = "mass"', 'by = "economic value"')
    content = csv_of(ORDER_HEAD, ("1", "A", *JANUARY, "12"))
    (warning,) = plant.takes(content, by_value).warnings
    assert "do not have a value, and energy is allocated by economic value" in warning.message


def test_a_meter_of_another_line(plant: Plant) -> None:
    plant.takes(FIRST)
    moved = LONG.replace('line = "Ofen 1"', 'line = "Ofen 2"')
    (correction,) = plant.takes(FIRST, moved).corrections
    assert correction.kind is CorrectedKind.METER
    assert (correction.old["line"], correction.new["line"]) == ("Ofen 1", "Ofen 2")
    meters = plant.node.store.read_sync(store.meters)
    assert meters["Z1"].line == "Ofen 2"
    assert plant.takes(FIRST, moved).corrections == ()


def test_another_rule_and_what_a_mapping_leaves_out(plant: Plant) -> None:
    plant.takes(FIRST)
    other = LONG.replace('by = "mass"', 'by = "pieces"')
    without_gas = other[: other.index("[carriers")] + other[other.index("[rule]") :]
    done = plant.takes(FIRST, without_gas)
    assert done.setup is SetupOutcome.CHANGED
    assert [one.kind for one in done.corrections] == [CorrectedKind.SETUP]
    row = plant.node.store.read_sync(store.setup_row)
    assert row is not None
    assert row.mapping == without_gas
    setup = store.setup(row)
    assert setup.rule.by == "pieces"
    assert "natural gas" in setup.carriers
    assert rows(plant)["EnergySetupRow"] == 2


def test_a_meter_of_another_kind(plant: Plant) -> None:
    plant.takes(FIRST)
    done = plant.imports(counter(("2026-01-01", "1")), COUNTER)
    (problem,) = done.problems
    assert "were interval values before, and are counter values here" in problem.message
    assert problem.place == "cell C2 (value)"


def test_counters_over_several_imports(plant: Plant) -> None:
    plant.takes(counter(("2025-01-01", "100"), ("2025-02-01", "150")), COUNTER)
    done = plant.takes(counter(("2025-02-01", "150"), ("2025-03-01", "190")), COUNTER)
    assert done.readings == Counts(new=1, unchanged=1)
    back = plant.imports(counter(("2025-04-01", "180")), COUNTER)
    assert "goes back from 190" in back.problems[0].message
    between = plant.imports(counter(("2025-01-15", "90")), COUNTER)
    assert "goes back from 100" in between.problems[0].message


def test_a_share_of_a_meter_that_nobody_knows(plant: Plant) -> None:
    rule = 'by = "mass"\nnot_for_products = [{ name = "x", share = 0.1, meters = ["Z7"] }]'
    done = plant.imports(FIRST, LONG.replace('by = "mass"', rule))
    assert "names the meter 'Z7', which is unknown" in done.problems[0].message


def test_what_an_import_writes_into_the_audit_log(plant: Plant) -> None:
    """No digest: whoever is shown the log could try amounts."""
    plant.takes(FIRST)

    def last(session: Session) -> Any:
        found = session.exec(select(AuditPending.members)).all()
        return json.loads(found[-1])

    entry = plant.node.store.read_sync(last)
    assert entry["act"] == "energy-imported"
    assert entry["detail"] == {
        "file": "export",
        "readings": 2,
        "orders": 0,
        "corrected": 0,
        "rule": "new",
    }


@pytest.mark.parametrize("count", [1_500])
def test_many_orders_are_compared_in_portions(plant: Plant, count: int) -> None:
    content = csv_of(ORDER_HEAD, *((str(number), "A", *JANUARY, "1") for number in range(count)))
    assert plant.takes(content, ORDERS_ONLY).orders == Counts(new=count)
    assert plant.takes(content, ORDERS_ONLY).orders == Counts(unchanged=count)
