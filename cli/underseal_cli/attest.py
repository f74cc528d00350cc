"""`underseal attest`: what a verifier does, on the verifier's own node."""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output
from underseal_cli.errors import CliError, UsageError
from underseal_cli.files import read_input, write_whole
from underseal_cli.options import Json, manage_of
from underseal_protocol.assurance import AssuranceLevel

__all__ = ["attest"]

# What a statement in JSON or TOML may hold: options, and the statement itself.
OPTIONS = (
    "level",
    "coverage",
    "standard",
    "provider",
    "comments",
    "completedAt",
    "validUntil",
    "completeness",
)
STATEMENT = ("text", "url", "document")
REQUIRED = ("level", "coverage", "standard")


def attest(
    context: typer.Context,
    subject: Annotated[
        Path,
        typer.Argument(metavar="DRAFT", help="The draft, or a published footprint (JSON)."),
    ],
    statement: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="What you say: your report (any file, bound by its digest), or a .toml or .json "
            "file with these options and text, url or document.",
        ),
    ],
    level: Annotated[
        AssuranceLevel | None,
        typer.Option(metavar="|".join(AssuranceLevel), help="Of assurance.", case_sensitive=False),
    ] = None,
    coverage: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="product level, PCF program or PCF calculation model."),
    ] = None,
    standard: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Verified against, such as ISO 14067:2018.")
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the verifier; the company of the node by default."),
    ] = None,
    comments: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Published with the footprint.")
    ] = None,
    completed_at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When the verification was completed; now by default."),
    ] = None,
    valid_until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The end of the footprint's validity by default."),
    ] = None,
    opening: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Lines that the owner has opened for you: the root of all its lines is attested.",
        ),
    ] = None,
    completeness: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="With --opening: what you checked of the lines being complete."
        ),
    ] = None,
    sealed_sum: Annotated[
        bool,
        typer.Option(
            "--sealed-sum",
            help="With --opening: you have compared the quantities of its sealed sum with the "
            "lines; readers of that see the grade `attested`.",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; ID.attestation.jws by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Attest a footprint of another company, with the attestation key of this node.

    Options win over what a statement in TOML or JSON says.
    """
    given, said = _statement(statement)
    typed = {
        "level": level,
        "coverage": coverage,
        "standard": standard,
        "provider": provider,
        "comments": comments,
        "completedAt": completed_at,
        "validUntil": valid_until,
        "completeness": completeness,
    }
    options = given | {name: value for name, value in typed.items() if value is not None}
    missing = [name for name in REQUIRED if name not in options]
    if missing:
        raise UsageError(
            f"the attestation does not say: {', '.join(missing)}",
            hint=f"Give {', '.join(f'--{name}' for name in missing)}, or write it into a statement "
            "in TOML.",
        )
    body = {
        "document": _text_of(subject),
        "level": options["level"],
        "coverage": options["coverage"],
        "standardName": options["standard"],
        "providerName": options.get("provider"),
        "comments": options.get("comments"),
        "completedAt": _time("completedAt", options.get("completedAt", datetime.now(UTC))),
        "validUntil": _time("validUntil", options.get("validUntil")),
        "statement": said,
        "opening": None if opening is None else _text_of(opening),
        "completeness": options.get("completeness"),
        "namesSeal": sealed_sum or None,
    }
    made = manage_of(context).post(
        "/attestations", {name: value for name, value in body.items() if value is not None}
    )
    target = out or Path(f"{made['footprintId']}.attestation.jws")
    write_whole(target, [made["attestation"].encode() + b"\n"])
    if as_json:
        output.show(made)
        return
    output.say(
        f"{target}: {made['providerName']} attests the footprint {made['footprintId']} of "
        f"{made['owner']}",
        f"{made['level']} assurance, {made['coverage']}, {made['standardName']}, valid until "
        f"{made['validUntil']}",
        *([f"of the lines with the root {made['root']}"] if "root" in made else []),
        *([f"and of the sealed sum {made['sealedSum']}"] if "sealedSum" in made else []),
    )


def _statement(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The options that a statement holds, and the statement itself.

    Raises:
        CliError: it cannot be read.
    """
    if file.suffix.lower() not in (".toml", ".json"):
        return {}, _document(file)
    content = read_input(file)
    try:
        text = content.decode("utf-8-sig")
        value = tomllib.loads(text) if file.suffix.lower() == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CliError(f"{file} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise CliError(f"{file} is no table of names and values")
    unknown = sorted(value.keys() - {*OPTIONS, *STATEMENT})
    if unknown:
        raise CliError(
            f"{file}: {unknown[0]!r} is not known", hint=f"Known: {', '.join(OPTIONS + STATEMENT)}."
        )
    said = {name: str(value[name]) for name in ("text", "url") if name in value}
    if "document" in value:
        said |= _document(file.parent / str(value["document"]))
    if not said:
        raise CliError(f"{file} says nothing", hint="It needs text, url or document.")
    return {name: value[name] for name in OPTIONS if name in value}, said


def _document(file: Path) -> dict[str, str]:
    """A document that is bound by its digest; the file itself stays with the verifier."""
    content = read_input(file)
    if not content:
        raise CliError(f"{file} is empty", hint="A statement says something.")
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return {"sha256": digest, "fileName": file.name}


def _time(name: str, value: Any) -> str | None:
    """An instant as the node takes it; a date is its first moment in UTC.

    Raises:
        UsageError: it is none.
    """
    from underseal_protocol.errors import TimeError
    from underseal_protocol.times import format_time, parse_filter_time

    if value is None:
        return None
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return format_time(moment.replace(microsecond=0))
    try:
        text = value.isoformat() if isinstance(value, date) else str(value)
        return format_time(parse_filter_time(text))
    except TimeError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from None


def _text_of(file: Path) -> str:
    try:
        return read_input(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CliError(
            f"{file} is not text in UTF-8",
            hint="Expected is a draft, a footprint or what was opened, as JSON.",
        ) from None
