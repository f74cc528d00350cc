"""The demo: from workbooks and meters to footprints, and a correction that goes down the chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from underseal_cli.calculations import short
from underseal_cli.demo_cast import CATHODE, CELL, PACK, REFINER, Cast, until
from underseal_cli.demo_data import Company, energy, factors
from underseal_cli.demo_story import Story

__all__ = ["calculate", "correct", "open_books"]

SUPPLIER = {CATHODE: REFINER, CELL: CATHODE, PACK: CELL}
# What others have calculated by hand from the same recipes.
EXPECTED = {REFINER: "14.28", CATHODE: "23.71", CELL: "67.1", PACK: "78.6"}
BLOCKS = ("quality", "verification", "emissions", "carbon", "method", "other")
# How many footprints a customer gets from its supplier, and what of them is not shown.
PULLED = {CATHODE: (1, BLOCKS[2:]), CELL: (4, BLOCKS), PACK: (4, BLOCKS[4:])}
CONSENT = (
    *("--acknowledge", "there is one supplier, and it agrees"),
    *("--consent", "contract 2025-17, section 9"),
)
# An electricity meter was missing: so many kWh per kilogram of lithium hydroxide, before and after.
METERED = (",3.5,kWh,", ",4.3,kWh,")

OPENED = "nickel-sulphate"  # the line that the auditor asks for


def calculate(cast: Cast, story: Story) -> None:
    """Each company in turn, because it needs the footprint of the one before."""
    cast.every(lambda company: prepare(cast, company))
    for company in cast.companies:
        node, product = cast.node(company.key), company.calculated
        if company.key in SUPPLIER:
            pull(cast, story, company.key)
            match(cast, story, company)
        refused = node.run("product", "publish", product, check=False)
        if company.key == CATHODE:
            explain_refusal(story, company.key, refused.returncode, refused.stderr)
        if refused.returncode != 0:
            node.run("product", "publish", product, *CONSENT)
        shown = node.look(f"/products/history?product={product}")["footprints"][0]
        consent = "" if refused.returncode == 0 else ", with the consent of its supplier"
        story.check(
            f"{company.key}: product publish {product}",
            f"{shown['pcf']} kgCO2e / {shown['unit']}{consent}",
            ok=shown["status"] == "Active" and rounds_to(shown["pcf"], EXPECTED[company.key]),
        )
    hotspots(cast, story)


def prepare(cast: Cast, company: Company) -> None:
    """Factors and bills of materials; the cathode maker has meters besides."""
    node = cast.node(company.key)
    node.run("factor", "import", str(factors()))
    node.run("product", "import", str(workbook(cast, company)))
    if company.key == CATHODE:
        meters, mapping = energy() / "meters.csv", energy() / "mapping.toml"
        node.run("energy", "import", str(meters), "--mapping", str(mapping))


def workbook(cast: Cast, company: Company, change: tuple[str, str] = ("", "")) -> Path:
    """The products of a company as the workbook that it fills in.

    Args:
        change: a text in its table, and what stands there instead.
    """
    from underseal_node.products.export import workbook_of
    from underseal_node.products.reading import read_products
    from underseal_node.settings import Settings

    table = company.bills.read_text(encoding="utf-8")
    table = table.replace(*change, 1) if change[0] else table
    read = read_products(company.bills.name, table.encode(), Settings())
    file = cast.bench.directory / f"{company.key}{'-corrected' if change[0] else ''}.xlsx"
    products = [one.document for one in read.products]
    file.write_bytes(workbook_of(products, settings=Settings()))
    return file


def pull(cast: Cast, story: Story, customer: str) -> None:
    supplier, (count, withheld) = SUPPLIER[customer], PULLED[customer]
    cast.node(customer).run("pull", supplier)
    held = cast.received(customer, supplier)
    verified = sum(item["verification"] == "verified" for item in held)
    story.check(
        f"{customer}: pull {supplier}",
        f"{verified} verified; not shown: {', '.join(withheld)}",
        ok=len(held) == verified == count
        and all(set(item["withheld"]) == set(withheld) for item in held),
    )


def match(cast: Cast, story: Story, company: Company) -> None:
    node, product = cast.node(company.key), company.calculated
    done = node.json("match", "--product", product, "--accept")["data"]
    left = node.look(f"/matches?product={product}&open=true")["data"]
    story.check(
        f"{company.key}: match --accept",
        "; ".join(f"{one['name']} is {one['label']}" for one in done) or "nothing",
        ok=len(done) == 1 and not left,
    )


def explain_refusal(story: Story, key: str, status: int, said: str) -> None:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    story.check(
        f"{key}: product publish, which a customer may see: the release gate refuses",
        lines[0].removeprefix("Error: ").partition(". ")[0] if lines else "nothing",
        ok=status == 1 and "cannot be protected" in said,
    )


def rounds_to(figure: str | None, expected: str) -> bool:
    """Whether a figure is the expected one, as far as that is given."""
    places = len(expected.partition(".")[2])
    return figure is not None and f"{float(figure):.{places}f}" == expected


def hotspots(cast: Cast, story: Story) -> None:
    product = cast.company(PACK).calculated
    found = cast.node(PACK).json("product", "calculate", product, "--explain")
    first, second = found["explanation"]["contributions"][:2]
    story.check(
        f"{PACK}: product calculate {product} --explain",
        f"first {first['name']} ({share(first)}), then {second['name']} ({share(second)})",
        ok=float(first["share"]["value"]) >= float(second["share"]["value"]) > 0,
    )


def share(contribution: dict[str, Any]) -> str:
    return f"{float(contribution['share']['value']):.0%}"


def correct(cast: Cast, story: Story) -> None:
    company = cast.company(REFINER)
    node = cast.node(REFINER)
    before = figures(cast)
    node.run("product", "import", str(workbook(cast, company, METERED)))
    refresh(cast, story, REFINER, "an electricity meter was missing")
    for customer, supplier in SUPPLIER.items():
        noticed(cast, story, customer, supplier)
        refresh(cast, story, customer, "what it bought has changed")
    after = figures(cast)
    story.check(
        "from the refiner to the pack",
        ", ".join(f"{key} {before[key]} -> {after[key]}" for key in after),
        ok=all(float(after[key]) > float(before[key]) for key in after),
    )


def figures(cast: Cast) -> dict[str, str]:
    """The PCF of each company's product now."""
    return {
        company.key: cast.node(company.key).look(f"/products/history?product={company.calculated}")[
            "footprints"
        ][0]["pcf"]
        for company in cast.companies
    }


