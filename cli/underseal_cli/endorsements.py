"""`underseal endorsement`: what customers ask us to endorse for their sealed sums."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.options import (
    DEFAULT_LIMIT,
    Json,
    Limit,
    limit_reached,
    manage_of,
    usage_error,
)
from underseal_cli.peer_view import instant

__all__ = ["app"]

app = typer.Typer(
    help="Endorsements: figures of ours that stand behind customers' sealed sums (experimental).",
    no_args_is_help=True,
)


class State(StrEnum):
    """Of a question."""

    OPEN = "open"
    ALLOWED = "allowed"
    ENDORSED = "endorsed"
    REFUSED = "refused"
    FAILED = "failed"


@app.command("list")
def list_questions(
    context: typer.Context,
    state: Annotated[
        State | None,
        typer.Option(metavar="|".join(State), help="Only in this state.", case_sensitive=False),
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: Json = False,
) -> None:
    """What customers have asked us to endorse, newest first; `open` waits for you."""
    found = manage_of(context).get("/endorsements", state=state, limit=limit)
    limit_reached(found["data"], limit)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["id"],
            one["peer"],
            one["footprintId"],
            one.get("productNameCompany"),
            one["property"],
            _state(one),
            instant(one["askedAt"]),
        )
        for one in found["data"]
    ]
    tables.table(
        ("id", "peer", "footprint", "product", "figure", "state", "asked"),
        rows,
        narrow=((0, 1), (2, 3), (4,), (5, 6)),
        empty="Nobody has asked for an endorsement.",
    )


@app.command()
def answer(
    context: typer.Context,
    question: Annotated[int, typer.Argument(metavar="ID", help="Of the question.", min=1)],
    allow: Annotated[
        bool, typer.Option("--allow", help="Endorse the figure. The answer never changes.")
    ] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="Do not.")] = False,
    named: Annotated[
        bool | None,
        typer.Option(
            "--named/--not-named",
            help="Whether readers of the customer's sealed sum may learn that it was us. Without "
            "it, the endorsement cannot be used in one. As the settings say by default.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer what waits for you."""
    if allow == refuse:
        raise usage_error(context, "give exactly one of --allow and --refuse")
    if refuse and named is not None:
        raise usage_error(context, "--named and --not-named go with --allow")
    body: dict[str, Any] = {"allow": allow} | ({} if named is None else {"named": named})
    done = manage_of(context).post(f"/endorsements/{question}/answer", body)
    if as_json:
        output.show(done)
        return
    output.say(f"{done['property']} of {done['footprintId']}, for {done['peer']}: {_state(done)}")
    if done["state"] == State.ENDORSED and not done["isNamed"] and "roster" not in done:
        output.warn(
            "Warning: you do not consent to be named, so it cannot be used in a sealed sum, which "
            "names its endorsers."
        )


def _state(question: dict[str, Any]) -> str:
    """With what goes with it."""
    state, reason = str(question["state"]), question.get("reason")
    if "roster" in question and state in (State.ENDORSED, State.OPEN):
        return f"{state}, as a member of {question['roster']}"
    if state == State.ENDORSED:
        return f"{state}, {'naming us' if question['isNamed'] else 'without naming us'}"
    return f"{state}: {reason}" if reason else state
