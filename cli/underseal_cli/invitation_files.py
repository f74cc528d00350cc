"""Inviting many companies at once: one row in, one file out; what was done stays done."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from underseal_cli import output
from underseal_cli.errors import CliError, RefusedError
from underseal_cli.files import read_input, write_whole
from underseal_cli.manage_client import Manage

__all__ = ["invite_many"]

MAX_ROWS = 100_000
DELIMITERS = ",;\t"
# What a heading may be called, folded, without anything but letters.
COLUMNS = {
    "name": "name",
    "supplier": "name",
    "company": "name",
    "for": "for",
    "url": "for",
    "lei": "for",
    "productids": "products",
    "productid": "products",
    "products": "products",
    "level": "level",
}
NOT_FOR_FILES = re.compile(r"[^\w.()-]+")
MAX_FILE_NAME = 100


def invite_many(
    manage: Manage, table: Path, directory: Path, terms: Mapping[str, Any], *, as_json: bool
) -> None:
    """Invite every company of a table, and write each invitation into a file of its own.

    A company that has its file already is left as it is, so the command can be run again.

    Args:
        manage: of the node that invites.
        table: CSV with a heading.
        directory: for the files; it is made if it is not there.
        terms: as the management API takes them, for those that the table says nothing else of.
        as_json: print what was done as one JSON document.

    Raises:
        CliError: the table or the directory cannot be used, or some rows failed.
    """
    rows = read_rows(table)
    _make(directory)
    done: list[dict[str, Any]] = []
    with _progress(len(rows)) as step:
        for number, row in rows:
            done.append(_one(manage, directory, terms, number, row))
            step()
    counts = {state: sum(one["result"] == state for one in done) for state in RESULTS}
    if as_json:
        output.show({"data": done})
    else:
        output.say(
            f"{counts['invited']} invited, {counts['kept']} had their file already, "
            f"{counts['failed']} failed. The files are in {directory}."
        )
        output.say("Each counts once: send it on a way that only the company reads.")
    failed = [one for one in done if one["result"] == "failed"]
    for one in failed:
        output.warn(f"{table}, row {one['row']} ({one['name']}): {one['message']}")
    if failed:
        raise CliError(
            f"{len(failed)} of {len(done)} companies could not be invited",
            hint="Mend these rows and run the command again; the others keep their files.",
        )


RESULTS = ("invited", "kept", "failed")


def read_rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of a table, with their numbers as a spreadsheet shows them.

    Raises:
        CliError: it is no table with a column for the names.
    """
    text = _text(read_input(table))
    sample = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=sample.count)
    found: list[tuple[int, dict[str, str]]] = []
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = [_column(heading) for heading in next(lines, [])]
        for cells in lines:
            row = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
            if any(row.values()):
                found.append((lines.line_num, row))
            if len(found) > MAX_ROWS:
                raise CliError(f"{table} has more than {MAX_ROWS} rows")
    except csv.Error as error:
        raise CliError(f"{table} is no table: {error}") from None
    if "name" not in names:
        raise CliError(
            f"{table} has no column `name`",
            hint="The first line holds the headings: name, and if you like for, product ids, "
            "level.",
        )
    if not found:
        raise CliError(f"{table} has no rows below its headings")
    return found


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding).replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _column(heading: str) -> str | None:
    letters = "".join(one for one in heading.casefold() if one.isalpha())
    return COLUMNS.get(letters)


def _one(
    manage: Manage, directory: Path, terms: Mapping[str, Any], number: int, row: Mapping[str, str]
) -> dict[str, Any]:
    """Invite one company; what came of it."""
    name = row.get("name", "")
    start = {"row": number, "name": name}
    file = directory / f"{_file_name(name)}.json"
    if name and file.exists():
        return start | {"result": "kept", "file": str(file)}
    body = {**terms, "name": name}
    if row.get("for"):
        body["forWhom"] = row["for"]
    if row.get("products"):
        body["productIds"] = row["products"].split()
    if row.get("level"):
        body["level"] = row["level"].lower()
    try:
        if not name:
            raise CliError("the name is missing")
        invitation = manage.post(
            "/invitations", {key: value for key, value in body.items() if value is not None}
        )
        write_whole(file, [_content(invitation)])
    except RefusedError as error:
        return start | {"result": "failed", "message": error.message}
    except CliError as error:
        if name:
            raise  # the node or the disk is gone; the next row would not fare better
        return start | {"result": "failed", "message": error.message}
    return start | {"result": "invited", "file": str(file)}


def _content(invitation: Mapping[str, Any]) -> bytes:
    return json.dumps(invitation["document"], ensure_ascii=False, indent=2).encode() + b"\n"


def _file_name(name: str) -> str:
    """Names that differ are different files: what is replaced is told apart by a number."""
    plain = NOT_FOR_FILES.sub("_", name).strip("._")[:MAX_FILE_NAME]
    if plain == name:
        return plain
    return f"{plain or 'company'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CliError(f"{directory} cannot be used: {error.strerror}") from None
    if not directory.is_dir():
        raise CliError(f"{directory} is no directory")


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar where somebody looks at a terminal."""
    if not output.is_terminal(sys.stderr):
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    terminal = output.console(sys.stderr)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal, transient=True) as bars:
        task = bars.add_task("", total=total)
        yield lambda: bars.advance(task)
