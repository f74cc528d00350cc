"""`underseal request`: asking peers, and answering them."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.errors import CliError
from underseal_cli.options import (
    DEFAULT_LIMIT,
    Classifications,
    Companies,
    Geographies,
    Json,
    LevelOption,
    Limit,
    Products,
    Statuses,
    ValidAfter,
    ValidBefore,
    ValidOn,
    criteria,
    limit_reached,
    manage_of,
)
from underseal_protocol.disclosure import Level

__all__ = ["app"]

app = typer.Typer(help="Requests: asking peers, and answering them.", no_args_is_help=True)


class RequestState(StrEnum):
    """Of a request."""

    PENDING = "pending"
    FULFILLED = "fulfilled"
    REJECTED = "rejected"
    FAILED = "failed"


Id = Annotated[int, typer.Argument(metavar="ID", help="Of the request.")]


@app.command()
def send(
    context: typer.Context,
    peer: Annotated[str, typer.Argument(metavar="PEER", help="Whom.")],
    product_id: Products = None,
    company_id: Companies = None,
    geography: Geographies = None,
    classification: Classifications = None,
    status: Statuses = None,
    valid_on: ValidOn = None,
    valid_after: ValidAfter = None,
    valid_before: ValidBefore = None,
    comment: Annotated[
        str | None, typer.Option(metavar="TEXT", help="For the person on the other side.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a peer for footprints; the answer comes later."""
    wanted = criteria(
        product_id,
        company_id,
        geography,
        classification,
        status,
        valid_on,
        valid_after,
        valid_before,
    )
    body = {"peer": peer, "criteria": wanted}
    if comment is not None:
        body["comment"] = comment
    sent = manage_of(context).post("/requests", body)
    if as_json:
        output.show(sent)
    else:
        output.say(
            f"Request {sent['id']} to {peer} is on its way; "
            f"`underseal request show {sent['id']}` tells the answer."
        )


@app.command("list")
def list_requests(
    context: typer.Context,
    incoming: Annotated[bool, typer.Option("--incoming", help="Peers ask us.")] = False,
    outgoing: Annotated[bool, typer.Option("--outgoing", help="We ask peers.")] = False,
    state: Annotated[
        RequestState | None,
        typer.Option(
            metavar="|".join(RequestState), help="Only in this state.", case_sensitive=False
        ),
    ] = None,
    peer: Annotated[
        str | None, typer.Option(metavar="PEER", help="Only from or to this one.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    as_json: Json = False,
) -> None:
    """Requests, newest first."""
    direction = None
    if incoming != outgoing:
        direction = "incoming" if incoming else "outgoing"
    found = manage_of(context).get(
        "/requests", direction=direction, state=state, peer=peer, limit=limit
    )
    limit_reached(found["data"], limit)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            str(one["id"]),
            one["direction"],
            one["peer"],
            one["createdAt"][:19],
            one["state"],
            _asked(one),
            _outcome(one),
        )
        for one in found["data"]
    ]
    tables.table(
        ("id", "", "peer", "time", "state", "asked for", "outcome"),
        rows,
        empty="There are no requests.",
        narrow=((0, 1), (2, 3), (4,), (5, 6)),
    )


@app.command()
def show(context: typer.Context, request_id: Id, as_json: Json = False) -> None:
    """One request."""
    found = manage_of(context).get(f"/requests/{request_id}")
    _print(found, as_json=as_json)


@app.command()
def fulfil(
    context: typer.Context,
    request_id: Id,
    footprint: Annotated[
        list[str] | None,
        typer.Option(
            "--footprint",
            metavar="ID",
            help="What to deliver, which also grants it. Repeatable. Without: what is granted and "
            "matches.",
        ),
    ] = None,
    level: LevelOption = Level.TOTAL,
    as_json: Json = False,
) -> None:
    """Answer a request with footprints."""
    answered = manage_of(context).post(
        f"/requests/{request_id}/fulfil", {"footprintIds": footprint or [], "level": level}
    )
    _print(answered, as_json=as_json)


@app.command()
def reject(
    context: typer.Context,
    request_id: Id,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Is sent to the peer.")],
    as_json: Json = False,
) -> None:
    """Answer a request with no."""
    if not reason.strip():
        raise CliError("the reason is empty", hint="Say why, in words for the peer.")
    answered = manage_of(context).post(f"/requests/{request_id}/reject", {"reason": reason})
    _print(answered, as_json=as_json)


def _print(request: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.show(request)
        return
    tables.details(
        [
            ("id", str(request["id"])),
            ("direction", request["direction"]),
            ("peer", request["peer"]),
            ("state", request["state"]),
            ("asked for", _asked(request)),
            ("comment", request.get("comment")),
            ("asked", request["createdAt"]),
            ("answered", request.get("answeredAt")),
            ("delivered", request["footprintIds"]),
            ("outcome", _outcome(request)),
        ]
    )


def _asked(request: dict[str, Any]) -> str:
    parts = []
    for name, value in request["criteria"].items():
        values = value if isinstance(value, list) else [value]
        parts.append(f"{name} {', '.join(map(_text, values))}")
    return "; ".join(parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _outcome(request: dict[str, Any]) -> str:
    error = request.get("error")
    if error:
        return ": ".join(filter(None, (error["code"], error["message"])))
    delivered = len(request["footprintIds"])
    if not delivered:
        return str(request.get("note") or "")
    return "1 footprint" if delivered == 1 else f"{delivered} footprints"
