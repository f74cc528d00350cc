"""What lines name has to be there, or their lines are open."""

from __future__ import annotations

from typing import Any

import pytest
from tests.node.manage.conftest import Company
from tests.node.manage.test_products import GRID, Json, line, load, product

FOOTPRINT = "2f6c1b0e-5d1a-4a7f-9a3c-6d2f8e4b7c11"


def using(**source: str) -> Json:
    return product(line("part", "Part", source=source))


@pytest.mark.parametrize(
    ("named", "hint"),
    [
        ("NOPE", "Put it into the sheet Factors"),
        ("EL-HUU", "Did you mean EL-HU?"),
        ("cell", "There is a product of this id: write product:cell"),
    ],
)
async def test_a_factor_that_is_not_there_is_refused(
    company: Company, named: str, hint: str
) -> None:
    content = {"products": [using(factor=named)], "factors": [GRID]}
    for dry_run in ("true", "false"):
        done = await company.upload("/products/import", content, name="a.json", dryRun=dry_run)
        (problem,) = done["problems"]
        assert (problem["file"], problem["place"]) == ("a.json", "/products/0/lines/0/source")
        assert problem["message"] == f"there is no factor {named!r}"
        assert problem["hint"].startswith(hint)
    assert (await company.get("/products"))["data"] == []
    assert (await company.get("/factors"))["data"] == []


async def test_a_factor_that_was_imported_before_is_there(company: Company) -> None:
    await company.upload("/factors/import", [GRID | {"unit": "kg"}], name="f.json")
    content = [using(factor="EL-HU")]
    done = await company.upload("/products/import", content, name="a.json")
    assert (done["problems"], done["warnings"]) == ([], [])


SHEET = """kind;product;name;quantity;unit;source;density;distance;mode
product;P;p;1;kg;;;;
product;Q;q;1;l;;;;
material;P;water;1;l;factor:{factor};{density};;
energy;P;heat;5;kg;factor:{factor};;;
material;P;q;2;kg;product:Q;;;
transport;P;lorry;1;t;factor:{factor};;10;road
"""


async def test_what_cannot_be_converted_is_said_with_its_cell(company: Company) -> None:
    await company.upload("/factors/import", [GRID | {"unit": "kg"}], name="f.json")
    rows = SHEET.format(factor="EL-HU", density="").encode()
    done = await company.upload("/products/import", rows, name="a.csv")
    assert [(one["place"], one["message"], one["hint"]) for one in done["problems"]] == [
        (
            "row 4, column unit",
            "liter cannot be converted into kilogram: the density (kg per m3) is missing, for the "
            "factor 'EL-HU'",
            "Give the density (kg per m3). Or correct the unit or the source of the line.",
        ),
        (
            "row 6, column unit",
            "kilogram cannot be converted into liter: the density (kg per m3) is missing, for the "
            "product 'Q'",
            "Give the density (kg per m3). Or correct the unit or the source of the line.",
        ),
        (
            "row 7, column unit",
            "ton kilometer cannot be converted into kilogram: the one measures transport work, the "
            "other mass, for the factor 'EL-HU'",
            "Choose a source that is measured in the same way. Or correct the unit or the source "
            "of the line.",
        ),
    ]
    assert (await company.get("/products"))["data"] == []


async def test_a_property_of_the_line_or_of_the_factor_makes_it_convertible(
    company: Company,
) -> None:
    told = GRID | {"unit": "kg", "properties": {"densityKgPerM3": "998.2"}}
    rows = SHEET.format(factor="EL-HU", density="1000").replace("2;kg;product:Q", "2;l;product:Q")
    rows = rows.replace(rows.splitlines()[-1], "waste;P;waste water;1;m3;factor:EL-HU;;;")
    await company.upload("/factors/import", [told], name="f.json")
    done = await company.upload("/products/import", rows.encode(), name="a.csv")
    assert done["problems"] == []


async def test_what_it_is_declared_in_now_counts_and_not_before(company: Company) -> None:
    await load(company, product(line("part", "Part", "1", "kWh", source={"factor": "EL-HU"})))
    content = {
        "products": [product(line("part", "Part", "1", "kWh", source={"factor": "EL-HU"}))],
        "factors": [GRID | {"unit": "piece"}],
    }
    done = await company.upload("/products/import", content, name="a.json")
    (problem,) = done["problems"]
    assert problem["place"] == "/products/0/lines/0/quantity/unit"
    assert "cannot be converted into piece" in problem["message"]
    await load(company, product(line("part", "Part", "1", "piece", source={"product": "other"})))
    received = product(line("part", "Part", "1", "piece", source={"footprint": FOOTPRINT}))
    await load(company, received)


async def test_the_cell_of_a_sheet_is_named(company: Company) -> None:
    rows = b"kind,product,name,quantity,unit,source\nproduct,P,,,kg,\nwaste,P,w,1,kg,NOPE\n"
    done = await company.upload("/products/import", rows, name="a.csv")
    (problem,) = done["problems"]
    assert (problem["place"], problem["message"]) == (
        "row 3, column source",
        "there is no factor 'NOPE'",
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"product": "later"}, "there is no product 'later'"),
        ({"footprint": FOOTPRINT}, f"there is no received footprint {FOOTPRINT}"),
    ],
)
async def test_what_may_come_later_is_taken_and_open(
    company: Company, source: dict[str, str], said: str
) -> None:
    done = await company.upload("/products/import", [using(**source)], name="a.json")
    assert done["problems"] == []
    (warning,) = done["warnings"]
    assert warning["place"] == "/0/lines/0/source"
    assert warning["message"] == f"{said} yet: the line is open until there is"
    (shown,) = (await company.get("/products"))["data"]
    assert shown["openLines"] == 1
    assert (await company.get("/status"))["openLines"] == 1
    (opened,) = (await company.get("/matches", open="true"))["data"]
    assert opened["missing"] == said
    assert "source" not in opened
    (detail,) = (await company.get("/products/detail", product="cell"))["lines"]
    assert (detail["missing"], detail.get("label")) == (said, None)


async def test_it_is_no_longer_open_when_it_has_come(company: Company) -> None:
    await company.upload("/products/import", [using(product="later")], name="a.json")
    await load(company, product(product_id="later"))
    lines: list[Any] = (await company.get("/matches", product="cell"))["data"]
    assert [one.get("missing") for one in lines] == [None]
    listed = (await company.get("/products"))["data"]
    assert {one["id"]: one["openLines"] for one in listed} == {"cell": 0, "later": 1}


async def test_numbers_out_of_range_are_refused_with_their_place(company: Company) -> None:
    rows = b"kind,product,name,quantity,unit,loss\nproduct,P,,,kg,\nmaterial,P,w,-3,kg,120\n"
    done = await company.upload("/products/import", rows, name="a.csv", dryRun="true")
    assert [one["place"] for one in done["problems"]] == [
        "row 3, column quantity",
        "row 3, column loss",
    ]
    assert (await company.get("/products"))["data"] == []
