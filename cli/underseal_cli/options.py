"""Options that several commands have, each defined once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli.manage_client import Manage

__all__ = [
    "Classifications",
    "Companies",
    "Geographies",
    "Json",
    "LevelOption",
    "Products",
    "Statuses",
    "ValidAfter",
    "ValidBefore",
    "ValidOn",
    "criteria",
    "home_of",
    "manage_of",
    "read_input",
]

LEVELS = ("total", "quality", "breakdown", "full")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LevelOption = Annotated[
    str, typer.Option("--level", metavar="LEVEL", help=f"How much is shown: {', '.join(LEVELS)}.")
]
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
    """The filters as the management API takes them."""
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


def read_input(file: Path) -> bytes:
    """The content of a file that the person at the terminal named; `-` is standard input.

    Raises:
        CliError: it cannot be read.
    """
    import sys

    from underseal_cli.errors import CliError

    try:
        if str(file) == "-":
            return sys.stdin.buffer.read()
        return file.read_bytes()
    except IsADirectoryError:
        raise CliError(
            f"{file} is a directory", hint=f"Name the files in it, such as {file}/*.json."
        ) from None
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}") from None
