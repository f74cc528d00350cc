"""What pages about partners, grants and requests have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError, segment
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.tables import Column, whole
from underseal_node.console.words import LEVELS

__all__ = [
    "GRANTEES",
    "GRANT_COLUMNS",
    "RefusedHereError",
    "done_with",
    "instant_of",
    "level_of",
    "level_options",
    "lines_of",
    "number_part",
    "partner_path",
    "words_of",
]

UNREADABLE = 422
MAX_DIGITS = 9
GRANTEES = ("active", "pending", "invited", "suspended")
"""States of partners that can be granted something; the first of them see it."""

GRANT_COLUMNS = (
    Column("kind", _("What"), "word"),
    Column("value", _("Which")),
    Column("level", _("Level"), "word"),
    Column("state", _("State"), "word"),
    Column("starts", _("Begins"), "time"),
    Column("ends", _("Ends"), "time"),
    Column("purpose", _("Purpose")),
    Column("terms", _("Terms")),
)
"""What a grant says, whoever gave it."""


class RefusedHereError(ApiRefusedError):
    """The console itself refuses, in the language of the reader."""

    is_translated = True


LEVEL_TEXTS = {
    "total": _("total: only the total, and what PACT requires"),
    "quality": _("quality: also data quality and verification"),
    "breakdown": _("breakdown: also the parts of the total"),
    "full": _("full: also the method, comments and the rest"),
}


def partner_path(name: str) -> str:
    """The address of the page of a partner."""
    return f"/partners/{segment(name)}"


def level_options(visit: Visit) -> list[tuple[str, str]]:
    """Disclosure levels to choose from, each with what it shows."""
    return [(level, visit.text(LEVEL_TEXTS[level])) for level in LEVELS]


def level_of(text: str) -> str:
    """A disclosure level that was chosen; the lowest if it is none."""
    return text if text in LEVELS else LEVELS[0]


def words_of(visit: Visit, values: Sequence[str]) -> list[tuple[str, str]]:
    """Words of the node to choose from: each with its translation."""
    return [(value, visit.text(value)) for value in values]


def lines_of(text: str) -> list[str]:
    """What stands on the lines of a field, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def number_part(visit: Visit, name: str) -> str:
    """A part of the address that is a number.

    Raises:
        HTTPException: it is none; then there is no such page.
    """
    text = str(visit.request.path_params[name])
    number = whole(text, MAX_DIGITS)
    if not number:
        raise HTTPException(404)
    return str(number)


def instant_of(visit: Visit, text: str) -> str | None:
    """An instant for the node, of what was typed: a date, or date and time, in UTC.

    Args:
        visit: for the language of the refusal.
        text: nothing is no instant.

    Raises:
        RefusedHereError: it is none.
    """
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
        aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        shown = text[:40]
        message = visit.text("%(given)s is no date, and no date and time", given=shown)
        hint = visit.text("Such as 2027-01-31, or 2027-01-31T12:00; in UTC.")
        raise RefusedHereError(UNREADABLE, message, hint) from None


def done_with(visit: Visit, path: str, text: str, warnings: Iterable[str]) -> Response:
    """Go on at another page, which says what was done and what there is to think of."""
    answer = visit.done(path, text)
    visit.session.messages.extend(("warning", one) for one in warnings)
    return answer
