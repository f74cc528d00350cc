"""Queries on metered energy, production orders and rules of allocation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, insert, type_coerce, update
from sqlalchemy import func as sql
from sqlmodel import Session, col, select

from underseal_node.store.batches import batches
from underseal_node.store.energy_tables import (
    CorrectedKind,
    EnergyCorrection,
    EnergyMeter,
    EnergyOrder,
    EnergySetupRow,
    EnergyValue,
)
from underseal_protocol.canonical import canonical_bytes, digest_of_bytes
from underseal_protocol.decimals import parse_decimal
from underseal_protocol.rollup.allocation_json import EnergySetup, setup_json, setup_of
from underseal_protocol.rollup.allocation_rule import Money, ProductionOrder
from underseal_protocol.rollup.inputs import Quantity
from underseal_protocol.rollup.metering import Measured, MeterKind, Reading, Register

__all__ = [
    "add_correction",
    "add_meter",
    "add_orders",
    "add_setup",
    "add_values",
    "change_meter",
    "change_order",
    "change_value",
    "corrections",
    "lines",
    "measured",
    "meters",
    "orders",
    "orders_by_id",
    "orders_without",
    "period",
    "setup",
    "setup_row",
]

ROWS_PER_STATEMENT = 5_000


def meters(session: Session) -> dict[str, EnergyMeter]:
    """All meters by name."""
    return {one.name: one for one in session.exec(select(EnergyMeter))}


def measured(
    session: Session, start: datetime, end: datetime, names: Iterable[str] | None = None
) -> list[Measured]:
    """What meters have measured in a time: every value whose period overlaps it.

    Of counters also the register value before the time and that after it, without which the
    energy between would be lost.

    Args:
        session: reads.
        start: aware.
        end: aware, after `start`.
        names: of meters; None: all.
    """
    known = meters(session)
    wanted = known.values() if names is None else [known[one] for one in names if one in known]
    by_id = {one.id: one for one in wanted}
    found: list[Measured] = []
    for meter in by_id.values():
        low, high = start, end
        if meter.kind == MeterKind.COUNTER:
            low, high = _around(session, meter, start, end)
        found += _values(session, meter, low, high)
    return found


def orders(session: Session, start: datetime, end: datetime) -> list[ProductionOrder]:
    """The production orders whose time overlaps this one."""
    statement = (
        select(EnergyOrder)
        .where(col(EnergyOrder.starts_at) < end, col(EnergyOrder.ends_at) > start)
        .order_by(col(EnergyOrder.id))
    )
    return [_order(row) for row in session.exec(statement)]


def orders_by_id(session: Session, ids: Sequence[str]) -> dict[str, ProductionOrder]:
    """Production orders by id, those that there are."""
    found: dict[str, ProductionOrder] = {}
    for some in batches(ids):
        statement = select(EnergyOrder).where(col(EnergyOrder.id).in_(some))
        found |= {row.id: _order(row) for row in session.exec(statement)}
    return found


def lines(session: Session) -> list[str]:
    """The lines on which something was ever produced."""
    statement = select(EnergyOrder.line).where(col(EnergyOrder.line).is_not(None)).distinct()
    return sorted(one for one in session.exec(statement) if one is not None)


def period(session: Session) -> tuple[datetime, datetime] | None:
    """From the first moment that was measured until the last; None if nothing was."""
    first, last = session.exec(
        select(sql.min(EnergyValue.starts_at), sql.max(EnergyValue.ends_at))
    ).one()
    return None if first is None or last is None else (first, last)


def setup_row(session: Session) -> EnergySetupRow | None:
    """The rule in force, with when it was imported; None if there is none."""
    statement = select(EnergySetupRow).order_by(col(EnergySetupRow.id).desc()).limit(1)
    return session.exec(statement).first()


def setup(row: EnergySetupRow) -> EnergySetup:
    """What a stored rule says."""
    return setup_of(json.loads(row.document))


def corrections(
    session: Session, *, since: datetime | None = None, limit: int = 1000
) -> Sequence[EnergyCorrection]:
    """What was changed, newest first.

    Args:
        session: reads.
        since: at this instant or later.
        limit: how many at most.
    """
    statement = select(EnergyCorrection).order_by(col(EnergyCorrection.id).desc()).limit(limit)
    if since is not None:
        statement = statement.where(col(EnergyCorrection.created_at) >= since)
    return session.exec(statement).all()


# --- writing ----------------------------------------------------------------------------------


def add_meter(
    session: Session, name: str, kind: MeterKind, carrier: str, line: str | None
) -> EnergyMeter:
    """A new meter."""
    row = EnergyMeter(name=name, kind=kind, carrier=carrier, line=line)
    session.add(row)
    session.flush()
    return row


def change_meter(session: Session, name: str, carrier: str, line: str | None) -> None:
    """Another carrier or line of a meter, for all its values."""
    session.execute(
        update(EnergyMeter).where(col(EnergyMeter.name) == name).values(carrier=carrier, line=line)
    )


def add_values(session: Session, values: Iterable[Measured]) -> None:
    """New values of meters that are known."""
    ids = {name: one.id for name, one in meters(session).items()}
    for some in batches(values, ROWS_PER_STATEMENT):
        session.execute(insert(EnergyValue), [_value_row(ids[one.meter], one) for one in some])


def change_value(session: Session, value: Measured) -> None:
    """Another amount for the same meter and period."""
    row = _value_row(meters(session)[value.meter].id, value)
    session.execute(
        update(EnergyValue)
        .where(
            col(EnergyValue.meter_id) == row["meter_id"],
            col(EnergyValue.starts_at) == row["starts_at"],
            col(EnergyValue.ends_at) == row["ends_at"],
        )
        .values(amount=row["amount"], unit=row["unit"])
    )


def add_orders(session: Session, found: Iterable[ProductionOrder]) -> None:
    """New production orders."""
    for some in batches(found, ROWS_PER_STATEMENT):
        session.execute(insert(EnergyOrder), [_order_row(one) for one in some])


def change_order(session: Session, order: ProductionOrder) -> None:
    """Whatever else an order says now."""
    session.execute(
        update(EnergyOrder).where(col(EnergyOrder.id) == order.id).values(**_order_row(order))
    )


def orders_without(session: Session, column: str) -> set[str]:
    """The ids of orders that do not have an amount.

    Args:
        session: to read.
        column: which amount.
    """
    empty = col({"value": EnergyOrder.value}.get(column, EnergyOrder.machine_hours)).is_(None)
    return set(session.exec(select(EnergyOrder.id).where(empty)))


def add_setup(session: Session, given: EnergySetup, mapping: str, now: datetime) -> EnergySetupRow:
    """Another rule, in force from now on."""
    document = canonical_bytes(setup_json(given))
    row = EnergySetupRow(
        document=document.decode(),
        digest=digest_of_bytes(document),
        mapping=mapping,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def add_correction(
    session: Session,
    kind: CorrectedKind,
    key: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    file: str,
    now: datetime,
) -> None:
    """Keep what was changed, with what it was before."""
    session.add(
        EnergyCorrection(
            kind=kind,
            key=key,
            old=canonical_bytes(dict(old)).decode(),
            new=canonical_bytes(dict(new)).decode(),
            file=file,
            created_at=now,
        )
    )


# --- rows -------------------------------------------------------------------------------------


def _around(
    session: Session, meter: EnergyMeter, start: datetime, end: datetime
) -> tuple[datetime, datetime]:
    """A time that reaches from the register value before another one to that after it."""
    of_meter = col(EnergyValue.meter_id) == meter.id
    before = session.exec(
        select(sql.max(EnergyValue.starts_at)).where(of_meter, col(EnergyValue.starts_at) <= start)
    ).one()
    after = session.exec(
        select(sql.min(EnergyValue.starts_at)).where(of_meter, col(EnergyValue.starts_at) >= end)
    ).one()
    return before or start, after or end


def _values(
    session: Session, meter: EnergyMeter, start: datetime, end: datetime
) -> Iterator[Measured]:
    """Of many rows: instants are read faster than by the type of the column."""
    starts_at, ends_at = col(EnergyValue.starts_at), col(EnergyValue.ends_at)
    is_counter = meter.kind == MeterKind.COUNTER
    overlapping = (
        (starts_at >= start, starts_at <= end) if is_counter else (starts_at < end, ends_at > start)
    )
    statement = (
        select(
            type_coerce(starts_at, String),
            type_coerce(ends_at, String),
            type_coerce(col(EnergyValue.amount), String),
            EnergyValue.unit,
        )
        .where(col(EnergyValue.meter_id) == meter.id, *overlapping)
        .order_by(starts_at)
    )
    for began, ended, amount, unit in session.exec(statement):
        quantity = Quantity(parse_decimal(amount), unit)
        at = datetime.fromisoformat(began)
        if is_counter:
            yield Register(
                meter=meter.name, carrier=meter.carrier, at=at, value=quantity, line=meter.line
            )
        else:
            yield Reading(
                meter=meter.name,
                carrier=meter.carrier,
                start=at,
                end=datetime.fromisoformat(ended),
                quantity=quantity,
                line=meter.line,
            )


def _value_row(meter_id: int | None, value: Measured) -> dict[str, Any]:
    if isinstance(value, Register):
        start, end, quantity = value.at, value.at, value.value
    else:
        start, end, quantity = value.start, value.end, value.quantity
    return {
        "meter_id": meter_id,
        "starts_at": start,
        "ends_at": end,
        "amount": quantity.amount,
        "unit": quantity.unit,
    }


def _order_row(order: ProductionOrder) -> dict[str, Any]:
    return {
        "id": order.id,
        "product": order.product,
        "starts_at": order.start,
        "ends_at": order.end,
        "amount": order.quantity.amount,
        "unit": order.quantity.unit,
        "machine_hours": order.machine_hours,
        "value": None if order.value is None else order.value.amount,
        "currency": None if order.value is None else order.value.currency,
        "line": order.line,
    }


def _order(row: EnergyOrder) -> ProductionOrder:
    return ProductionOrder(
        id=row.id,
        product=row.product,
        start=row.starts_at,
        end=row.ends_at,
        quantity=Quantity(row.amount, row.unit),
        machine_hours=row.machine_hours,
        value=None if row.value is None else Money(row.value, row.currency or ""),
        line=row.line,
    )
