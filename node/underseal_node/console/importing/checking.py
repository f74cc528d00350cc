"""The work with a file: the node checks it, and takes up the very bytes that it has checked."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from underseal_node.console.api import Api
from underseal_node.console.forms import File
from underseal_node.console.importing.files import Checked, Held, Sent
from underseal_node.console.importing.kinds import ENERGY, FOOTPRINTS, KINDS
from underseal_node.console.importing.mapping import FileMapping, Mapped, mapped
from underseal_node.console.importing.outcomes import MAX_ITEMS, Outcome, outcome_of
from underseal_node.console.importing.places import Flawed, Source, flawed_of
from underseal_node.console.importing.reading import tables_of
from underseal_node.console.jobs import Job
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.errors import RefusedError
from underseal_node.sheets.tables import Table

__all__ = ["begin_check", "begin_import"]


CHECK, IMPORT = _("Check"), _("Import")
MAPPING_STEP = _("The columns are put together.")
CHECKING_STEP = _("The node checks every row. It changes nothing.")
IMPORTING_STEP = _("The node takes up the file, all of it or nothing.")
PLACING_STEP = _("What was found is put to its rows.")


def begin_check(visit: Visit, held: Held) -> Job:
    """Let the node say what would become of a file, as a job.

    Args:
        visit: of the operator.
        held: the file; its kind is known.

    Raises:
        Busy: there is too much to do already.
    """
    api, max_bytes, mapping = visit.api, visit.max_file_bytes, held.mapping
    files = Sent(held.name, held.kind, held.digits, held.content, held.energy_mapping, held.others)

    async def work(job: Job) -> Outcome:
        sent, made = files, None
        if mapping is not None:
            job.step = MAPPING_STEP
            host = urlsplit((await api.get("/node"))["url"]).hostname or ""
            made = await asyncio.to_thread(_mapped, files, mapping, host, max_bytes)
            sent = replace(files, content=made.content)
        job.step = CHECKING_STEP
        answer = await _send(api, sent, is_check=True)
        job.step = PLACING_STEP
        outcome = await asyncio.to_thread(_outcome, answer, files, made, max_bytes)
        digest = await asyncio.to_thread(lambda: sent.digest)
        if held.job == job.id:  # nothing about the file has changed meanwhile
            held.checked = Checked(sent, made, outcome, digest)
        return outcome

    held.forget_check()
    job = visit.jobs.start(visit.session, CHECK, held.name, held.path, work)
    held.job = job.id
    return job


def begin_import(visit: Visit, held: Held, checked: Checked) -> Job:
    """Take up what was checked, as a job.

    Args:
        visit: of the operator.
        held: the file.
        checked: what was found in it; these bytes are sent.

    Raises:
        Busy: there is too much to do already.
    """
    api, max_bytes = visit.api, visit.max_file_bytes
    files = replace(checked.sent, content=held.content)

    async def work(job: Job) -> Outcome:
        job.step = IMPORTING_STEP
        is_taken = False
        try:
            answer = await _send(api, checked.sent, is_check=False)
            is_taken = not answer["problems"]
        finally:
            if not is_taken and held.imported == job.id:  # something has changed since the check
                held.forget_check()
        job.step = PLACING_STEP
        return await asyncio.to_thread(_outcome, answer, files, checked.mapped, max_bytes)

    job = visit.jobs.start(visit.session, IMPORT, held.name, held.path, work)
    held.imported = job.id
    return job


def _mapped(files: Sent, mapping: FileMapping, host: str, max_bytes: int) -> Mapped:
    tables = tables_of(files.name, files.content, max_bytes)
    return mapped(tables, mapping, files.kind, host)


def _outcome(
    answer: Mapping[str, Any], files: Sent, made: Mapped | None, max_bytes: int
) -> Outcome:
    """What the node has said, for people.

    Args:
        answer: of the endpoint.
        files: as they were handed in.
        made: what was made of the first one, if anything.
        max_bytes: of a file.
    """
    flawed = Flawed()
    if answer["problems"] or (made is not None and made.problems):
        parts = [File(files.name, files.content), *files.others]
        sources = [Source(one.name, _tables(one, max_bytes)) for one in parts]
        flawed = flawed_of(answer["problems"], sources, made)
    return outcome_of(files.kind, answer, flawed)


def _tables(file: File, max_bytes: int) -> list[Table]:
    try:
        return tables_of(file.name, file.content, max_bytes)
    except RefusedError:  # the node says so itself
        return []


async def _send(api: Api, sent: Sent, *, is_check: bool) -> Mapping[str, Any]:
    query: dict[str, str | int | bool | None] = {"name": sent.name, "dryRun": is_check}
    body, content_type = sent.content, "application/octet-stream"
    if sent.kind == ENERGY:
        body, content_type = await asyncio.to_thread(_energy_body, sent), "application/json"
    if sent.kind == FOOTPRINTS:
        query |= {"significantDigits": sent.digits or None, "listed": MAX_ITEMS}
    answer = await api.call("POST", KINDS[sent.kind].path, query, body, content_type)
    found: Mapping[str, Any] = await asyncio.to_thread(json.loads, answer.body)
    return found


def _energy_body(sent: Sent) -> bytes:
    assert sent.energy_mapping is not None  # noqa: S101 - the page has asked for it
    return json.dumps(
        {
            "file": _encoded(File(sent.name, sent.content)),
            "mapping": _encoded(sent.energy_mapping),
            "others": [_encoded(one) for one in sent.others],
        }
    ).encode()


def _encoded(file: File) -> dict[str, str]:
    return {"name": file.name, "content": b64encode(file.content).decode()}
