"""Options that several commands have, each defined once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output
from underseal_cli.errors import UsageError
from underseal_cli.manage_client import Manage
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import TimeError
from underseal_protocol.times import format_time, parse_filter_time

__all__ = [
    "DEFAULT_LIMIT",
    "Acknowledge",
    "Classifications",
    "Companies",
    "Consent",
    "Geographies",
    "Json",
    "LevelOption",
    "Limit",
    "Products",
    "StatusOption",
    "Statuses",
    "ValidAfter",
    "ValidBefore",
    "ValidOn",
    "acknowledgement",
    "criteria",
    "home_of",
    "limit_reached",
    "manage_of",
    "moment",
    "seconds_of",
    "usage_error",
]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)

DEFAULT_LIMIT = 1000
MAX_LIMIT = 100_000


class Status(StrEnum):
    """Of a footprint."""

    ACTIVE = "Active"
    DEPRECATED = "Deprecated"


StatusOption = Annotated[
    Status | None,
    typer.Option(
        "--status", metavar="|".join(Status), help="Only with this status.", case_sensitive=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LevelOption = Annotated[
    Level,
    typer.Option(
        "--level",
        metavar="|".join(Level),
        help="How much of a footprint is shown.",
        case_sensitive=False,
    ),
]
Limit = Annotated[
    int,
    typer.Option("--limit", metavar="N", min=1, max=MAX_LIMIT, help="How many are listed at most."),
]
Acknowledge = Annotated[
    str | None,
    typer.Option(
        "--acknowledge",
        metavar="REASON",
        help="Go on where the release gate advises against it: why. With --consent.",
    ),
]
Consent = Annotated[
    str | None,
    typer.Option(
        "--consent", metavar="REFERENCE", help="To the supplier's consent: a contract, a message."
    ),
]


def acknowledgement(acknowledge: str | None, consent: str | None) -> dict[str, str]:
    """The members of a body by which the operator answers for a release; empty: by nothing.

    Raises:
        UsageError: one of the two is missing.
    """
    if acknowledge is None and consent is None:
        return {}
    if acknowledge is None or consent is None:
        raise UsageError("--acknowledge and --consent belong together")
    return {"acknowledge": acknowledge, "consent": consent}


Products = Annotated[
    list[str] | None,
    typer.Option("--product-id", metavar="URN", help="Of the product. Repeatable."),
]
Companies = Annotated[
    list[str] | None,
    typer.Option("--company-id", metavar="URN", help="Of the company. Repeatable."),
]
Geographies = Annotated[
    list[str] | None,
    typer.Option(
        "--geography",
        metavar="CODE",
        help="Country, subdivision or region. Repeatable.",
    ),
]
Classifications = Annotated[
    list[str] | None,
    typer.Option("--classification", metavar="URN", help="Of the product. Repeatable."),
]
Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", metavar="STATUS", help="Active or Deprecated. Repeatable."),
]
ValidOn = Annotated[
    str | None, typer.Option("--valid-on", metavar="TIME", help="Valid at this moment.")
]
ValidAfter = Annotated[
    str | None,
    typer.Option("--valid-after", metavar="TIME", help="Validity starts after this moment."),
]
ValidBefore = Annotated[
    str | None,
    typer.Option("--valid-before", metavar="TIME", help="Validity ends before this moment."),
]


def home_of(context: typer.Context) -> Path:
    """The home that `--home` names."""
    home: Path = context.find_root().obj
    return home


def manage_of(context: typer.Context) -> Manage:
    """The management API of the node in that home."""
    return Manage(home_of(context))


def usage_error(context: typer.Context, message: str) -> UsageError:
    """An error of somebody who calls a command in a way that makes no sense."""
    return UsageError(message, hint=f"`{context.command_path} --help` lists the options.")


def seconds_of(context: typer.Context, text: str) -> int:
    """A duration such as `90s`, `15m`, `6h` or `7d` in seconds.

    Raises:
        UsageError: it is none.
    """
    found = DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise usage_error(context, f"{text!r} is no duration; write it as 90s, 15m, 6h or 7d")
    return int(found[1]) * UNITS[found[2]]


def moment(option: str, text: str | None) -> str | None:
    """A moment as the management API takes it.

    Args:
        option: where it was given.
        text: RFC 3339, or a date, which is its first moment in UTC.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    try:
        return format_time(parse_filter_time(text))
    except TimeError as error:
        raise UsageError(
            f"{option}: {error.message}",
            hint="Write a date, as 2026-12-31, or a moment, as 2026-12-31T12:00:00Z.",
        ) from None


def limit_reached(found: Sequence[Any], limit: int) -> None:
    """Say so when a list may be longer than what was asked for."""
    if len(found) >= limit:
        output.warn(f"These are the first {limit}; there may be more: --limit N lists up to N.")


def criteria(
    product_id: list[str] | None,
    company_id: list[str] | None,
    geography: list[str] | None,
    classification: list[str] | None,
    status: list[str] | None,
    valid_on: str | None,
    valid_after: str | None,
    valid_before: str | None,
) -> dict[str, Any]:
    """The filters as the management API takes them.

    To a peer, a value that no footprint can have is a filter like any other and matches nothing.
    Here it is a typing error, which would otherwise look like a supplier that has nothing.

    Raises:
        UsageError: a status is none, or an id no URN.
    """
    urns = (("product-id", product_id), ("company-id", company_id))
    for option, values in (*urns, ("classification", classification)):
        for value in values or ():
            if not value.lower().startswith("urn:"):
                raise UsageError(
                    f"--{option} {value!r} is not a URN", hint="Such as urn:gtin:4712345060507."
                )
    for value in status or ():
        if value.lower() not in {one.lower() for one in Status}:
            raise UsageError(f"--status {value!r} is neither Active nor Deprecated")
    given = {
        "productId": product_id,
        "companyId": company_id,
        "geography": geography,
        "classification": classification,
        "status": status,
        "validOn": valid_on,
        "validAfter": valid_after,
        "validBefore": valid_before,
    }
    return {name: value for name, value in given.items() if value}
