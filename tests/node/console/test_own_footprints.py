"""Own footprints: the list, one of them, what partners see of it, its correction and its end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.hostile import ODD_VALUES, full_of, require_text
from tests.node.manage.conftest import Company, Market, Stage, make_document, stage  # noqa: F401 - a fixture

from underseal_node.console.property_names import BLOCKS
from underseal_protocol.disclosure import Level, split

Documents = Callable[..., dict[str, Any]]
CORE_FIGURE = "1.50"


async def corrected(company: Company, footprint_id: str, figure: str = "1.80") -> str:
    document = make_document(1)
    del document["id"]
    names = ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "fossilGhgEmissions")
    document["pcf"] |= dict.fromkeys(names, figure)
    found = await company.upload(f"/footprints/{footprint_id}/supersede", document, name="n.json")
    return str(found["published"])


def rows_of(shown: Shown) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shown.answer.content.decode("utf-8-sig"))))


async def test_an_empty_list_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get("/footprints")
    assert "Nothing has been published yet" in shown.text
    assert 'href="/console/import"' in shown.html


async def test_the_list_is_filtered_searched_and_exported(
    company: Company, browser: Browser
) -> None:
    ids = await company.publish(*(make_document(number) for number in (1, 2, 3)))
    await company.post(f"/footprints/{ids[2]}/deprecate")
    shown = await browser.get("/footprints", status="Active")
    assert "Product 1" in shown.text
    assert "Product 3" not in shown.text
    assert "1.50" in shown.text
    assert "1 kilogram" in shown.text
    assert f'href="/console/footprints/{ids[0]}"' in shown.html
    found = await browser.get("/footprints", q="product-id:2")
    assert "Product 2" in found.text
    assert "Product 1" not in found.text
    only = await browser.get("/footprints", product="urn:pact:cathode.example:product-id:3")
    assert "Product 3" in only.text
    assert "Product 2" not in only.text
    rows = rows_of(await browser.get("/footprints", **{"as": "csv", "sort": "productNameCompany"}))
    assert [row["Product"] for row in rows] == ["Product 1", "Product 2", "Product 3"]
    assert [row["Footprint id"] for row in rows] == ids
    assert rows[0]["kg CO₂e"] == "1.50"
    assert [row["Status"] for row in rows] == ["Active", "Active", "Deprecated"]


async def test_one_is_shown_with_all_that_it_states(company: Company, browser: Browser) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id.upper()}")
    assert shown.status == 200
    detail = await company.get(f"/footprints/{footprint_id}")
    for text in (
        "1.50 kg CO₂e per 1 kilogram",
        "primaryDataShare 50",
        "temporalDQR 3",
        "gate to gate",
        "told to few",
        "packagingEmissionsIncluded no",
        "urn:pact:productclassification:cas:554-13-2",
        "1 Jan 2025",
        detail["signature"]["kid"],
        detail["signature"]["digest"],
        "https://cathode.example",
        "no, it was imported",
    ):
        assert text in shown.text, text
    # No member is lost: each is named.
    for name in [*detail["footprint"], *detail["footprint"]["pcf"]]:
        assert name in ("pcf", "extensions", "dqi") or name in shown.html, name


async def test_it_is_downloaded_byte_for_byte(company: Company, browser: Browser) -> None:
    document = make_document(1, productNameCompany='a ,"footprint":{} b')
    (footprint_id,) = await company.publish(document)
    answer = (await browser.get(f"/footprints/{footprint_id}/raw")).answer
    assert answer.headers["content-type"] == "application/json"
    assert footprint_id in answer.headers["content-disposition"]
    served = await company.http.get(f"/footprints/{footprint_id}")
    assert served.content.endswith(b',"footprint":' + answer.content + b"}")
    assert answer.json()["id"] == footprint_id


@pytest.fixture
async def audience(market: Market) -> Company:
    """A company with a partner for each level, one without a grant, and one that is suspended."""
    owner = await market.open("cathode")
    for name in (*Level, "nobody", "later"):
        await market.befriend(owner, await market.open(name))
    for level in Level:
        grant = {"peer": level, "everything": True, "level": level}
        await owner.post("/grants", grant, 201)
    await owner.post("/peers/later/suspend", {"reason": "x"})
    return owner


async def test_side_by_side_is_what_each_partner_gets(
    audience: Company, new_browser: NewBrowser
) -> None:
    browser = new_browser(audience)
    await browser.enter(audience)
    (footprint_id,) = await audience.publish(make_document(1))
    html = (await browser.get(f"/footprints/{footprint_id}")).html
    table = html.partition('class="list seen"')[2].partition("</table>")[0]
    rows = {
        row.partition("/partners/")[2].partition('"')[0]: row for row in table.split("<tr>")[2:]
    }
    assert list(rows) == [*sorted(Level), "nobody"]
    assert "sees nothing of it" in rows["nobody"]
    for level in Level:
        answer = await audience.http.get(
            f"/footprints/{footprint_id}/seen", params={"as": str(level)}
        )
        parts = split(answer.json()).blocks
        cells = [cell.partition("</td>")[0] for cell in rows[level].split("<td ")[2:]]
        assert f'<span class="word {level}">' in rows[level]
        for (block, _label), cell in zip(BLOCKS.items(), cells, strict=False):
            is_shown = bool(parts[block])
            assert ("✓ shown" in cell) is is_shown, (level, block)
            if not is_shown:
                is_withheld = block not in level.blocks
                assert ("✕ withheld" in cell) is is_withheld, (level, block)
                assert ("nothing stated" in cell) is not is_withheld, (level, block)


async def test_a_view_is_the_very_bytes_that_the_partner_gets(
    audience: Company, new_browser: NewBrowser
) -> None:
    browser = new_browser(audience)
    await browser.enter(audience)
    (footprint_id,) = await audience.publish(make_document(1))
    for level in Level:
        query = {"as": str(level)}
        served = await audience.http.get(f"/footprints/{footprint_id}/seen", params=query)
        shown = await browser.get(f"/footprints/{footprint_id}/seen", **query)
        gets, _, rest = shown.text.partition("What the partner does not get")
        lacks, _, document = rest.partition("The document")
        for told, ours in (("told to few", "told to few"), ("temporalDQR", "Temporal")):
            is_served = told.encode() in served.content
            assert (told in gets + document) is is_served, (level, told)
            assert (ours in lacks) is not is_served, (level, told)
        assert bool(rest) is (level is not Level.FULL)
        raw = await browser.get(f"/footprints/{footprint_id}/seen", raw="1", **query)
        assert raw.answer.content == served.content
    assert (await browser.get(f"/footprints/{footprint_id}/seen", **{"as": "nobody"})).status == 404


async def test_what_a_level_shows_against_all_of_it(company: Company, browser: Browser) -> None:
    """Without a partner: what one would get, and what not."""
    (footprint_id,) = await company.publish(make_document(1))
    page = await browser.get(f"/footprints/{footprint_id}")
    assert f"/footprints/{footprint_id}/seen?level=quality" in page.html
    for level in Level:
        query = {"level": str(level)}
        served = await company.http.get(f"/footprints/{footprint_id}/seen", params=query)
        shown = await browser.get(f"/footprints/{footprint_id}/seen", **query)
        assert f"at the level {level}" in shown.text
        gets, _, rest = shown.text.partition("What the partner does not get")
        lacks, _, document = rest.partition("The document")
        assert ("told to few" in gets + document) is (b"told to few" in served.content)
        assert ("told to few" in lacks) is (b"told to few" not in served.content)
        raw = await browser.get(f"/footprints/{footprint_id}/seen", raw="1", **query)
        assert raw.answer.content == served.content
    for odd in ("zzz", "\0", "x" * 5_000):
        assert (await browser.get(f"/footprints/{footprint_id}/seen", level=odd)).status == 422


async def test_a_correction_is_followed_both_ways(company: Company, browser: Browser) -> None:
    (first,) = await company.publish(make_document(1))
    second = await corrected(company, first)
    third = await corrected(company, second, "1.20")
    shown = await browser.get(f"/footprints/{first}")
    assert "This footprint is deprecated" in shown.text
    chain = shown.html.partition('<ol class="chain">')[2].partition("</ol>")[0]
    assert chain.index("This one") < chain.index(second) < chain.index(third)
    warning = shown.html.partition('class="message warning"')[2].partition("</p>")[0]
    assert f"/console/footprints/{third}" in warning
    last = await browser.get(f"/footprints/{third}")
    assert "This footprint is deprecated" not in last.text
    assert f'href="/console/footprints/{first}"' in last.html


async def test_a_footprint_is_deprecated(company: Company, browser: Browser) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    shown = await browser.get(f"/footprints/{footprint_id}")
    form = shown.html.partition("/deprecate")[2].partition(">")[0]
    assert "data-confirm=" in form
    done = await browser.send(f"/footprints/{footprint_id}/deprecate")
    assert done.path == f"/footprints/{footprint_id}"
    assert "The footprint is deprecated. No partner has to be told." in done.text
    assert "cannot be changed any more" in done.text
    assert (await company.get(f"/footprints/{footprint_id}"))["status"] == "Deprecated"
    again = await browser.send(f"/footprints/{footprint_id}/deprecate")
    assert again.status == 409
    assert "deprecated already" in again.text


async def test_a_footprint_is_replaced_by_that_of_a_file(
    pair: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    _, company = pair
    browser = new_browser(company)
    await browser.enter(company)
    (footprint_id,) = await company.publish(make_document(1))
    await company.post("/grants", {"peer": "cell", "everything": True}, 201)
    await browser.get(f"/footprints/{footprint_id}")
    document = make_document(1)
    del document["id"]
    document["pcf"]["pcfExcludingBiogenicUptake"] = "1.53"
    files = {"file": ("new.json", json.dumps(document))}
    done = await browser.send(f"/footprints/{footprint_id}/supersede", files, digits="2")
    assert "These partners are told: cell." in done.text
    assert "1.5 kg CO₂e" in done.text  # rounded to two digits
    new = done.path.rpartition("/")[2]
    assert (await company.get(f"/footprints/{new}"))["precedingPfIds"] == [footprint_id]


async def test_a_file_that_cannot_replace_it_changes_nothing(
    company: Company, browser: Browser
) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    path = f"/footprints/{footprint_id}/supersede"
    await browser.get(f"/footprints/{footprint_id}")
    without_figure = make_document(1)
    del without_figure["id"], without_figure["pcf"]["pcfExcludingBiogenicUptake"]
    files = {"file": ("new.json", json.dumps(without_figure))}
    shown = await browser.send(path, files, digits="7")
    assert shown.status == 422
    assert "/pcf/pcfExcludingBiogenicUptake" in shown.text
    assert 'name="digits" type="number" value="7"' in shown.html
    shown = await browser.send(path, digits="5")
    assert shown.status == 422
    assert "Choose the file" in shown.text
    assert 'value="5"' in shown.html
    shown = await browser.send(path, files, digits="a lot")
    assert shown.status == 422
    assert 'value="a lot"' in shown.html
    (only,) = (await company.get("/footprints"))["data"]
    assert (only["id"], only["status"]) == (footprint_id, "Active")


async def test_attestations_are_shown(
    stage: Stage,  # noqa: F811
    new_browser: NewBrowser,
) -> None:
    draft = (await stage.draft(make_document(1)))["draft"]
    token = (await stage.attest(draft))["attestation"]
    done = await stage.publish(draft, token)
    browser = new_browser(stage.supplier)
    await browser.enter(stage.supplier)
    shown = await browser.get(f"/footprints/{done['id']}")
    for text in ("attested", "Auditor", "ISO 14067:2018", "limited", "未发现任何异常"):
        assert text in shown.text, text


async def test_hostile_texts_stay_texts(company: Company, browser: Browser) -> None:
    document = full_of(make_document(1))
    for name in ("verification", "productOrSectorSpecificRules"):
        document["pcf"].pop(name)
    (footprint_id,) = await company.publish(document)
    for path in ("", "/share?level=full"):
        require_text((await browser.get(f"/footprints/{footprint_id}{path}")).html)
    require_text((await browser.get("/footprints")).html)


async def test_odd_queries_are_no_fault(company: Company, browser: Browser) -> None:
    (footprint_id,) = await company.publish(make_document(1))
    one = f"/footprints/{footprint_id}"
    asked = [("/footprints", name) for name in ("page", "sort", "q", "status", "product", "as")]
    asked += [(f"{one}/seen", "as"), (f"{one}/share", "level"), (one, "q")]
    for path, name in asked:
        for value in ODD_VALUES:
            shown = await browser.get(path, **{name: value})
            assert shown.status in (200, 404, 422), (path, name, value)
            require_text(shown.html, shown=False)


async def test_an_unknown_one_is_not_found(browser: Browser) -> None:
    await browser.get("/footprints")
    for footprint_id in ("0" * 36, "x", "%00", "..%2f..%2fnode", "%F0%9F%92%A9"):
        for path in ("", "/share", "/raw", "/seen?as=nobody"):
            shown = await browser.get(f"/footprints/{footprint_id}{path}")
            assert shown.status == 404, (footprint_id, path)
        for action in ("deprecate", "supersede"):
            files = {"file": ("x.json", "{}")} if action == "supersede" else None
            shown = await browser.send(f"/footprints/{footprint_id}/{action}", files)
            assert shown.status == 404, (footprint_id, action)
