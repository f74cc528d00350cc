"""What a footprint was calculated from, leaf by leaf, and what an auditor cannot guess of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tests.node.manage.conftest import Company, Market
from tests.node.manage.test_guessing import Attacker
from tests.node.manage.test_metered_products import ENERGY, PERIOD, cathode, meter
from tests.node.manage.test_products import (  # noqa: F401 - a fixture
    GIVEN_POWER,
    Json,
    Supplied,
    load,
    product,
    published,
    supplied,
)

from underseal_node.energy.leaves import MAX_VALUES, energy_leaves
from underseal_node.energy.usage import Records, records_of
from underseal_node.products import books
from underseal_node.products.metered import Meters
from underseal_protocol.canonical import canonical_bytes, digest
from underseal_protocol.rollup.allocation_json import digest_of, measured_json, measured_of
from underseal_protocol.times import parse_time

__all__ = ["cathode"]  # a fixture


async def leaves(company: Company, footprint: str) -> dict[str, Json]:
    found = (await company.get(f"/footprints/{footprint}/lines"))["data"]
    return {one["id"]: one["content"] | {"kind": one["kind"]} for one in found}


async def publish(company: Company, product_id: str = "nmc811") -> str:
    return str((await company.post("/products/publish", product=product_id))["footprint"])


def records(company: Company) -> Records:
    start, end = map(parse_time, PERIOD.values())
    return company.node.store.read_sync(lambda session: records_of(session, start, end))


async def test_readings_orders_and_the_rule_can_be_opened(cathode: Company) -> None:
    await meter(cathode)
    found = await leaves(cathode, await publish(cathode))
    kinds = [one["kind"] for one in found.values()]
    assert {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)} == {
        "product": 1,
        "line": 2,
        "factor": 2,
        "rule": 1,
        "order": 36,
        "readings": 49,
    }
    assert found["readings:E-11/2024-12-31T23:00:00Z"] == {
        "kind": "readings",
        "meter": "E-11",
        "carrier": "electricity",
        "line": "Kalcynacja 1",
        "unit": "MWh",
        "columns": ["start", "end", "amount"],
        "values": [["2024-12-31T23:00:00Z", "2025-01-31T23:00:00Z", "3248.74"]],
    }
    register = found["readings:G-01/2025-12-31T23:00:00Z"]
    assert register["columns"] == ["at", "amount"]
    order = found["order:250001"]
    assert (order["product"], order["amount"], order["unit"]) == ("nmc811", "317", "t")
    assert found["rule"]["rule"]["notForProducts"][0]["share"] == "0.04"
    assert found["rule"]["carriers"]["natural gas heat"]["unit"] == "MJ"


async def test_nothing_of_the_records_is_missing(cathode: Company) -> None:
    await meter(cathode)
    found = await leaves(cathode, await publish(cathode))
    measured = [
        dict(zip(one["columns"], value, strict=True))
        | {name: one[name] for name in ("meter", "carrier", "line", "unit") if name in one}
        for one in found.values()
        if one["kind"] == "readings"
        for value in one["values"]
    ]
    kept = records(cathode)
    again = digest_of(map(measured_of, measured), kept.orders, kept.mattered)
    assert again == kept.digest
    assert len([one for one in found if one.startswith("order:")]) == len(kept.orders)


async def test_a_corrected_reading_changes_the_books_of_the_successor(
    cathode: Company,
) -> None:
    await meter(cathode)
    first = await publish(cathode)
    meters = (ENERGY / "meters.csv").read_bytes().replace(b"3248,74", b"3348,74")
    await meter(cathode, meters)
    second = await publish(cathode)
    name = "readings:E-11/2024-12-31T23:00:00Z"
    old, new = [(await leaves(cathode, one))[name]["values"][0][2] for one in (first, second)]
    assert (old, new) == ("3248.74", "3348.74")


async def test_readings_that_change_while_publishing_stop_it(
    cathode: Company,
    monkeypatch: Any,
) -> None:
    await meter(cathode)
    read = Meters.records

    def corrected(meters: Any, *period: Any) -> Records:
        kept = read(meters, *period)
        first = measured_json(kept.measured[0]) | {"amount": "1"}
        changed = [measured_of(first), *kept.measured[1:]]
        return Records(
            *(kept.start, kept.end, kept.setup_id, kept.setup_digest, kept.setup),
            measured=changed,
            orders=kept.orders,
        )

    monkeypatch.setattr(Meters, "records", corrected)
    refusal = await cathode.post("/products/publish", None, 409, product="nmc811")
    assert "have been corrected since this was calculated" in refusal["message"]
    drafted = await cathode.post("/products/draft", None, 409, product="nmc811")
    assert drafted["hint"] == "Try again."
    assert (await cathode.get("/footprints"))["data"] == []


def test_values_of_a_meter_are_put_together_by_months_and_not_too_many(
    cathode: Company,
) -> None:
    def quarter_hours(days: int) -> Iterator[Any]:
        for number in range(days * 96):
            day, quarter = divmod(number, 96)
            start = f"2025-01-{day + 1:02}T{quarter // 4:02}:{quarter % 4 * 15:02}:00Z"
            end = f"2025-01-{day + 1:02}T{quarter // 4:02}:{quarter % 4 * 15 + 14}:00Z"
            yield measured_of(
                {
                    "meter": "a, b",
                    "carrier": "electricity",
                    "start": start,
                    "end": end,
                    "amount": f"123456.{number}",
                    "unit": "kWh",
                }
            )

    import asyncio

    asyncio.run(meter(cathode))
    kept = records(cathode)
    many = Records(
        *(kept.start, kept.end, kept.setup_id, kept.setup_digest, kept.setup),
        measured=list(quarter_hours(30)),
        orders=[],
    )
    found = [one for one in energy_leaves([many, many]) if one["kind"] == "readings"]
    assert [len(one["values"]) for one in found] == [MAX_VALUES] * 5 + [380]
    assert len({one["id"] for one in found}) == 6
    assert found[0]["id"] == "readings:a; b/2025-01-01T00:00:00Z"  # can be named in a list
    assert max(len(canonical_bytes(one)) for one in found) < 40_000


# --- what cannot be guessed ---------------------------------------------------------------------


async def test_an_auditor_who_is_shown_all_but_one_cannot_guess_it(
    cathode: Company,
) -> None:
    await meter(cathode)
    own = await publish(cathode)
    hidden = "readings:E-12/2024-12-31T23:00:00Z"
    found = await leaves(cathode, own)
    others = [one for one in found if one != hidden]
    opened = await cathode.post(
        f"/footprints/{own}/opening", {"lines": others, "verifier": "Auditor"}
    )
    attacker = Attacker()
    for text in (json.dumps(opened["opening"]), (await cathode.http.get("/audit/export")).text):
        attacker.hear(text)
    assert "energy-imported" in (await cathode.http.get("/audit/export")).text
    kept = records(cathode)
    secret = found[hidden]["values"][0][2]
    assert secret == "82.88"
    guesses = [f"82.{number}" for number in range(80, 100)]

    def contents(amount: str) -> Iterable[Any]:
        """What a careless node may have hashed."""
        measured = [
            measured_json(one)
            | ({"amount": amount} if measured_json(one)["amount"] == secret else {})
            for one in kept.measured
        ]
        yield from (one for one in measured if one["amount"] == amount)
        start, end, _ = found[hidden]["values"][0]
        leaf = {**found[hidden], "id": hidden, "values": [[start, end, amount]]}
        yield leaf
        yield {name: one for name, one in leaf.items() if name not in ("kind", "id")}
        yield digest_of(map(measured_of, measured), kept.orders, kept.mattered)
        yield amount

    def guessed() -> set[str]:
        return {
            one
            for one in guesses
            if any(
                attacker._is_heard(content) or str(content) in attacker.heard
                for content in contents(one)
            )
            or any(
                isinstance(content, str) and _decoded(content) in attacker.digests
                for content in contents(one)
            )
        }

    assert guessed() == set()
    # A digest over all of them, such as this one, would give it away.
    attacker.hear(json.dumps({"digest": kept.digest}))
    assert guessed() == {secret}


def _decoded(text: str) -> bytes:
    from underseal_protocol import base64url

    try:
        return base64url.decode(text)
    except ValueError:
        return b""


async def test_what_a_supplier_has_sent_is_a_leaf_of_its_own(
    supplied: Supplied,  # noqa: F811
) -> None:
    customer, _, footprint = supplied
    own = await published(customer, footprint)
    found = await leaves(customer, own)
    assert found[f"footprint:{footprint}"].keys() == {
        "kind",
        "peer",
        "productName",
        "pcfExcludingBiogenicUptake",
    }
    document = found[f"content:{footprint}"]["document"]
    assert document["id"] == footprint
    assert document["extensions"]
    opened = await customer.post(
        f"/footprints/{own}/opening", {"lines": [f"footprint:{footprint}"], "verifier": "A"}
    )
    attacker = Attacker()
    attacker.hear(json.dumps(opened["opening"]))
    without_status = {name: one for name, one in document.items() if name != "status"}
    assert not attacker._is_heard(document)
    assert not attacker._is_heard(without_status)
    assert digest(without_status) not in json.dumps(opened)


async def test_a_long_footprint_is_committed_to_in_pieces(
    supplied: Supplied,  # noqa: F811
    monkeypatch: Any,
) -> None:
    customer, _, footprint = supplied
    monkeypatch.setattr(books, "MAX_DOCUMENT_BYTES", 100)
    monkeypatch.setattr(books, "PIECE_CHARACTERS", 700)
    own = await published(customer, footprint)
    found = await leaves(customer, own)
    pieces = [one["text"] for name, one in found.items() if name.startswith("content:")]
    assert len(pieces) > 2
    assert json.loads("".join(pieces))["id"] == footprint


async def test_without_metered_energy_there_are_no_readings(market: Market) -> None:
    company = await market.open("cell")
    await load(company, product(GIVEN_POWER))
    found = await leaves(company, await publish(company, "cell"))
    assert {one["kind"] for one in found.values()} == {"product", "line", "factor"}
