"""`underseal product calculate`, `publish`, `refresh`, and `underseal status`."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.checking import print_findings
from underseal_cli.errors import CliError, UsageError
from underseal_cli.footprints import Digits
from underseal_cli.manage_client import Manage
from underseal_cli.options import Acknowledge, Consent, Json, acknowledgement, manage_of
from underseal_cli.products import Id, cause_lines, read_json, say_energy_failures
from underseal_cli.verdicts import print_gate, print_line_findings

__all__ = ["register", "short", "status"]

PCF = "pcfExcludingBiogenicUptake"
PRIMARY = "primaryDataShare"
SHOWN = 20
DIGITS = 6
PERCENT_DIGITS = 4
BAR_CELLS = 20
PERCENT = Decimal(100)


def register(app: typer.Typer) -> None:
    """Add these commands to those of `product`."""
    for command in (calculate, publish, refresh):
        app.command()(command)


def calculate(
    context: typer.Context,
    product_id: Id,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each line contributes, hotspots first.")
    ] = False,
    what_if: Annotated[
        Path | None,
        typer.Option(
            "--what-if", metavar="FILE", help="JSON: what to exchange; nothing is changed."
        ),
    ] = None,
    significant_digits: Digits = None,
    as_json: Json = False,
) -> None:
    """Calculate a product as it is now; nothing is changed."""
    manage = manage_of(context)
    if what_if is not None and significant_digits is not None:
        raise UsageError("--what-if compares exactly: it takes no --significant-digits")
    if what_if is not None:
        found = manage.post("/products/what-if", read_json(what_if), product=product_id)
        if as_json:
            output.show(found)
        else:
            _print_what_if(found, explain=explain)
        return
    found = manage.post(
        "/products/calculate", product=product_id, significantDigits=significant_digits
    )
    if as_json:
        output.show(found)
        return
    _print_figures(found)
    if explain:
        output.say("")
        _print_contributions(found["explanation"])
    print_line_findings(found["findings"])
    print_findings(found["methodology"])


def publish(
    context: typer.Context,
    product_id: Id,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be published.")
    ] = False,
    significant_digits: Digits = None,
    acknowledge: Acknowledge = None,
    consent: Consent = None,
    as_json: Json = False,
) -> None:
    """Calculate a product and publish its footprint, in place of the one of the same period."""
    said = acknowledgement(acknowledge, consent)
    found = manage_of(context).post(
        "/products/publish",
        said,
        product=product_id,
        dryRun="true" if dry_run else None,
        significantDigits=significant_digits,
    )
    if as_json:
        output.show(found)
        return
    said = {
        "new": "would be published" if dry_run else "published",
        "successor": f"{'would replace' if dry_run else 'replaces'} {found.get('deprecated')}",
        "unchanged": "has been published just like this",
    }
    output.say(
        f"{found['footprint']}  {found['pcf']} kgCO2e / {found['unit']}  {said[found['outcome']]}"
    )
    print_line_findings(found["findings"])
    print_findings(found["methodology"])
    print_gate(found.get("gate"), is_acknowledged=acknowledge is not None and not dry_run)
    if found["notified"]:
        output.say(f"Told: {', '.join(found['notified'])}.")
    if dry_run:
        output.say("Nothing was published.")


def refresh(
    context: typer.Context,
    product_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of one product; else all.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Publish without asking.")] = False,
    auto: Annotated[
        str | None,
        typer.Option(
            "--auto",
            metavar="PERCENT",
            help="Publish without asking where the PCF changes by less than this.",
        ),
    ] = None,
    acknowledge: Acknowledge = None,
    consent: Consent = None,
    as_json: Json = False,
) -> None:
    """Calculate what is stale anew, show old and new, and publish the successors."""
    answered = acknowledgement(acknowledge, consent)
    manage = manage_of(context)
    below = None if auto is None else str(_percent(auto))
    found = _refresh(manage, product_id, below=below)
    open_ones = [one for one in found if one.get("digest") and not one.get("published")]
    open_ones = [one for one in open_ones if one["outcome"] != "unchanged"]
    if not as_json:
        _print_refreshed(found)
    if open_ones and (yes or (not as_json and _agrees(len(open_ones)))):
        digests = [one["digest"] for one in open_ones]
        done = _refresh(manage, product_id, confirmed=digests, **answered)
        tried = {one["stale"]["footprint"] for one in open_ones}
        kept = [one for one in found if one not in open_ones]
        done = [one for one in done if one["stale"]["footprint"] in tried]
        found = [*kept, *done]
        if not as_json:
            for one in done:
                _print_tried(one)
    if as_json:
        output.show({"data": found})
    problems = [one for one in found if one.get("problem")]
    if problems:
        number = len(problems)
        raise CliError(
            "1 footprint stays stale" if number == 1 else f"{number} footprints stay stale",
            hint="`underseal product publish ID` publishes one; where the release gate stops it, "
            "with --acknowledge and --consent.",
        )


def _refresh(manage: Manage, product_id: str | None, **more: Any) -> list[dict[str, Any]]:
    body = {"product": product_id, "belowPercent": more.get("below")}
    body |= {"confirmed": more.get("confirmed", [])}
    body |= {name: more.get(name) for name in ("acknowledge", "consent")}
    given = {name: value for name, value in body.items() if value is not None}
    found: list[dict[str, Any]] = manage.post("/products/refresh", given)["data"]
    return found


def _percent(text: str) -> Decimal:
    try:
        value = Decimal(text.removesuffix("%").replace(",", "."))
    except ArithmeticError:
        value = Decimal()
    if not 0 < value <= PERCENT:
        raise UsageError(f"--auto {text}: expected a percentage above 0, up to 100")
    return value


def _agrees(number: int) -> bool:
    """Whether the person at the terminal wants them published."""
    if not (output.is_terminal(sys.stdin) and output.is_terminal(sys.stdout)):
        output.say("Nothing was published; --yes publishes.")
        return False
    noun = "this successor" if number == 1 else f"these {number} successors"
    return typer.confirm(f"Publish {noun}?", default=False)


def status(context: typer.Context, as_json: Json = False) -> None:
    """How the node stands: what is stale and why, what is open."""
    found = manage_of(context).get("/status")
    if as_json:
        output.show(found)
        return
    tables.details(
        [
            ("company", found["company"]),
            ("node", found["url"]),
            ("footprints", found["footprints"]),
            ("products", found["products"]),
            ("open lines", found["openLines"] or None),
            ("alerts", found["alerts"] or None),
            ("stale", len(found["stale"]) or None),
        ]
    )
    for one in found["stale"]:
        what = "draft" if one["isDraft"] else "footprint"
        output.say("", f"{one['product']}: the {what} {one['footprint']} is stale")
        output.say(*cause_lines(one))
    say_energy_failures(found["energyFailures"])
    if found["openLines"]:
        output.say("", "`underseal match` shows what open lines may be.")
    if any(not one["isDraft"] for one in found["stale"]):
        output.say("", "`underseal product refresh` shows what they would be now.")
    if any(one["isDraft"] for one in found["stale"]):
        output.say("", "`underseal product draft ID` makes a draft anew.")


# --- for people -----------------------------------------------------------------------------------


def _print_figures(found: dict[str, Any]) -> None:
    pcf = found["document"]["pcf"]
    unit = f"{pcf['declaredUnitAmount']} {pcf['declaredUnitOfMeasurement']}"
    output.say(f"{found['product']}: {pcf[PCF]} kgCO2e / {unit}")
    rows = [
        (name, pcf[name], "" if found["identities"].get(name, "holds") == "holds" else "*")
        for name in found["figures"]
        if name in pcf and isinstance(pcf[name], str)
    ]
    rows += [(PRIMARY, f"{pcf[PRIMARY]} %", "")] if PRIMARY in pcf else []
    rows += [(name, value, "") for name, value in pcf.get("dqi", {}).items()]
    tables.table(("figure", "value", ""), rows, empty="")
    unsure = {found["identities"][name] for name, _, mark in rows if mark}
    if unsure:
        output.say(f"* against the sum of its components: {', '.join(sorted(unsure))}")


def _print_contributions(explanation: dict[str, Any]) -> None:
    rows = []
    for one in explanation["contributions"][:SHOWN]:
        share = Decimal(one["share"]["value"])
        rows.append(
            (
                one["name"],
                one["line"],
                _source(one["source"]),
                short(one["amount"]["value"]),
                f"{share * PERCENT:.1f} %",
                "█" * round(share * BAR_CELLS),
            )
        )
    tables.table(
        ("contribution", "line", "source", "kgCO2e", "share", ""),
        rows,
        narrow=((0, 1), (2,), (3, 4), (5,)),
        empty="Nothing contributes.",
    )
    rest = len(explanation["contributions"]) - SHOWN + explanation["furtherContributions"]
    if rest > 0:
        output.say(f"... and {rest} more; --json lists them.")


def _source(source: dict[str, Any] | None) -> str:
    if source is None:
        return "own emissions"
    if "footprint" in source:
        return f"footprint of {source['company']}"
    return f"factor {source['factor']}" if "factor" in source else f"product {source['product']}"


def short(text: str, digits: int = DIGITS) -> str:
    """As many digits as a footprint is published with."""
    value = Decimal(text)
    if not value:
        return "0"
    shown = format(value.quantize(Decimal(1).scaleb(value.adjusted() - digits + 1)), "f")
    return shown.rstrip("0").removesuffix(".") if "." in shown else shown


def _print_what_if(found: dict[str, Any], *, explain: bool) -> None:
    _print_differences(found["figures"])
    if explain:
        output.say("")
        rows = [
            (line, _of(one, "before"), _of(one, "after"), _of(one, "change"))
            for line, one in list(found["lines"].items())[:SHOWN]
        ]
        tables.table(("line", "before", "after", "change"), rows, empty="No line changes.")
    output.say("Nothing was changed.")


def _print_differences(figures: dict[str, Any]) -> None:
    rows = [
        (name, _of(one, "before"), _of(one, "after"), _of(one, "change"))
        for name, one in figures.items()
        if one.get("change") is None or one["change"]["value"] != "0"
    ]
    tables.table(("figure", "before", "after", "change"), rows, empty="No figure changes.")


def _of(difference: dict[str, Any], name: str) -> str:
    value = difference.get(name)
    return "" if value is None else short(value["value"])


def _print_refreshed(found: list[dict[str, Any]]) -> None:
    if not found:
        output.say("Nothing is stale.")
    for one in found:
        stale = one["stale"]
        output.say(f"{stale['product']}: {stale['footprint']}", *cause_lines(stale))
        if one.get("problem"):
            output.warn(f"  {one['problem']}")
            continue
        if one["outcome"] == "unchanged":
            output.say("  The figures stay the same.")
        else:
            _print_differences(one["figures"])
            percent = one.get("changePercent")
            if percent is not None:
                output.say(f"  The PCF changes by {short(percent, PERCENT_DIGITS)} %.")
        if one.get("published") and one["outcome"] != "unchanged":
            _print_successor(one)
        output.say("")


def _print_tried(one: dict[str, Any]) -> None:
    """What came of publishing what was shown before."""
    if one.get("published"):
        _print_successor(one)
    elif one.get("problem"):
        output.warn(f"  {one['stale']['product']}: {one['problem']}")


def _print_successor(one: dict[str, Any]) -> None:
    told = f"; told: {', '.join(one['notified'])}" if one["notified"] else ""
    output.say(f"  {one['published']} replaces {one['stale']['footprint']}{told}")
