"""Keeps the tables that lists are made from in step with the footprints.

Own footprints are written in two places, which say so here. Rows of received ones are changed in
many: whatever a session writes of them is written into the list as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, event, func, insert, update
from sqlmodel import Session, SQLModel, col, select

from underseal_node.store.batches import batches
from underseal_node.store.exchange_tables import ReceivedFootprint
from underseal_node.store.list_tables import OwnEntry
from underseal_node.store.tables import Footprint
from underseal_node.store.types import IN_ITS_PLACE, NUL, from_utc_text, utc_text
from underseal_protocol.criteria import fold
from underseal_protocol.times import format_time

__all__ = ["complete", "figure_key", "own_entry", "plain", "refresh", "set_status"]

KEY_CHARACTERS = 120  # by which texts are ordered; what is alike so far is ordered by its age
KEY_DIGITS = 100  # of a figure
HIGHEST_EXPONENT = 10**9  # of what fits into a message by far

DECIMAL = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]*))?", re.ASCII)
COMPLEMENT = str.maketrans("0123456789", "9876543210")
NEGATIVE, ZERO, POSITIVE, NO_FIGURE = "4", "5", "6", "9"

OWN, RECEIVED = (SQLModel.metadata.tables[one] for one in ("own_entry", "received_entry"))
OF_OWN = (
    Footprint.seq, Footprint.status, Footprint.valid_until, Footprint.published_at,
    Footprint.summary,
)  # fmt: skip
OF_RECEIVED = (
    ReceivedFootprint.seq, ReceivedFootprint.peer_id, ReceivedFootprint.footprint_id,
    ReceivedFootprint.status, ReceivedFootprint.verification, ReceivedFootprint.valid_until,
    ReceivedFootprint.received_at, ReceivedFootprint.terms, ReceivedFootprint.summary,
)  # fmt: skip

Values = dict[str, Any]


def plain(text: str) -> str:
    """A text as it is searched by: without upper case, and without what no database takes."""
    return fold(text).replace(NUL, IN_ITS_PLACE).encode("utf-8", "replace").decode("utf-8")


def figure_key(text: str) -> str:
    """A text whose order is the order of decimals, whatever their size and their number of digits.

    By its sign, where its point is, and its digits; those of negative ones turned over. What is no
    decimal comes after all that are.

    Args:
        text: as the node writes figures; one of a peer may be anything.
    """
    found = DECIMAL.fullmatch(text)
    if found is None:
        return f"{NO_FIGURE}{plain(text)[:KEY_CHARACTERS]}" if text else ""
    sign, whole, fraction = found[1], found[2].lstrip("0"), found[3] or ""
    digits = (whole + fraction).lstrip("0").rstrip("0")
    if not digits:
        return ZERO
    exponent = len(whole) if whole else len(fraction.lstrip("0")) - len(fraction)
    key = f"{HIGHEST_EXPONENT + exponent:010d}{digits[:KEY_DIGITS]}"
    if sign == "-":
        return f"{NEGATIVE}{key.translate(COMPLEMENT)}~"  # a longer one is less
    return f"{POSITIVE}{key}"


def own_entry(
    seq: int, status: str, valid_until: str, published_at: datetime, summary: str
) -> Values:
    """What lists need of an own footprint.

    Args:
        seq: of its row; the others as there.
    """
    shown: Mapping[str, Any] = json.loads(summary)
    return {
        "seq": seq,
        "status": status,
        "valid_until": valid_until,
        **_keys(shown, "name"),
        "search": _searched(
            *_texts(shown),
            format_time(from_utc_text(valid_until)),
            format_time(published_at),
        ),
    }


def _received_entry(row: Any) -> Values:
    """What lists need of a received footprint; of one that is broken, what there is.

    Args:
        row: with the columns `OF_RECEIVED`.
    """
    shown: Mapping[str, Any] = json.loads(row.summary)
    stated = [each.get("terms") or each.get("purpose") for each in json.loads(row.terms or "[]")]
    terms = [str(one) for one in stated if one]
    company = _text(shown, "companyName")
    keys = _keys(shown, "name")
    return {
        "seq": row.seq,
        "peer_id": row.peer_id,
        "status": row.status,
        "verification": str(row.verification),
        "valid_until": row.valid_until,
        "received_at": utc_text(row.received_at),
        **keys,
        "name": keys["name"] or row.footprint_id,
        "company": _key(company),
        "terms": _key(", ".join(terms)),
        "search": _searched(
            *_texts(shown),
            "" if "productNameCompany" in shown else row.footprint_id,
            company,
            *terms,
            format_time(row.received_at),
        ),
    }


def _keys(shown: Mapping[str, Any], name: str) -> Values:
    unit, amount = _text(shown, "declaredUnitOfMeasurement"), _text(shown, "declaredUnitAmount")
    return {
        name: _key(_text(shown, "productNameCompany")),
        "products": _key(", ".join(_products(shown))),
        "figure": figure_key(_text(shown, "pcfExcludingBiogenicUptake")),
        "unit": f"{_key(unit)}\n{figure_key(amount)}" if unit or amount else "",
    }


def _texts(shown: Mapping[str, Any]) -> list[str]:
    """What own and received footprints show alike."""
    members = ("productNameCompany", "pcfExcludingBiogenicUptake", "declaredUnitAmount",
               "declaredUnitOfMeasurement")  # fmt: skip
    return [*(_text(shown, one) for one in members), *_products(shown)]


def _products(shown: Mapping[str, Any]) -> list[str]:
    found = shown.get("productIds")
    return [str(one) for one in found] if isinstance(found, list) else []


def _text(shown: Mapping[str, Any], name: str) -> str:
    return str(shown[name]) if name in shown else ""


def _key(text: str) -> str:
    return plain(text)[:KEY_CHARACTERS]


def _searched(*texts: str) -> str:
    # With what nobody can search for between them, so that nothing is found across two of them.
    return plain("\n".join(one for one in texts if one))


def set_status(session: Session, footprint_id: str, status: str) -> None:
    """Note the status of an own footprint."""
    seq = select(Footprint.seq).where(Footprint.id == footprint_id).scalar_subquery()
    session.execute(update(OwnEntry).where(col(OwnEntry.seq) == seq).values(status=status))


def refresh(session: Session, numbers: Iterable[int]) -> None:
    """Note what was changed of received footprints past their objects.

    Args:
        numbers: of their rows.
    """
    for part in batches(numbers):
        rows = session.execute(
            select(*OF_RECEIVED).where(col(ReceivedFootprint.seq).in_(part))  # type: ignore[call-overload]
        ).all()
        _put(session.connection(), [_received_entry(row) for row in rows], is_new=False)


def _put(connection: Connection, entries: Sequence[Values], *, is_new: bool) -> None:
    if not entries:
        return
    if not is_new:
        for part in batches(entry["seq"] for entry in entries):
            connection.execute(delete(RECEIVED).where(RECEIVED.c.seq.in_(part)))
    connection.execute(insert(RECEIVED), entries)


def _keep_in_step(session: Session, _context: object) -> None:
    """What a session has just written of received footprints is written into the list."""
    for found, is_new in ((session.new, True), (session.dirty, False)):
        rows = [one for one in found if isinstance(one, ReceivedFootprint)]
        _put(session.connection(), [_received_entry(row) for row in rows], is_new=is_new)


event.listen(Session, "after_flush", _keep_in_step)


def complete(connection: Connection) -> None:
    """Note the footprints of a database that was made before there were lists.

    Args:
        connection: in whose transaction it is done.
    """
    _complete(connection, OWN, OF_OWN, lambda row: own_entry(*tuple(row)))
    _complete(connection, RECEIVED, OF_RECEIVED, _received_entry)


def _complete(
    connection: Connection,
    table: Table,
    columns: Sequence[Any],
    entry: Callable[[Row[Any]], Values],
) -> None:
    seq = columns[0]
    known = connection.execute(select(func.max(table.c.seq))).scalar()
    after = int(known or 0)
    while rows := connection.execute(
        select(*columns).where(seq > after).order_by(seq).limit(500)
    ).all():
        connection.execute(insert(table), [entry(row) for row in rows])
        after = rows[-1][0]
