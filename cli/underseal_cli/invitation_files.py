"""Inviting many companies at once: one row in, one file out; what was done stays done."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from underseal_cli import output
from underseal_cli.errors import CliError, RefusedError
from underseal_cli.files import write_whole
from underseal_cli.invitation_table import Row, name_key, read_table
from underseal_cli.manage_client import Manage

__all__ = ["invite_many"]

NOT_FOR_FILES = re.compile(r"[^\w.()-]+")
MAX_FILE_NAME_BYTES = 150
MAX_INVITATION_BYTES = 1024 * 1024
MAX_SHOWN = 20


class Inviter:
    """Invites the companies of a table.

    Args:
        manage: of the node that invites.
        directory: for the files.
        terms: as the management API takes them, for rows that say nothing else.
        known: the peers of the node, by `name_key`.
        now: aware.
    """

    def __init__(
        self,
        manage: Manage,
        directory: Path,
        terms: Mapping[str, Any],
        known: Mapping[str, Mapping[str, Any]],
        now: datetime,
    ) -> None:
        self._manage = manage
        self._directory = directory
        self._terms = terms
        self._known = known
        self._now = now
        self._files: set[str] = set()

    def invite(self, row: Row) -> dict[str, Any]:
        """Invite one company; what came of it.

        Raises:
            CliError: the node or the disk is gone; the next row would not fare better.
        """
        start = {"row": row.number, "name": row.name}
        if row.problem is not None:
            return start | {"result": "failed", "message": row.problem}
        file = self._directory / f"{_file_name(row.name)}.json"
        if str(file).casefold() in self._files:
            return start | {"result": "failed", "message": f"another row has the file {file.name}"}
        self._files.add(str(file).casefold())
        peer = self._known.get(name_key(row.name))
        if peer is not None and peer["state"] != "invited":
            return start | {"result": "known", "message": f"it is {peer['state']} already"}
        if file.exists():
            invitation_id = _invitation_in(file)
            if invitation_id is None:
                message = f"{file} exists, and is no invitation"
                return start | {"result": "failed", "message": message}
            if peer is not None and self._is_good(peer, invitation_id):
                return start | {"result": "kept", "file": str(file)}
        try:
            invitation = self._manage.post("/invitations", self._body(row))
        except RefusedError as error:
            message = f"{error.message}. {error.hint}" if error.hint else error.message
            return start | {"result": "failed", "message": message}
        write_whole(file, [_content(invitation)])
        return start | {"result": "invited", "file": str(file)}

    def _is_good(self, peer: Mapping[str, Any], invitation_id: str) -> bool:
        """Whether it is the invitation that counts, and has not expired."""
        expires_at = datetime.fromisoformat(peer["invitationExpiresAt"])
        return bool(peer.get("invitationId") == invitation_id and expires_at > self._now)

    def _body(self, row: Row) -> dict[str, Any]:
        body = {**self._terms, "name": row.name}
        if row.for_whom:
            body["forWhom"] = row.for_whom
        if row.product_ids:
            body["productIds"] = row.product_ids
        if row.level:
            body["level"] = row.level
        return {key: value for key, value in body.items() if value is not None}


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
    read = read_table(table)
    if read.unused:
        output.warn(f"Columns that are not used: {', '.join(read.unused)}")
    _make(directory)
    known = {name_key(one["name"]): one for one in manage.get("/peers")["data"]}
    inviter = Inviter(manage, directory, terms, known, datetime.now(UTC))
    done: list[dict[str, Any]] = []
    try:
        with _progress(len(read.rows)) as step:
            for row in read.rows:
                done.append(inviter.invite(row))
                step()
    except CliError as error:
        _report(done, table, directory, as_json=as_json)
        left = len(read.rows) - len(done)
        hint = f"{left} companies are left. {error.hint or ''} Then run the command again: "
        raise CliError(error.message, hint=f"{hint}what has its file is kept.") from None
    except KeyboardInterrupt:
        _report(done, table, directory, as_json=as_json)
        left = len(read.rows) - len(done)
        output.warn(f"Interrupted; {left} companies are left. Run the command again to go on.")
        raise
    _report(done, table, directory, as_json=as_json)
    failed = sum(one["result"] == "failed" for one in done)
    if failed:
        raise CliError(
            f"{failed} of {len(done)} companies could not be invited",
            hint="Mend these rows and run the command again; the others keep their files.",
        )


def _report(done: list[dict[str, Any]], table: Path, directory: Path, *, as_json: bool) -> None:
    """What was done; on standard error what was not, but no more than anybody reads."""
    if as_json:
        output.show({"data": done})
    else:
        counts = {
            "invited": "invited",
            "kept": "had their file already",
            "known": "are partners or in the course of it",
            "failed": "failed",
        }
        found = {state: sum(one["result"] == state for one in done) for state in counts}
        shown = [f"{found[state]} {text}" for state, text in counts.items() if found[state]]
        output.say(f"{', '.join(shown) or 'Nobody was invited'}. The files are in {directory}.")
        if found["invited"]:
            output.say("Each counts once: send it on a way that only the company reads.")
    failed = [one for one in done if one["result"] == "failed"]
    for one in failed[:MAX_SHOWN]:
        name = f" ({one['name']})" if one["name"] else ""
        output.warn(f"{table}, row {one['row']}{name}: {one['message']}")
    if len(failed) > MAX_SHOWN:
        output.warn(f"... and {len(failed) - MAX_SHOWN} more; --json lists them all.")


def _invitation_in(file: Path) -> str | None:
    """The id of the invitation that a file holds; None if it holds none."""
    from underseal_protocol.errors import InvitationError, JsonError
    from underseal_protocol.invitation import parse_link
    from underseal_protocol.strict_json import loads

    try:
        if file.stat().st_size > MAX_INVITATION_BYTES:
            return None
        document = loads(file.read_bytes())
        address, _ = parse_link(document["link"])
    except (OSError, JsonError, InvitationError, KeyError, TypeError, AttributeError):
        return None
    return address.rpartition("/")[2]


def _content(invitation: Mapping[str, Any]) -> bytes:
    return json.dumps(invitation["document"], ensure_ascii=False, indent=2).encode() + b"\n"


def _file_name(name: str) -> str:
    """Names that differ are different files: what is replaced is told apart by a number."""
    plain = NOT_FOR_FILES.sub("_", name).strip("._")
    if plain == name and len(plain.encode()) <= MAX_FILE_NAME_BYTES:
        return plain
    short = plain.encode()[:MAX_FILE_NAME_BYTES].decode("utf-8", "ignore")
    return f"{short or 'company'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


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
