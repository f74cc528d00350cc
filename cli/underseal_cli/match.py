"""`underseal match`: what the lines of bills of materials are."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.errors import RefusedError, UsageError
from underseal_cli.manage_client import Manage
from underseal_cli.options import Json, manage_of
from underseal_cli.products import say_energy_failures

__all__ = ["match"]

KINDS = ("footprint", "factor", "product", "left-out")
NOTHING = "none"
STOP = "q"

Decision = dict[str, Any]


def match(
    context: typer.Context,
    product: Annotated[
        str | None, typer.Option("--product", metavar="ID", help="Lines of this product only.")
    ] = None,
    line: Annotated[
        str | None, typer.Option("--line", metavar="LINE", help="Decide this line; with --to.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="SOURCE",
            help="footprint:ID, factor:ID, product:ID, left-out:REASON, or none.",
        ),
    ] = None,
    peer: Annotated[
        str | None,
        typer.Option("--peer", metavar="NAME", help="Whose footprint, if several have sent one."),
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Confirm every proposal that is certain.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what open lines may be, with reasons; confirm or correct it.

    What you decide for a component of a supplier is proposed wherever it is used, and a newer
    footprint of the same product takes the place of an older one.
    """
    manage = manage_of(context)
    if (line is None) != (to is None) or (line is not None and product is None):
        raise UsageError("--line, --to and --product belong together")
    if line is not None and to is not None:
        decision = {"product": product, "line": line, "source": _source(to), "peer": peer}
        _show(_decide(manage, [decision]), as_json=as_json)
        return
    answer = manage.get("/matches", product=product, open="true")
    found = answer["data"]
    if accept:
        certain = [_decision(one, one["proposals"][0]) for one in found if _is_certain(one)]
        done = _decide(manage, certain) if certain else []
        if as_json:
            output.show({"data": done})
        else:
            _say_number(len(done), len(found) - len(done))
        return
    if as_json:
        output.show(answer)
        return
    say_energy_failures(answer["energyFailures"])
    if found and output.is_terminal(sys.stdin) and output.is_terminal(sys.stdout):
        _ask(manage, found)
    else:
        _print(found)


def _source(text: str) -> dict[str, Any] | None:
    if text == NOTHING:
        return None
    kind, _, value = text.partition(":")
    if kind not in KINDS or not value.strip():
        known = ", ".join(f"{one}:..." for one in KINDS)
        raise UsageError(f"{text!r} is no source: expected {known} or {NOTHING}")
    return {"leftOut": {"reason": value}} if kind == "left-out" else {kind: value}


def _is_certain(line: dict[str, Any]) -> bool:
    """The first proposal is certain, and it is the only one that is."""
    return [one["isCertain"] for one in line["proposals"]].count(True) == 1


def _decision(line: dict[str, Any], proposal: dict[str, Any]) -> Decision:
    return {"product": line["product"], "line": line["line"], "source": proposal["source"]}


def _decide(manage: Manage, decisions: list[Decision]) -> list[dict[str, Any]]:
    given = [
        {name: value for name, value in one.items() if value is not None or name == "source"}
        for one in decisions
    ]
    done: list[dict[str, Any]] = manage.post("/matches", {"decisions": given})["data"]
    return done


def _show(done: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        output.show({"data": done})
        return
    for one in done:
        output.say(f"{one['product']}/{one['line']}  {one['name']}: {one.get('label') or 'open'}")


def _say_number(done: int, left: int) -> None:
    noun = "line" if done == 1 else "lines"
    output.say(f"{done} {noun} decided, {left} open.")


def _print(found: list[dict[str, Any]]) -> None:
    rows = []
    for one in found:
        proposals = one["proposals"] or [None]
        for number, proposal in enumerate(proposals):
            rows.append(
                (
                    f"{one['product']}/{one['line']}" if not number else "",
                    one["name"] if not number else "",
                    one.get("supplier") if not number else "",
                    "nothing found" if proposal is None else [_name(proposal), proposal["text"]],
                    one.get("missing") if proposal is None else _reasons(proposal),
                )
            )
    tables.table(
        ("line", "name", "supplier", "may be", "because"),
        rows,
        narrow=((0, 1, 2), (3, 4)),
        empty="Every line resolves to something.",
    )
    if found:
        output.say(
            "`underseal match --accept` confirms what is certain; "
            "`--product ID --line LINE --to SOURCE` decides one."
        )


def _name(proposal: dict[str, Any]) -> str:
    """What it is; by what a command names it is said besides."""
    label, (value, *_) = str(proposal["label"]), proposal["source"].values()
    return label.removesuffix(f" ({value})")


def _reasons(proposal: dict[str, Any]) -> str:
    said = ", ".join(proposal["reasons"])
    return f"{said} (certain)" if proposal["isCertain"] else said


def _ask(manage: Manage, found: list[dict[str, Any]]) -> None:
    """Go through the open lines with the person at the terminal."""
    decided = 0
    for number, line in enumerate(found, 1):
        of = f" of {line['supplier']}" if line.get("supplier") else ""
        output.say(
            "", f"{number} of {len(found)}: {line['product']}/{line['line']} {line['name']}{of}"
        )
        for choice, proposal in enumerate(line["proposals"], 1):
            output.say(f"  {choice}  {proposal['label']}", f"     {_reasons(proposal)}")
        if line.get("missing"):
            output.say(f"  {line['missing']}")
        if not line["proposals"]:
            output.say("  nothing found")
        answer = _ask_until_decided(manage, line)
        if answer == STOP:
            break
        decided += bool(answer)
    _say_number(decided, len(found) - decided)


def _ask_until_decided(manage: Manage, line: dict[str, Any]) -> str:
    """The answer that was possible: empty if the line stays open."""
    while True:
        answer: str = typer.prompt(
            "Number, SOURCE (such as factor:ID), Enter to leave it open, or q to stop",
            default="",
            show_default=False,
        ).strip()
        if answer in ("", STOP, NOTHING):
            return "" if answer == NOTHING else answer
        try:
            source = _answered(line, answer)
            decision = {"product": line["product"], "line": line["line"], "source": source}
            _decide(manage, [decision])
        except (UsageError, RefusedError) as error:
            output.warn(*(f"  {text}" for text in error.lines()))
        else:
            return answer


def _answered(line: dict[str, Any], answer: str) -> dict[str, Any] | None:
    proposals = line["proposals"]
    if answer.isdecimal():
        if not 1 <= int(answer) <= len(proposals):
            raise UsageError(f"there is no number {answer} here")
        source: dict[str, Any] = proposals[int(answer) - 1]["source"]
        return source
    return _source(answer)