def noticed(cast: Cast, story: Story, customer: str, supplier: str) -> None:
    """The customer was told, and has fetched the successor by itself."""

    def stale() -> dict[str, Any] | None:
        found: list[dict[str, Any]] = cast.node(customer).look("/status")["stale"]
        causes = [cause for one in found for cause in one["causes"]]
        return next((one for one in causes if one["cause"] == "superseded"), None)

    cause = until(stale) or {"message": "nothing", "path": []}
    story.check(
        f"{customer}: was told by {supplier}, and fetched it; status",
        f"stale: {' -> '.join(cause['path'])}",
        ok=len(cause["path"]) == 3,
    )


def refresh(cast: Cast, story: Story, key: str, why: str) -> None:
    product = cast.company(key).calculated
    done = cast.node(key).json("product", "refresh", product, "--yes", *CONSENT)["data"]
    figure = done[0]["figures"].get("pcfExcludingBiogenicUptake", {}) if done else {}
    values = [short(figure[one]["value"]) if one in figure else "?" for one in ("before", "after")]
    story.check(
        f"{key}: product refresh, {why}",
        f"{' -> '.join(values)}, published as a successor",
        ok=len(done) == 1 and done[0].get("published") is not None,
    )


def open_books(cast: Cast, story: Story) -> None:
    node, product = cast.node(CATHODE), cast.company(CATHODE).calculated
    footprint = node.look(f"/products/history?product={product}")["footprints"][0]["footprint"]
    lines = node.look(f"/footprints/{footprint}/lines")["data"]
    chosen = next(one["id"] for one in lines if "electricity" in one["id"])
    opened, shown = (cast.bench.directory / name for name in ("opening.json", "opened.json"))
    node.run(
        "audit", "open", footprint, "--lines", chosen, "--for", "Auditor", "--out", str(opened)
    )
    held = cast.node(CELL).run("received", "show", footprint, "--peer", CATHODE, "--json")
    shown.write_text(held.stdout, encoding="utf-8")
    done = cast.node(CELL).run(
        *("verify", str(shown), "--url", node.url, "--opening", str(opened)), check=False
    )
    said = [
        line.strip() for line in (done.stdout + done.stderr).splitlines() if "electricity" in line
    ]
    story.check(
        f"an auditor: underseal verify --opening, one line of {len(lines)} of {CATHODE}",
        said[0] if said else f"exit status {done.returncode}",
        ok=done.returncode == 0 and bool(said),
    )
