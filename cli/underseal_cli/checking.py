"""Checking footprints in a file, without publishing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from underseal_cli import output, tables
from underseal_cli.errors import CliError, problem_lines
from underseal_cli.files import read_input
from underseal_cli.options import manage_of

if TYPE_CHECKING:
    from underseal_protocol.disclosure import Block

__all__ = ["check_file", "documents_in", "is_json", "print_findings"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SEVERITIES = ("error", "warning", "info")
# What an import knows better than the file (`publishing.prepare`).
FILLED_IN = frozenset({"/id", "/specVersion", "/created", "/status", "/companyName", "/companyIds"})


def check_file(context: typer.Context, file: Path, *, as_json: bool) -> None:
    """Check every footprint in a file and print what is found; exit status 1 on schema errors.

    Raises:
        CliError: the file cannot be read.
    """
    content = read_input(file)
    if is_json(content, file):
        results = _checked_json(content, file)
    else:
        results = _checked_sheet(context, content, file)
    if as_json:
        output.show({"data": results})
    else:
        for one in results:
            _print_result(one)
    if any(one["problems"] for one in results):
        raise typer.Exit(1)


def is_json(content: bytes, file: Path) -> bool:
    """Whether a file is meant to be JSON, by its content or its name."""
    start = content[:64].removeprefix(BYTE_ORDER_MARK).lstrip()
    return start.startswith((b"{", b"[")) or file.suffix.lower() == ".json"


def documents_in(content: bytes, file: Path) -> list[tuple[str, dict[str, Any]]]:
    """The footprints in JSON text, each with its place: one, a list, a PACT response, or what
    `show --json` prints.

    Raises:
        CliError: it is not JSON, or there is none.
    """
    from underseal_protocol.errors import JsonError
    from underseal_protocol.strict_json import loads

    try:
        value = loads(content, exact_numbers=True)
    except JsonError as error:
        raise CliError(f"{file}: {error.message}", hint=error.hint) from None
    base = ""
    if isinstance(value, dict) and "data" in value and "pcf" not in value:
        value, base = value["data"], "/data"
    if isinstance(value, dict):
        return [_unwrapped(base, value)]
    found = value if isinstance(value, list) else []
    if not found or not all(isinstance(one, dict) for one in found):
        raise CliError(
            f"{file} holds no footprints",
            hint='Expected is a footprint, a list of them, or {"data": [...]}.',
        )
    return [_unwrapped(f"{base}/{index}", one) for index, one in enumerate(found)]


def print_findings(findings: Sequence[Mapping[str, Any]], *, indent: str = "") -> None:
    """Errors and warnings each in a line; what could be better as a number."""
    for one in findings:
        if one["severity"] != "info":
            output.say(f"{indent}{one['severity']}: {one['message']} ({one['section']})")
    better = sum(one["severity"] == "info" for one in findings)
    if better:
        noun = "recommendation" if better == 1 else "recommendations"
        output.say(f"{indent}info: {better} {noun}; `underseal footprint check` lists them")


def _unwrapped(place: str, value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    inner = value.get("footprint")
    return (f"{place}/footprint", inner) if isinstance(inner, dict) else (place, value)


def _checked_json(content: bytes, file: Path) -> list[dict[str, Any]]:
    today = datetime.now(UTC).date()
    return [
        _checked(document, place, file, today) for place, document in documents_in(content, file)
    ]


def _checked(document: Mapping[str, Any], place: str, file: Path, today: date) -> dict[str, Any]:
    from underseal_protocol.footprint import schema_violations
    from underseal_protocol.methodology import check
    from underseal_protocol.text_limits import excesses

    problems = []
    for one in schema_violations(document) + excesses(document):
        problem = {
            "file": str(file),
            "place": place + one.pointer,
            "message": f"expected {one.expected}"
            if one.value is None
            else str(replace(one, pointer="it")),
        }
        hint = one.hint
        if one.value is None and one.pointer in FILLED_IN:
            hint = "`underseal footprint import` fills it in."
        problems.append(problem | ({"hint": hint} if hint else {}))
    findings = []
    if not problems:
        findings = [
            {name: value for name, value in asdict(found).items() if value is not None}
            for found in check(document, today=today, withheld=_withheld(document))
        ]
    footprint_id = document.get("id")
    return {
        "place": place,
        "id": footprint_id if isinstance(footprint_id, str) else "",
        "problems": problems,
        "findings": findings,
    }


def _checked_sheet(context: typer.Context, content: bytes, file: Path) -> list[dict[str, Any]]:
    """The node knows how to read sheets: an import that publishes nothing."""
    name = output.visible(str(file))
    result = manage_of(context).upload("/footprints/import", content, name=name, dryRun="true")
    if result["problems"]:
        return [{"place": "", "id": "", "problems": result["problems"], "findings": []}]
    return [
        {"place": "", "id": one["id"], "problems": [], "findings": one["findings"]}
        for one in result["footprints"]
    ]


def _withheld(document: Mapping[str, Any]) -> list[Block]:
    """What a footprint that carries a credential does not show, by its own word: nothing is
    verified here."""
    from underseal_protocol.credential import credential_of
    from underseal_protocol.disclosure import Block
    from underseal_protocol.errors import CredentialError
    from underseal_protocol.sd_jwt import Disclosure, split_compact

    try:
        compact = credential_of(document)
        if compact is None:
            return []
        shown = {Disclosure.parse(one).name for one in split_compact(compact)[1]}
    except CredentialError:
        return []
    return [block for block in Block if block.value not in shown]


def _print_result(result: Mapping[str, Any]) -> None:
    name = " ".join(filter(None, (result["id"], result["place"]))) or "the footprint"
    problems, findings = result["problems"], result["findings"]
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        output.say(f"{name}: {len(problems)} {noun}", *problem_lines(problems))
        return
    if not findings:
        output.say(f"{name}: no errors, nothing found")
        return
    counts = {each: sum(one["severity"] == each for one in findings) for each in SEVERITIES}
    summary = ", ".join(f"{count} {each}" for each, count in counts.items() if count)
    output.say(f"{name}: no schema errors; findings: {summary}")
    rows = [
        (
            one["severity"],
            [one["message"], *filter(None, [one.get("hint")])],
            one["pointer"],
            one["section"],
        )
        for one in findings
    ]
    tables.table(("state", "finding", "where", "section"), rows, empty="")
