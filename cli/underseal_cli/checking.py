"""Checking footprints in a file, without publishing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from underseal_cli import output
from underseal_cli.errors import CliError, problem_lines
from underseal_cli.options import manage_of, read_input
from underseal_protocol.credential import credential_of
from underseal_protocol.disclosure import Block
from underseal_protocol.errors import CredentialError, JsonError
from underseal_protocol.footprint import schema_violations
from underseal_protocol.methodology import Finding, check
from underseal_protocol.sd_jwt import Disclosure, split_compact
from underseal_protocol.strict_json import loads

__all__ = ["check_file", "documents_in", "print_findings"]

SPACE_AND_MARK = b" \t\r\n\xef\xbb\xbf"
SEVERITIES = ("error", "warning", "info")


def check_file(context: typer.Context, file: Path, *, as_json: bool) -> None:
    """Check every footprint in a file and print what is found; exit status 1 on schema errors.

    Raises:
        CliError: the file cannot be read.
    """
    content = read_input(file)
    is_json = content.lstrip(SPACE_AND_MARK)[:1] in (b"{", b"[")
    results = _checked_json(content, file) if is_json else _checked_sheet(context, content, file)
    has_errors = any(one["problems"] for one in results)
    if as_json:
        output.show({"data": results})
    else:
        for one in results:
            _print_result(one)
    if has_errors:
        raise typer.Exit(1)


def documents_in(content: bytes, file: Path) -> list[tuple[str, dict[str, Any]]]:
    """The footprints in JSON text, each with its place: one, a list, or a PACT response.

    Raises:
        CliError: it is not JSON, or there is none.
    """
    try:
        value = loads(content)
    except JsonError as error:
        raise CliError(f"{file}: {error.message}", hint=error.hint) from None
    base = ""
    if isinstance(value, dict) and "data" in value and "pcf" not in value:
        value, base = value["data"], "/data"
    if isinstance(value, dict) and isinstance(value.get("footprint"), dict):
        value, base = value["footprint"], f"{base}/footprint"  # `show --json`
    if isinstance(value, dict):
        return [(base, value)]
    found = value if isinstance(value, list) else []
    if not found or not all(isinstance(one, dict) for one in found):
        raise CliError(
            f"{file} holds no footprints",
            hint='Expected is a footprint, a list of them, or {"data": [...]}.',
        )
    return [(f"{base}/{index}", one) for index, one in enumerate(found)]


def print_findings(findings: Sequence[Mapping[str, Any]], *, indent: str = "") -> None:
    """Errors and warnings each in a line; what could be better as a number."""
    for one in findings:
        if one["severity"] != "info":
            output.say(f"{indent}{one['severity']}: {one['message']} ({one['section']})")
    better = sum(one["severity"] == "info" for one in findings)
    if better:
        output.say(f"{indent}info: {better} recommendations (`underseal footprint check FILE`)")


def _checked_json(content: bytes, file: Path) -> list[dict[str, Any]]:
    today = datetime.now(UTC).date()
    results = []
    for place, document in documents_in(content, file):
        problems = [
            {
                "file": str(file),
                "place": place + one.pointer,
                "message": str(one),
                **({"hint": one.hint} if one.hint else {}),
            }
            for one in schema_violations(document)
        ]
        findings: list[Finding] = []
        if not problems:
            findings = check(document, today=today, withheld=withheld_blocks(document))
        results.append(
            {
                "place": place,
                "id": str(document.get("id", "")),
                "problems": problems,
                "findings": [_finding(one) for one in findings],
            }
        )
    return results


def _checked_sheet(context: typer.Context, content: bytes, file: Path) -> list[dict[str, Any]]:
    result = manage_of(context).upload("/footprints/import", content, name=str(file), dryRun="true")
    if result["problems"]:
        return [{"place": "", "id": "", "problems": result["problems"], "findings": []}]
    return [
        {"place": "", "id": one["id"], "problems": [], "findings": one["findings"]}
        for one in result["footprints"]
    ]


def withheld_blocks(document: Mapping[str, Any]) -> list[Block]:
    """What a footprint that carries a credential does not show, by its own word: nothing is
    verified here."""
    try:
        compact = credential_of(document)
        if compact is None:
            return []
        shown = {Disclosure.parse(one).name for one in split_compact(compact)[1]}
    except CredentialError:
        return []
    return [block for block in Block if block.value not in shown]


def _finding(found: Finding) -> dict[str, Any]:
    members = {name: value for name, value in asdict(found).items() if value is not None}
    return members | {"severity": str(found.severity)}


def _print_result(result: Mapping[str, Any]) -> None:
    name = " ".join(filter(None, (result["id"], result["place"]))) or "the footprint"
    problems, findings = result["problems"], result["findings"]
    if problems:
        output.say(f"{name}: {len(problems)} errors", *problem_lines(problems))
        return
    if not findings:
        output.say(f"{name}: no errors, nothing found")
        return
    counts = [f"{sum(one['severity'] == each for one in findings)} {each}" for each in SEVERITIES]
    output.say(f"{name}: no errors; findings: {', '.join(counts)}")
    rows = [
        (
            one["severity"],
            "\n".join(filter(None, (one["message"], one.get("hint")))),
            one["pointer"],
            one["section"],
        )
        for one in findings
    ]
    output.table(("", "finding", "where", "section"), rows, empty="")
