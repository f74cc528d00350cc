"""`underseal product`, `factor`, `match`, `status`: the buyer builds on what the seller makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Market, Run

from underseal_cli.manage_client import Manage

pytestmark = pytest.mark.xdist_group("cli")

Json = dict[str, Any]


@pytest.fixture
def home(market: Market) -> Path:
    return market.buyer.home


def factor(value: str = "0.25") -> Json:
    return {
        "id": "EL-CLI",
        "name": "Strom, Mix",
        "values": {"pcfExcludingBiogenicUptake": value},
        "unit": "kWh",
        "database": "Netz",
        "version": "2024",
        "year": 2024,
        "geography": "HU",
        "isVerified": False,
    }


def line(line_id: str, name: str, amount: str, unit: str, **more: Any) -> Json:
    quantity = {"amount": amount, "unit": unit}
    return {"kind": "energy", "id": line_id, "name": name, "quantity": quantity} | more


def product(product_id: str, *lines: Json) -> Json:
    return {
        "id": product_id,
        "name": f"电芯 {product_id}",
        "declaredUnit": {"amount": "1", "unit": "kg"},
        "lines": list(lines),
        "declaration": {
            "productName": f"电芯 {product_id}",
            "productIds": [f"urn:pact:buyer.example:product-id:{product_id}"],
            "description": "Cells",
            "periodStart": "2025-01-01T00:00:00Z",
            "periodEnd": "2026-01-01T00:00:00Z",
        },
    }


POWER = line("power", "Power", "2", "kWh")


def write(tmp_path: Path, *products: Json, factors: tuple[Json, ...] = ()) -> Path:
    file = tmp_path / "bills.json"
    file.write_text(json.dumps({"products": products, "factors": factors}), encoding="utf-8")
    return file


@pytest.fixture
def cell(run: Run, home: Path, tmp_path: Path) -> Iterator[str]:
    """A product of 2 kWh, with a line that resolves to 0.25 kgCO2e per kWh."""
    done = run(
        "product", "import", write(tmp_path, product("cell", POWER), factors=(factor(),)), home=home
    )
    assert done.status == 0, done.err
    decided = ("--product", "cell", "--line", "power", "--to", "factor:EL-CLI")
    assert run("match", *decided, home=home).status == 0
    yield "cell"
    for one in run("footprint", "list", "--status", "Active", "--json", home=home).json["data"]:
        run("footprint", "deprecate", one["id"], home=home)


def test_products_and_what_they_resolve_to(run: Run, home: Path, cell: str) -> None:
    listed = run("product", "list", home=home).out
    assert "电芯 cell" in listed
    shown = run("product", "show", cell, home=home).out
    for text in ("power", "2 kWh", "factor EL-CLI: Strom, Mix (Netz)", "bills.json"):
        assert text in shown, text
    factors = run("factor", "list", home=home).out
    for text in ("EL-CLI", "0.25", "per kWh", "Netz 2024", "HU", "not verified"):
        assert text in factors, text


def test_calculating_shows_where_it_comes_from(run: Run, home: Path, cell: str) -> None:
    done = run("product", "calculate", cell, "--explain", home=home)
    assert done.status == 0, done.err
    assert "cell: 0.5 kgCO2e / 1 kilogram" in done.out
    assert "100.0 %" in done.out
    assert "factor EL-CLI" in done.out
    assert "Nobody" not in done.err


def test_a_what_if_changes_nothing(run: Run, home: Path, cell: str, tmp_path: Path) -> None:
    file = tmp_path / "wind.json"
    change = {"amount": {"line": "power", "quantity": {"amount": "1", "unit": "kWh"}}}
    file.write_text(json.dumps({"changes": [change]}), encoding="utf-8")
    done = run("product", "calculate", cell, "--what-if", file, "--explain", home=home)
    assert done.status == 0, done.err
    assert "0.25 " in done.out
    assert "Nothing was changed." in done.out
    assert "0.5 kgCO2e" in run("product", "calculate", cell, home=home).out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "wrong.json: not JSON: "),
        ("[]", "a list of 1 to 1000 changes"),
        ('[{"swap": 1}]', "/changes/0/swap is 1, expected an object"),
    ],
)
def test_a_what_if_that_cannot_be_read(
    run: Run, home: Path, cell: str, tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(content, encoding="utf-8")
    done = run("product", "calculate", cell, "--what-if", file, home=home)
    assert (done.status, done.out) == (1, "")
    assert message in done.err


def test_publishing_and_keeping_it_true(run: Run, home: Path, cell: str, tmp_path: Path) -> None:
    dry = run("product", "publish", cell, "--dry-run", home=home)
    assert "would be published" in dry.out
    assert "Nothing was published." in dry.out
    first = run("product", "publish", cell, home=home)
    assert "0.5 kgCO2e / 1 kilogram  published" in first.out
    again = run("product", "publish", cell, home=home)
    assert "has been published just like this" in again.out
    assert "Nothing is stale." in run("product", "refresh", home=home).out
    run("factor", "import", write(tmp_path, factors=(factor("0.3"),)), home=home)
    status = run("status", home=home).out
    assert "the factor EL-CLI was corrected" in status
    assert "cell -> Power -> factor EL-CLI" in status
    assert "stale" in run("product", "list", home=home).out
    shown = run("product", "refresh", home=home)
    assert "changes by 20" in shown.out
    assert "Nothing was published; --yes publishes." in shown.out
    done = run("product", "refresh", cell, "--yes", home=home)
    assert " replaces " in done.out
    assert "stale" not in run("status", home=home).out
    history = run("product", "history", cell, home=home).out
    assert "Deprecated" in history
    assert "Active" in history


def test_what_is_small_goes_without_asking(run: Run, home: Path, cell: str, tmp_path: Path) -> None:
    run("product", "publish", cell, home=home)
    run("factor", "import", write(tmp_path, factors=(factor("0.3"),)), home=home)
    kept = run("product", "refresh", "--auto", "19.9", "--json", home=home).json["data"]
    assert [one.get("published") for one in kept] == [None]
    done = run("product", "refresh", "--auto", "20,1", "--json", home=home).json["data"]
    assert [one["outcome"] for one in done] == ["successor"]
    assert run("product", "refresh", "--auto", "0", home=home).status == 2
    run("factor", "import", write(tmp_path, factors=(factor(),)), home=home)


def test_what_does_not_fit_is_refused_as_a_whole(run: Run, home: Path, tmp_path: Path) -> None:
    good, bad = product("good", POWER), product("bad", line("x", "X", "1,5", "kWh"))
    done = run("product", "import", write(tmp_path, good, bad), home=home)
    assert done.status == 1
    assert "Nothing was taken: 1 problem." in done.err
    assert "1,5" in done.err
    listed = run("product", "list", "--json", home=home).json["data"]
    assert "good" not in {one["id"] for one in listed}


def test_what_is_named_and_not_there_yet_is_said(run: Run, home: Path, tmp_path: Path) -> None:
    later = product("early", line("part", "Part", "1", "kg", source={"product": "later"}))
    done = run("product", "import", write(tmp_path, later), home=home)
    assert done.status == 0
    assert "1 line is open, because what is named is not there yet:" in done.err
    assert "/products/0/lines/0/source: there is no product 'later' yet" in done.err
    shown = run("product", "show", "early", home=home)
    assert "OPEN: there is no product 'later'" in shown.out
    assert "there is no product 'later'" in run("match", "--product", "early", home=home).out
    there = product("later", POWER | {"source": {"leftOut": {"reason": "little"}}})
    assert run("product", "import", write(tmp_path, there), home=home).status == 0
    assert "OPEN" not in run("product", "show", "early", home=home).out


def test_energy_that_cannot_be_allocated_is_said_where_its_lines_are_missing(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = {"products": ["clip"], "message": "the mass is missing", "hint": "Give it."}
    answers = {
        "/matches": {"data": [], "energyFailures": [failure]},
        "/status": {
            "company": "c", "url": "u", "footprints": 0, "products": 1, "openLines": 0, "alerts": 0,
            "stale": [], "energyFailures": [failure],
        },
    }  # fmt: skip
    monkeypatch.setattr(Manage, "get", lambda _self, path, **_query: answers[path])
    for command in ("match", "status"):
        said = run(command, home=home).err
        assert "Lines of metered energy are missing in clip: the mass is missing" in said
        assert "Give it." in said


def test_open_lines_are_shown_with_what_they_may_be(
    run: Run, home: Path, market: Market, tmp_path: Path
) -> None:
    (held, *_) = run("received", "list", "--json", home=home).json["data"]
    powder: Json = {
        "kind": "material",
        "id": "powder",
        "name": "Powder of pouches",
        "quantity": {"amount": "1", "unit": "kg"},
        "productIds": held["productIds"],
    }
    run("product", "import", write(tmp_path, product("pouch", powder)), home=home)
    shown = run("match", "--product", "pouch", home=home).out
    assert f"footprint:{held['id']}" in shown
    assert "it has the product id of the line (certain)" in shown
    done = run("match", "--product", "pouch", "--accept", home=home)
    assert "1 line decided, 0 open." in done.out
    assert "Every line resolves" in run("match", "--product", "pouch", home=home).out
    undone = ("--product", "pouch", "--line", "powder", "--to", "none")
    assert "open" in run("match", *undone, home=home).out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--line", "x"),
        ("--line", "x", "--to", "factor:a"),
        ("--product", "cell", "--line", "x", "--to", "factor"),
        ("--product", "cell", "--line", "x", "--to", "fuel:x"),
    ],
)
def test_a_decision_that_makes_no_sense_is_a_usage_error(
    run: Run, home: Path, arguments: tuple[str, ...]
) -> None:
    assert run("match", *arguments, home=home).status == 2


POUCH_URN = "urn:pact:buyer.example:product-id:pouch"
ANSWERED = ("--acknowledge", "The only maker of powder", "--consent", "mail of 3 March 2026")


def pouch(footprint: str, amount: str) -> Json:
    powder: Json = {
        "kind": "material",
        "id": "powder",
        "name": "Powder of pouches",
        "quantity": {"amount": amount, "unit": "kg"},
        "source": {"footprint": footprint},
    }
    return product("pouch", powder)


def test_what_the_release_gate_stops_is_not_passed_over(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (held, *_) = run("received", "list", "--json", home=home).json["data"]
    run("product", "import", write(tmp_path, pouch(held["id"], "1")), home=home)
    first = run("product", "publish", "pouch", home=home)
    assert "release gate: nobody may see it yet; granting it will be stopped" in first.out
    assert first.out.count("Neither fewer blocks nor fewer digits") == 1
    # The supplier itself would learn nothing: it is another customer.
    run("peer", "add", "gate-customer", home=home)
    grant = ("grant", "add", "gate-customer", "--product-id", POUCH_URN)
    refused = run(*grant, home=home)
    assert refused.status == 1
    assert "cannot be protected" in refused.err
    granted = run(*grant, *ANSWERED, "--json", home=home).json
    assert "mail of 3 March 2026" in run("peer", "releases", "gate-customer", home=home).out
    run("product", "import", write(tmp_path, pouch(held["id"], "2")), home=home)
    stopped = run("product", "refresh", "pouch", "--yes", home=home)
    assert stopped.status == 1
    assert "cannot be protected" in stopped.err
    assert "1 footprint stays stale" in stopped.err
    assert run("product", "publish", "pouch", *ANSWERED[:2], home=home).status == 2
    done = run("product", "publish", "pouch", "--dry-run", home=home)
    assert "release gate: stop" in done.out
    done = run("product", "refresh", "pouch", "--yes", *ANSWERED, home=home)
    assert done.status == 0, done.err
    assert " replaces " in done.out
    assert "stale" not in run("status", home=home).out
    assert granted["data"][0]["level"] == "total"
    run("peer", "remove", "gate-customer", home=home)
    for one in run("footprint", "list", "--status", "Active", "--json", home=home).json["data"]:
        run("footprint", "deprecate", one["id"], home=home)


def test_a_wrong_answer_is_asked_again(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("product", "import", write(tmp_path, product("asked", POWER)), home=home)
    monkeypatch.setattr("underseal_cli.output.is_terminal", lambda _: True)
    monkeypatch.setattr("underseal_cli.tables.is_terminal", lambda _: True)
    answers = iter(["99", "fuel:x", "factor:NOPE", "factor:EL-CLI"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    done = run("match", "--product", "asked", home=home)
    assert done.status == 0, done.err
    for text in ("no number 99", "'fuel:x' is no source", "there is no factor 'NOPE'"):
        assert text in done.err, text
    assert "1 line decided, 0 open." in done.out


def test_digits_are_those_of_publishing(run: Run, home: Path, tmp_path: Path, cell: str) -> None:
    exact = line("power", "Power", "1.234567891", "kWh", source={"factor": "EL-CLI"})
    run("product", "import", write(tmp_path, product("exact", exact)), home=home)
    done = run("product", "calculate", "exact", "--explain", home=home)
    assert "exact: 0.308642 kgCO2e" in done.out
    assert done.out.count("0.308642 ") >= 3  # as in the figures, so in the contributions
    assert "primaryDataShare" in done.out
    assert "* against the sum of its components: not checkable" in done.out
    both = ("--what-if", write(tmp_path), "--significant-digits", "3")
    assert run("product", "calculate", cell, *both, home=home).status == 2


def test_an_empty_declaration_is_a_usage_error(run: Run, home: Path) -> None:
    assert run("peer", "declare", "seller", "--component", "", home=home).status == 2


def test_the_workbook_to_fill_in(run: Run, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "products.xlsx"
    assert run("product", "template", file, home=home).status == 0
    assert run("product", "template", file, home=home).status == 1  # it is there already
    assert run("product", "template", tmp_path / "products.csv", home=home).status == 2
    empty = run("product", "import", file, home=home)  # the examples are not taken
    assert empty.status == 1
    assert "there is no product in it" in empty.err


def test_a_workbook_that_was_exported_changes_nothing(
    run: Run, home: Path, cell: str, tmp_path: Path
) -> None:
    file = tmp_path / "export.xlsx"
    done = run("product", "export", file, "--product", cell, home=home)
    assert done.status == 0, done.err
    found = run("product", "import", file, "--dry-run", "--json", home=home).json
    assert [(one["id"], one["outcome"]) for one in found["products"]] == [("cell", "unchanged")]
    assert run("product", "export", tmp_path / "x.csv", home=home).status == 2
    gone = run("product", "export", tmp_path / "gone.xlsx", "--product", "gone", home=home)
    assert gone.status == 1
    assert "there is no product 'gone'" in gone.err
    assert not (tmp_path / "gone.xlsx").exists()


def test_what_a_peer_knows_is_declared_bit_by_bit(run: Run, home: Path, cell: str) -> None:
    (held, *_) = run("received", "list", "--json", home=home).json["data"]
    first = run("peer", "declare", "seller", "--group", "Holding", home=home)
    assert first.status == 0, first.err
    declared = ("peer", "declare", "seller", "--quantity", "factor-of-nobody")
    refused = run(*declared, home=home)
    assert refused.status == 1
    assert "factor-of-nobody is no received footprint" in refused.err
    run("peer", "declare", "seller", "--component", held["id"], home=home)
    shown = run("peer", "declare", "seller", "--json", home=home).json
    assert (shown["group"], shown["components"]) == ("Holding", [held["id"]])
    cleared = run("peer", "declare", "seller", "--clear", "--json", home=home).json
    assert (cleared.get("group"), cleared["components"]) == (None, [])
