"""Pages of imports: hand a file in, see what would become of it, and confirm that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import resources
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.downloads import XLSX, attached
from underseal_node.console.forms import File
from underseal_node.console.importing.checking import begin_check, begin_import
from underseal_node.console.importing.files import (
    Held,
    clean_name,
    find,
    hold,
    known_mapping,
    make_room,
    shelf,
)
from underseal_node.console.importing.kinds import ENERGY, KINDS
from underseal_node.console.importing.mapping import FileMapping, key_of
from underseal_node.console.importing.proposing import proposed_mapping
from underseal_node.console.importing.reading import (
    SheetView,
    is_ours,
    kind_of_json,
    kind_of_tables,
    tables_of,
    view_of,
)
from underseal_node.console.job_pages import BUSY, RELOAD_SECONDS, UNAVAILABLE, job_path
from underseal_node.console.jobs import Busy, Job
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, moved
from underseal_node.errors import RefusedError
from underseal_node.sheets.tables import Table

__all__ = ["ACTIONS", "PAGES", "UPLOADS", "go_on", "held_of", "look_at", "refused", "show_start"]

SHOWN_BYTES = 20_000  # of a mapping file
NOT_FOUND, CONFLICT, UNPROCESSABLE = 404, 409, 422
TEMPLATES = {
    "footprints": ("/footprints/template", "footprints.xlsx"),
    "products": ("/products/template", "products.xlsx"),
    "workbook": ("/products/workbook", "products-and-factors.xlsx"),
    "spend": ("/spend/template", "spend.xlsx"),
}
EXAMPLE_MAPPING = "mapping.toml"


BY_HEADINGS = _("what the headings say")
NO_FILE = _("Choose a file first.")
CHANGED = _(
    "The file, or how it is read, has changed since it was checked. Nothing was imported: look at "
    "what is here now, and confirm that."
)


async def _start(visit: Visit) -> Response:
    return show_start(visit)


def show_start(
    visit: Visit,
    mistake: str | None = None,
    refusal: RefusedError | None = None,
    status: int = 200,
) -> Response:
    """The page to hand files in.

    Args:
        visit: of the operator.
        mistake: what is wrong with what was handed in, in their language.
        refusal: what is wrong with it, in English.
        status: of HTTP.
    """
    return visit.page(
        "import.html",
        {
            "kinds": KINDS,
            "kind_options": [("", visit.text(BY_HEADINGS)), *_kind_options(visit)],
            "files": list(reversed(shelf(visit.session).values())),
            "running": [one for one in visit.jobs.all() if one.is_running],
            "max_bytes": visit.max_file_bytes,
            "mistake": mistake,
            "refusal": refusal,
            "typed": visit.form.typed(),
        },
        status,
    )


def _kind_options(visit: Visit) -> list[tuple[str, str]]:
    return [(code, visit.text(kind.label)) for code, kind in KINDS.items()]


async def _upload(visit: Visit) -> Response:
    file = visit.form.file("file")
    if file is None:
        return show_start(visit, visit.text(NO_FILE), None, UNPROCESSABLE)
    kind = visit.form.one("kind")
    held = Held("", clean_name(file.name), file.content, kind=kind if kind in KINDS else "")
    try:
        await look_at(visit, held)
    except RefusedError as error:
        return show_start(visit, None, error, UNPROCESSABLE)
    return await go_on(visit, hold(visit.session, held, visit.max_file_bytes))


async def look_at(visit: Visit, held: Held) -> None:
    """Find out what a file holds.

    Args:
        visit: of the operator.
        held: the file; a kind that it has already stays.

    Raises:
        RefusedError: it cannot be read.
    """
    found = await asyncio.to_thread(_look, held.name, held.content, held.kind, visit.max_file_bytes)
    held.kind, held.sheets, held.is_ours, held.proposed = found
    held.key = key_of(held.kind, held.sheets)
    held.mapping = known_mapping(visit.session, held.key)
    held.forget_check()


def _look(
    name: str, content: bytes, kind: str, max_bytes: int
) -> tuple[str, tuple[SheetView, ...], bool, FileMapping]:
    tables = tables_of(name, content, max_bytes)
    kind = kind or (kind_of_tables(tables) if tables else kind_of_json(content))
    views = tuple(view_of(table) for table in tables)
    return kind, views, is_ours(kind, tables), _proposed(kind, tables, views)


def _proposed(kind: str, tables: Sequence[Table], views: Sequence[SheetView]) -> FileMapping:
    if not tables or kind in ("", ENERGY):
        return FileMapping(())
    return proposed_mapping(kind, tables, views)


async def go_on(visit: Visit, held: Held) -> Response:
    """The next page for a file: what has to be said first, or what the node says of it."""
    if not held.kind or (held.kind == ENERGY and held.energy_mapping is None):
        return moved(held.path)
    if held.mapping is None and not held.is_ours:
        return moved(f"{held.path}/columns")
    try:
        job = begin_check(visit, held)
    except Busy:
        return await refused(visit, held, visit.text(BUSY), UNAVAILABLE)
    return await _after(visit, job, held.path)


async def _after(visit: Visit, job: Job, path: str) -> Response:
    """The page of what has ended, or that of the work that goes on."""
    return moved(path if await visit.jobs.has_ended(job) else job_path(job.id))


def held_of(visit: Visit) -> Held:
    """The file that an address names.

    Raises:
        HTTPException: it is not held in this session (404).
    """
    held = find(visit.session, visit.request.path_params["id"])
    if held is None:
        raise HTTPException(NOT_FOUND)
    return held


async def _show(visit: Visit) -> Response:
    held = find(visit.session, visit.request.path_params["id"])
    if held is None:
        return visit.page("import_gone.html", {}, NOT_FOUND)
    if held.checked is not None:
        file = held.checked.outcome.exported(visit)
        if file is not None:
            return file
    return _page(visit, held)


def _page(
    visit: Visit,
    held: Held,
    mistake: str | None = None,
    refusal: RefusedError | ApiRefusedError | None = None,
    status: int = 200,
) -> Response:
    checked = held.checked
    job = visit.jobs.find(held.job) if held.job else None
    shown: dict[str, Any] = {} if checked is None else checked.outcome.shown(visit)
    return visit.page(
        "import_file.html",
        {
            "outcome": None,
            **shown,
            "held": held,
            "kinds": KINDS,
            "kind_options": _kind_options(visit),
            "job": job,
            "import_job": visit.jobs.find(held.imported) if held.imported else None,
            "checked": checked,
            "max_bytes": visit.max_file_bytes,
            "reload_seconds": RELOAD_SECONDS,
            "mapping_text": _beginning_of(held.energy_mapping),
            "mistake": mistake,
            "refusal": refusal or (job.refusal if job is not None else None),
            "typed": {"digits": held.digits, "kind": held.kind, **visit.form.typed()},
        },
        status,
    )


def _beginning_of(file: File | None) -> str:
    return "" if file is None else file.content[:SHOWN_BYTES].decode("utf-8", "replace")


async def refused(
    visit: Visit,
    held: Held,
    mistake: str | None,
    status: int,
    refusal: RefusedError | None = None,
) -> Response:
    """The page of a file again, with why something was not done."""
    return _page(visit, held, mistake, refusal, status)


async def _replace(visit: Visit) -> Response:
    """Take another version of a file; what was said about the one before holds for it."""
    held, file = held_of(visit), visit.form.file("file")
    if file is None:
        return await refused(visit, held, visit.text(NO_FILE), UNPROCESSABLE)
    newer = Held(held.id, clean_name(file.name), file.content, kind=held.kind)
    newer.energy_mapping, newer.others, newer.digits = held.energy_mapping, held.others, held.digits
    try:
        await look_at(visit, newer)
    except RefusedError as error:
        return await refused(visit, held, None, UNPROCESSABLE, error)
    if newer.key == held.key:
        newer.mapping = held.mapping
    shelf(visit.session)[held.id] = newer
    make_room(visit.session, visit.max_file_bytes, newest=newer.id)
    return await go_on(visit, newer)


async def _choose_kind(visit: Visit) -> Response:
    held, kind = held_of(visit), visit.form.one("kind")
    if kind not in KINDS:
        return await refused(visit, held, visit.text(_("Say what is in the file.")), UNPROCESSABLE)
    held.kind = kind
    try:
        await look_at(visit, held)
    except RefusedError as error:
        return await refused(visit, held, None, UNPROCESSABLE, error)
    return await go_on(visit, held)


async def _check(visit: Visit) -> Response:
    """Check once more, perhaps with figures rounded to other digits."""
    held = held_of(visit)
    held.digits = visit.form.one("digits")
    held.forget_check()
    return await go_on(visit, held)


async def _confirm(visit: Visit) -> Response:
    held = held_of(visit)
    checked = held.checked
    if checked is None or checked.digest != visit.form.one("digest"):
        return await refused(visit, held, visit.text(CHANGED), CONFLICT)
    if checked.outcome.is_refused or held.imported is not None:
        return moved(held.path)
    try:
        job = begin_import(visit, held, checked)
    except Busy:
        return await refused(visit, held, visit.text(BUSY), UNAVAILABLE)
    return await _after(visit, job, job_path(job.id))


async def _discard(visit: Visit) -> Response:
    held = held_of(visit)
    del shelf(visit.session)[held.id]
    return visit.done("/import", visit.text(_("%(file)s was discarded."), file=held.name))


async def _template(visit: Visit) -> Response:
    if visit.request.path_params["name"] == EXAMPLE_MAPPING:
        example = resources.files("underseal_node.energy") / "example.toml"
        return attached(example.read_bytes(), EXAMPLE_MAPPING, "application/toml")
    found = TEMPLATES.get(visit.request.path_params["name"])
    if found is None:
        raise HTTPException(NOT_FOUND)
    path, name = found
    answer = await visit.api.call("GET", path)
    return attached(answer.body, name, XLSX)


PAGES = {
    "/import": _start,
    "/import/templates/{name}": _template,
    "/import/{id}": _show,
}
ACTIONS = {
    "/import/{id}/kind": _choose_kind,
    "/import/{id}/check": _check,
    "/import/{id}/confirm": _confirm,
    "/import/{id}/discard": _discard,
}
UPLOADS = {"/import": _upload, "/import/{id}/file": _replace}
