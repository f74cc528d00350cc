"""Exports of meters and production, handed in at the console with their mapping."""

from __future__ import annotations

from pathlib import Path

from tests.node.console.conftest import Browser, Shown
from tests.node.console.files_to_import import CANARIES, digest_in
from tests.node.manage.conftest import Company

ENERGY = Path(__file__).parents[3] / "examples" / "battery" / "energy"
METERS = (ENERGY / "meters.csv").read_bytes()
MAPPING = (ENERGY / "mapping.toml").read_bytes()
ORDERS = (ENERGY / "orders.csv").read_bytes()


async def hand_in(browser: Browser, meters: bytes, *, mapping: bytes | None = MAPPING) -> Shown:
    files = [("export", ("meters.csv", meters)), ("others", ("orders.csv", ORDERS))]
    if mapping is not None:
        files.append(("mapping", ("mapping.toml", mapping)))
    await browser.get("/import")
    return await browser.send("/import/energy", files)


async def test_an_export_is_looked_at_then_imported(company: Company, browser: Browser) -> None:
    shown = await hand_in(browser, METERS)
    assert "The file is in order" in shown.text
    assert "new 49" in shown.text
    assert (await company.http.get("/energy")).status_code == 404
    done = await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert "What became of it" in done.text
    assert (await company.get("/energy"))["used"]["readings"] == 49


async def test_a_wrong_value_is_shown_at_its_cell(company: Company, browser: Browser) -> None:
    shown = await hand_in(browser, METERS.replace(b"1204310", b"12x4310", 1))
    assert "D3 Wskazanie '12x4310' is not a number" in shown.text
    assert "wrong: 12x4310" in shown.text
    assert (await company.http.get("/energy")).status_code == 404
    fixed = await browser.send(f"{shown.path}/energy", {"export": ("meters.csv", METERS)})
    assert fixed.path == shown.path
    assert "The file is in order" in fixed.text


async def test_problems_of_the_orders_are_shown_in_theirs(browser: Browser) -> None:
    await browser.get("/import")
    files = [
        ("export", ("meters.csv", METERS)),
        ("mapping", ("mapping.toml", MAPPING)),
        ("others", ("orders.csv", ORDERS.replace(b"317,0", b"lots", 1))),
    ]
    shown = await browser.send("/import/energy", files)
    assert "orders.csv Row" in shown.text
    assert "wrong: lots" in shown.text


async def test_corrections_are_shown_old_and_new(company: Company, browser: Browser) -> None:
    first = await hand_in(browser, METERS)
    await browser.send(f"{first.path}/confirm", digest=digest_in(first))
    shown = await hand_in(browser, METERS.replace(b"1204310", b"1204311", 1), mapping=None)
    assert "corrected 1" in shown.text
    assert "amount: 1204310" in shown.text
    assert "amount: 1204311" in shown.text
    await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    again = await hand_in(browser, METERS.replace(b"1204310", b"1204311", 1))
    assert "There is nothing to import" in again.text


async def test_without_a_mapping_it_is_asked_for(browser: Browser) -> None:
    shown = await hand_in(browser, METERS, mapping=None)
    assert shown.status == 422
    assert "Choose the mapping file as well" in shown.text
    await browser.get("/import")
    general = await browser.send("/import", {"file": ("meters.csv", METERS)}, kind="energy")
    assert "The mapping file is missing" in general.text
    files = [("mapping", ("mapping.toml", MAPPING)), ("others", ("orders.csv", ORDERS))]
    checked = await browser.send(f"{general.path}/energy", files)
    assert "The file is in order" in checked.text


async def test_a_mapping_that_is_wrong_says_where(browser: Browser) -> None:
    wrong = MAPPING.replace(b'scope = "line"', b'scope = "' + CANARIES[0].encode() + b'"')
    shown = await hand_in(browser, METERS, mapping=wrong)
    assert "rule.scope" in shown.text
    assert CANARIES[0] not in shown.html
    broken = await hand_in(browser, METERS, mapping=b"\xff\xfe[")
    assert "not UTF-8" in broken.text


async def test_too_many_files(browser: Browser) -> None:
    await browser.get("/import")
    files = [("export", ("meters.csv", METERS)), ("mapping", ("mapping.toml", MAPPING))]
    files += [("others", (f"{number}.csv", b"a;b")) for number in range(11)]
    shown = await browser.send("/import/energy", files)
    assert shown.status == 422
    assert "At most ten" in shown.text
