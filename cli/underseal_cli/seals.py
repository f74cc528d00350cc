"""`underseal product seal`: show that a total adds up, without what went in (experimental)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.errors import CliError
from underseal_cli.files import write_whole
from underseal_cli.options import Json, manage_of, usage_error
from underseal_cli.watching import Job, Look, bars, line_now_and_then, watched

__all__ = ["register", "shows_lines"]

STEPS = (25, 50, 75, 90)
NANO = Decimal(10) ** -9


class Property(StrEnum):
    """The figures that can be sealed."""

    EXCLUDING = "pcfExcludingBiogenicUptake"
    FOSSIL = "fossilGhgEmissions"


def register(app: typer.Typer) -> None:
    """Add the command to those of `product`."""
    app.command("seal")(seal)


def seal(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A draft or an own footprint; or a product: its newest draft, else its active "
            "footprint.",
        ),
    ],
    sealed: Annotated[
        Property,
        typer.Option("--property", metavar="|".join(Property), help="Which figure."),
    ] = Property.EXCLUDING,
    coverage: Annotated[
        int,
        typer.Option(
            metavar="|".join(map(str, STEPS)),
            help="Also show that endorsed inputs are at least so many percent of it.",
        ),
    ] = 0,
    name_factors: Annotated[
        bool,
        typer.Option(
            "--name-factors",
            help="Also show which emission factors went in, with their values; mind their licence.",
        ),
    ] = False,
    roster: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name no supplier: each endorses as a member of this roster, in which you are.",
        ),
    ] = None,
    now: Annotated[
        bool,
        typer.Option("--now", help="Do not wait for suppliers that have not answered yet."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it there, too, to be handed to somebody."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Seal the total of a footprint that the node has calculated (experimental).

    Suppliers are asked to endorse their figures first; what is not endorsed counts as own. A draft
    is best sealed before it is published: then its signature bears the seal.
    """
    if coverage and coverage not in STEPS:
        raise usage_error(context, f"--coverage {coverage} is none of {_listed(STEPS)}")
    manage = manage_of(context)
    order: dict[str, Any] = {
        "name": name,
        "property": sealed,
        "coverage": coverage,
        "nameFactors": name_factors,
    } | ({} if roster is None else {"roster": roster})
    ready = manage.post("/seals/prepare", order)
    if not as_json:
        _say_ready(ready)
    if not _may_go_on(ready, now=now):
        if as_json:
            output.show(ready)
        raise typer.Exit(1)
    if not _is_confirmed(ready, yes=yes):
        output.warn("Nothing was sealed.")
        raise typer.Exit(1)
    begun = manage.post("/seals", order | {"name": ready["footprintId"]})
    with _progress() as look:
        job = watched(manage, "/seals/jobs", begun, look)
    if out is not None and "seal" in job:
        text = json.dumps(job["seal"]["sealedSum"], indent=2) + "\n"
        write_whole(out, [text.encode()])
    if as_json:
        output.show(ready | {"job": job})
    elif "seal" in job:
        _say_sealed(ready, job["seal"])
    if job["state"] == "failed":
        output.warn(f"Error: {job['error']}")
        raise typer.Exit(1)


def shows_lines(shows: Mapping[str, Any]) -> list[str]:
    """What a reader of a sealed sum sees, one line each.

    Args:
        shows: as the management API answers.
    """
    inputs, factors = shows["inputs"], shows["factors"]
    balance = "with" if shows["hasMassBalance"] else "without"
    lines = [f"{shows['property']}, {balance} a mass balance"]
    lines.append(f"{len(inputs)} listed input{'' if len(inputs) == 1 else 's'}")
    lines += [f"  {_input(one)}" for one in inputs]
    if "roster" in shows:
        lines += _roster(shows["roster"])
    if shows["coveragePercent"]:
        lines.append(f"that these are at least {shows['coveragePercent']} % of the total")
    lines += [f"the factor {_factor(one)}" for one in factors]
    return lines


