"""What a customer asks a supplier that is to endorse as a member of a roster.

It is the request of `seal.endorsement_exchange` with one member more:

    {"version": 2, "footprintId": ..., "property": ..., "context": ..., "roster": {...}}

with the roster of `messages`. The supplier answers with a `HiddenAnswer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from underseal_protocol.errors import EndorsementError, RosterError
from underseal_protocol.roster.messages import roster_from_json, roster_to_json
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal.endorsement_exchange import VERSION as NAMED_VERSION
from underseal_protocol.seal.endorsement_exchange import EndorsementRequest

__all__ = ["AsMember", "read_question"]

VERSION = 2


@dataclass(frozen=True, slots=True)
class AsMember:
    """A question to a member of a roster.

    Args:
        asked: what for.
        roster: of which it is to be a member.
    """

    asked: EndorsementRequest
    roster: Roster

    def to_json(self) -> dict[str, Any]:
        """The body of the request."""
        said = {"version": VERSION, "roster": roster_to_json(self.roster)}
        return self.asked.to_json() | said


def read_question(value: Any) -> tuple[EndorsementRequest, Roster | None]:
    """Read the body of either request.

    Args:
        value: as read by `strict_json.loads`.

    Returns:
        what is asked for, and the roster of which the supplier is to be a member; None where it
        is to be named.

    Raises:
        EndorsementError: it is neither; the message says which member.
    """
    is_number = isinstance(value, Mapping) and type(value.get("version")) is int
    if not is_number or value["version"] != VERSION:
        return EndorsementRequest.from_json(value), None
    rest = {name: one for name, one in value.items() if name != "roster"}
    asked = EndorsementRequest.from_json(rest | {"version": NAMED_VERSION})
    try:
        return asked, roster_from_json(value.get("roster"))
    except RosterError as error:
        raise EndorsementError(f"roster: {error.message}", hint=error.hint) from None
