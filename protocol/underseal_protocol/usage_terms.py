"""What a company asks of those whom it shows its footprints: `GET /extensions/grants`.

A grant may carry terms (a text or a URL) and a purpose. The node that has the grant fetches them
and keeps them with what it receives. They are a promise between two companies: nothing here, and
nothing in either node, enforces them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from underseal_protocol.disclosure import Level
from underseal_protocol.errors import TermsError, TimeError
from underseal_protocol.times import format_time, parse_time

__all__ = [
    "GRANTS_PATH",
    "KINDS",
    "MAX_PURPOSE_CHARACTERS",
    "MAX_TERMS_CHARACTERS",
    "GrantKind",
    "GrantedToUs",
]

GRANTS_PATH = "/extensions/grants"
MAX_TERMS_CHARACTERS = 4_000
MAX_PURPOSE_CHARACTERS = 500
MAX_VALUE_CHARACTERS = 4_096

GrantKind = Literal["all", "product", "classification", "footprint"]
KINDS: tuple[GrantKind, ...] = get_args(GrantKind)


@dataclass(frozen=True, slots=True)
class GrantedToUs:
    """A grant as the company that gave it tells it to the one that has it.

    Attributes:
        kind: what `value` is.
        value: a URN or an id; empty for `all`.
        level: how much is shown.
        starts: from this instant on; `None`: since it was given.
        ends: before this instant; `None`: until it is removed.
        terms: usage terms, a text or a URL.
        purpose: what it is given for.
    """

    kind: GrantKind
    value: str
    level: Level
    starts: datetime | None = None
    ends: datetime | None = None
    terms: str | None = None
    purpose: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it travels; what is not there is left out."""
        members = {
            "kind": self.kind,
            "value": self.value or None,
            "level": str(self.level),
            "from": None if self.starts is None else format_time(self.starts),
            "until": None if self.ends is None else format_time(self.ends),
            "terms": self.terms,
            "purpose": self.purpose,
        }
        return {name: value for name, value in members.items() if value is not None}

    @classmethod
    def from_json(cls, document: Any) -> GrantedToUs:
        """Read one; members that are not known are ignored.

        Args:
            document: as read by `strict_json.loads`.

        Raises:
            TermsError: it is none, or longer than a grant may be.
        """
        if not isinstance(document, Mapping):
            raise TermsError("a grant is not a JSON object")
        kind = next((one for one in KINDS if one == document.get("kind")), None)
        if kind is None:
            raise TermsError(f"the kind of a grant is {_shown(document.get('kind'))}")
        value = _text(document, "value", MAX_VALUE_CHARACTERS) or ""
        if bool(value) == (kind == "all"):
            raise TermsError(f"a grant of the kind {kind} has the value {value[:60]!r}")
        level = next((one for one in Level if one == document.get("level")), None)
        if level is None:
            raise TermsError(f"the level of a grant is {_shown(document.get('level'))}")
        return cls(
            kind=kind,
            value=value,
            level=level,
            starts=_instant(document, "from"),
            ends=_instant(document, "until"),
            terms=_text(document, "terms", MAX_TERMS_CHARACTERS),
            purpose=_text(document, "purpose", MAX_PURPOSE_CHARACTERS),
        )


def _shown(value: object) -> str:
    return repr(value)[:60]


def _text(document: Mapping[str, Any], name: str, most: int) -> str | None:
    value = document.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or "\0" in value:
        raise TermsError(f'the member "{name}" of a grant is not a text')
    if len(value) > most:
        raise TermsError(
            f'the member "{name}" of a grant has {len(value)} characters, expected at most {most}'
        )
    return value


def _instant(document: Mapping[str, Any], name: str) -> datetime | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        return parse_time(value)
    except TimeError as error:
        raise TermsError(f'the member "{name}" of a grant: {error.message}') from None