def _say_ready(ready: Mapping[str, Any]) -> None:
    """What suppliers say, and what would become visible."""
    what = "the draft" if ready["isDraft"] else "the footprint"
    output.say(f"{what} {ready['footprintId']} of product {ready['product']}")
    rows = [
        (one["peer"], one["productName"], _state(one), one.get("reason"))
        for one in ready["suppliers"]
    ]
    tables.table(
        ("supplier", "product", "endorsement", ""),
        rows,
        narrow=((0, 1), (2, 3)),
        empty="No received footprint goes into it.",
    )
    if "shows" in ready:
        output.say(
            "",
            "Whoever you grant the level `sealed` of it sees, besides the footprint:",
            *(f"  - {one}" for one in shows_lines(ready["shows"])),
            "Not the quantities, not the values of the suppliers, not your own emissions.",
        )


def _may_go_on(ready: Mapping[str, Any], *, now: bool) -> bool:
    """Whether it can be sealed like this; says why not."""
    refusal = ready.get("refusal")
    if refusal is not None:
        output.warn(f"Error: {refusal['message']}", *filter(None, [refusal.get("hint")]))
        return False
    if ready["waiting"] and not now:
        count = ready["waiting"]
        who = "1 supplier has" if count == 1 else f"{count} suppliers have"
        output.warn(
            f"Error: {who} not answered yet",
            "Run the command again later, or with --now: then their inputs count as own.",
        )
        return False
    return True


def _is_confirmed(ready: Mapping[str, Any], *, yes: bool) -> bool:
    """Whether the person at the terminal goes on.

    Raises:
        CliError: there is nobody to ask.
    """
    if yes:
        return True
    if not output.is_terminal(sys.stdin):
        raise CliError(
            "nobody can be asked whether this may become visible",
            hint="Look at what it would show, and run the command again with --yes.",
        )
    again = "" if ready["isDraft"] else " It is published, so this cannot be changed later."
    return typer.confirm(f"Seal it?{again}", default=False, err=True)


@contextmanager
def _progress() -> Iterator[Look]:
    """A bar where somebody looks at a terminal, else a line now and then."""
    with bars(is_counted=True) as shown:
        if shown is None:
            yield line_now_and_then(
                lambda job: [f"{job['step'] or 'waiting'}: {job['done']} of {job['total']}"]
            )
            return
        task = shown.add_task("waiting", total=None)

        def look(job: Job) -> None:
            shown.update(
                task,
                description=output.visible(job["step"] or "waiting"),
                completed=job["done"],
                total=job["total"] or None,
            )

        yield look


def _say_sealed(ready: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    output.say(f"Sealed: {made['digest']}")
    if ready["isDraft"]:
        output.say(f"Publish it: `underseal footprint publish {made['footprintId']}`.")
    grant = f"underseal grant add PEER --footprint {made['footprintId']} --level sealed"
    output.say(f"Then show it: `{grant}`.")


def _state(supplied: Mapping[str, Any]) -> str:
    if supplied["state"] == "endorsed" and not supplied["isListed"]:
        return "endorsed, without its name"
    return str(supplied["state"])


def _input(one: Mapping[str, Any]) -> str:
    unit = f"{one['declaredUnitAmount']} {one['declaredUnitOfMeasurement']}"
    start, end = (
        time.strftime("%Y-%m-%d", time.gmtime(one[f"referencePeriod{name}"]))
        for name in ("Start", "End")
    )
    mass = f"{(int(one['mass']) * NANO).normalize():f} kg" if one["mass"] != "0" else "no mass"
    method = ", ".join([*one["crossSectoralStandards"], *one["ipccCharacterizationFactors"]])
    return f"{one.get('supplier', 'not named')}: per {unit} ({mass}), {start} to {end}, {method}"


def _roster(one: Mapping[str, Any]) -> list[str]:
    count = one["members"]
    members = "1 member has" if count == 1 else f"{count} different members have"
    return [
        f"that {members} endorsed them, of the roster {one['name']} of {one['issuer']}",
        f"that you are a member of it, as {one['publisherEntity']}",
    ]


def _factor(one: Mapping[str, Any]) -> str:
    value = (int(one["nanoKgCo2ePerUnit"]) * NANO).normalize()
    return f"{one['name']}: {value:f} kg CO2e per {one['unit']}"


def _listed(steps: tuple[int, ...]) -> str:
    return ", ".join(map(str, steps[:-1])) + f" and {steps[-1]}"
