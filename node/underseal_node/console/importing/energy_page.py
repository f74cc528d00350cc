"""Energy exports: several files belong together, and a mapping file says what is where in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from underseal_node.console.forms import File, Form
from underseal_node.console.importing.files import Held, clean_name, hold, make_room
from underseal_node.console.importing.kinds import ENERGY
from underseal_node.console.importing.pages import (
    NO_FILE,
    UNPROCESSABLE,
    go_on,
    held_of,
    look_at,
    refused,
    show_start,
)
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.errors import RefusedError

Page = Callable[[Visit], Awaitable[Response]]

__all__ = ["PAGES", "UPLOADS"]

LAST_MAPPING = "energy mapping"
MAX_OTHERS = 10


NO_MAPPING = _("Choose the mapping file as well: it says what is where in the export.")
TOO_MANY = _("At most ten further files go with an export.")


async def _upload(visit: Visit) -> Response:
    file = visit.form.file("export")
    if file is None:
        return show_start(visit, visit.text(NO_FILE), None, UNPROCESSABLE)
    held = Held("", clean_name(file.name), file.content, kind=ENERGY)
    try:
        await look_at(visit, held)
    except RefusedError as error:
        return show_start(visit, None, error, UNPROCESSABLE)
    mistake = _take_parts(visit, held)
    if mistake is not None:
        return show_start(visit, visit.text(mistake), None, UNPROCESSABLE)
    return await go_on(visit, hold(visit.session, held, visit.max_file_bytes))


async def _change(visit: Visit) -> Response:
    """Other versions of some of the files; those that are not chosen stay."""
    held, file = held_of(visit), visit.form.file("export")
    if file is not None:
        newer = Held(held.id, clean_name(file.name), file.content, kind=ENERGY)
        try:
            await look_at(visit, newer)
        except RefusedError as error:
            return await refused(visit, held, None, UNPROCESSABLE, error)
        held.name, held.content, held.sheets = newer.name, newer.content, newer.sheets
    mistake = _take_parts(visit, held)
    held.forget_check()
    if mistake is not None:
        return await refused(visit, held, visit.text(mistake), UNPROCESSABLE)
    make_room(visit.session, visit.max_file_bytes, newest=held.id)
    return await go_on(visit, held)


def _take_parts(visit: Visit, held: Held) -> str | None:
    """The mapping and further files of a form; returns what is wrong, marked for the catalogues.

    The mapping of the export before is used again if none is chosen.
    """
    form: Form = visit.form
    mapping = form.file("mapping")
    if mapping is not None:
        held.energy_mapping = File(clean_name(mapping.name), mapping.content)
        visit.session.kept[LAST_MAPPING] = held.energy_mapping
    elif held.energy_mapping is None:
        held.energy_mapping = visit.session.kept.get(LAST_MAPPING)
    others = {one.name: one for one in held.others}
    for one in form.files.get("others", ()):
        others[clean_name(one.name)] = File(clean_name(one.name), one.content)
    if len(others) > MAX_OTHERS:
        return TOO_MANY
    held.others = tuple(others.values())
    return None if held.energy_mapping is not None else NO_MAPPING


PAGES: dict[str, Page] = {}
UPLOADS = {"/import/energy": _upload, "/import/{id}/energy": _change}
