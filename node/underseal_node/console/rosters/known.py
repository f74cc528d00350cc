"""What the node knows of rosters, found by what stands in the address of a page.

Names of rosters may have any character, so they stand in the query: `roster`, `from` (when the
epoch begins) and, of those of others, `issuer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from underseal_node.console.api import ApiRefusedError
from underseal_node.console.downloads import attached
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit, with_query
from underseal_node.console.sharing import RefusedHereError
from underseal_node.errors import NodeError
from underseal_protocol.errors import ProtocolError
from underseal_protocol.times import format_time

__all__ = [
    "APPLIED",
    "KEPT",
    "MEANINGS",
    "MEMBER",
    "TRUSTED",
    "YES",
    "Partners",
    "Rosters",
    "ending",
    "instant",
    "is_hinted",
    "page_of_joined",
    "page_of_kept",
    "page_of_member",
    "page_of_trusted",
    "partners_of",
    "read_as",
    "rosters_of",
    "sent",
    "state_of",
    "token_of",
]

Json = Mapping[str, Any]
YES = "yes"

KEPT, MEMBER, APPLIED, TRUSTED = _("kept here"), _("member"), _("applied"), _("trusted")
MEANINGS = {
    KEPT: _(
        "This node decides who is a member. Readers rely on you to have checked that each member "
        "is the company it says it is, and that none is admitted twice."
    ),
    MEMBER: _(
        "This node endorses figures of footprints created in the epoch as one of the members; "
        "whoever reads the sealed sum does not learn which one."
    ),
    APPLIED: _("This node has applied, and becomes a member with the admission of its keeper."),
    TRUSTED: _(
        "Endorsements by members of the roster count here, in every epoch. You rely on its keeper "
        "to know its members and to admit each company once."
    ),
}
"""By how this node is connected with a roster: what that means."""

JOSE = "application/jose"  # RFC 7515 section 9.2.1
MAX_TOKEN_CHARACTERS = 16_384  # as the endpoints take it
UNREADABLE = 422


@dataclass(frozen=True)
class Rosters:
    """All that this node knows of rosters.

    Attributes:
        kept: epochs of those that it keeps, the newest of each first.
        memberships: of this node.
        trusted: those that it trusts.
    """

    kept: Sequence[Json]
    memberships: Sequence[Json]
    trusted: Sequence[Json]

    def epochs(self, name: str) -> list[Json]:
        """The epochs of a roster that is kept here, the newest first.

        Raises:
            HTTPException: there is none; then there is no such page.
        """
        found = [one for one in self.kept if one["name"] == name]
        if not found:
            raise HTTPException(404)
        return found

    def epoch(self, name: str, begins: str) -> Json:
        """An epoch of a roster that is kept here; the newest if no time is given.

        Raises:
            HTTPException: there is none.
        """
        return _only(self.epochs(name), lambda one: begins in ("", one["notBefore"]))

    def membership(self, issuer: str, name: str, begins: str) -> Json:
        """A membership of this node.

        Raises:
            HTTPException: there is none.
        """
        wanted = issuer, name
        return _only(
            self.memberships,
            lambda one: (one["issuer"], one["name"]) == wanted and begins in ("", one["notBefore"]),
        )

    def trust(self, issuer: str, name: str) -> Json:
        """A roster that is trusted.

        Raises:
            HTTPException: there is none.
        """
        return _only(self.trusted, lambda one: (one["issuer"], one["name"]) == (issuer, name))


def _only(found: Sequence[Json], is_it: Callable[[Json], bool]) -> Json:
    one = next(filter(is_it, found), None)
    if one is None:
        raise HTTPException(404)
    return one


async def rosters_of(visit: Visit) -> Rosters:
    """All that the node knows now."""
    found = await visit.api.get("/rosters")
    return Rosters(found["kept"], found["memberships"], found["trusted"])


@dataclass(frozen=True)
class Partners:
    """Partners by the addresses of their nodes.

    Attributes:
        own: address of this node.
        by_url: the partner that signs as, or is called at, an address.
    """

    own: str
    by_url: Mapping[str, Json]

    def name(self, url: str) -> str | None:
        """What the partner at an address is called here; None if there is none."""
        found = self.by_url.get(url)
        return None if found is None else str(found["name"])

    def signs(self, url: str) -> bool:
        """Whether the signature of the node at an address can be checked: its keys are pinned."""
        found = self.by_url.get(url)
        is_partner = found is not None and found["state"] == "active"
        return url == self.own or (is_partner and bool(found and found.get("fingerprint")))


async def partners_of(visit: Visit) -> Partners:
    """The partners of this node."""
    peers = (await visit.api.get("/peers"))["data"]
    # Who signs as an address counts before who is called at it.
    by_url = {peer[name]: peer for name in ("url", "issuer") for peer in peers if peer.get(name)}
    return Partners((await visit.api.get("/node"))["url"], by_url)


def state_of(visit: Visit, one: Json) -> str:
    """Where an epoch is: `future`, `active` or `ended`."""
    if one["isOver"]:
        return "ended"
    return "future" if datetime.fromisoformat(one["notBefore"]) > visit.now else "active"


def ending(found: Rosters, before: datetime) -> list[dict[str, str]]:
    """Epochs that end soon and that no later one follows: name, page and end, the earliest first.

    Args:
        found: of which those count that this node keeps, or is a member of.
        before: aware; what ends later is not soon.
    """
    joined = [one for one in found.memberships if one["state"] == "joined"]
    lasts: dict[tuple[str, str], tuple[str, str]] = {}
    for one, page in [
        *((one, page_of_kept(one)) for one in found.kept),
        *((one, page_of_joined(one)) for one in joined),
    ]:
        key, end = (one.get("issuer", ""), one["name"]), (one["notAfter"], page)
        if not one["isOver"]:
            lasts[key] = max(lasts.get(key, end), end)
    return [
        {"name": name, "page": page, "at": at}
        for (_issuer, name), (at, page) in sorted(lasts.items(), key=lambda each: each[1])
        if datetime.fromisoformat(at) < before
    ]


def page_of_kept(one: Json) -> str:
    """The address of an epoch that is kept here."""
    return with_query("/rosters/kept", roster=one["name"], **{"from": one["notBefore"]})


def page_of_member(one: Json, url: str) -> str:
    """The address of a member of an epoch that is kept here."""
    epoch = {"from": one["notBefore"]}
    return with_query("/rosters/member", roster=one["name"], **epoch, member=url)


def page_of_joined(one: Json) -> str:
    """The address of a membership."""
    epoch = {"from": one["notBefore"]}
    return with_query("/rosters/joined", issuer=one["issuer"], roster=one["name"], **epoch)


def page_of_trusted(one: Json) -> str:
    """The address of a roster that is trusted."""
    return with_query("/rosters/trusted", issuer=one["issuer"], roster=one["name"])


def instant(second: int) -> str:
    """A second since 1970, as statements have it, as endpoints write it."""
    return format_time(datetime.fromtimestamp(second, UTC))


def token_of(visit: Visit, name: str) -> str:
    """What was pasted, or is in the file, so that a refusal loses neither.

    Args:
        visit: with the form.
        name: of the field with the text.

    Raises:
        RefusedHereError: it is empty, or longer than any such file.
    """
    file = visit.form.file("file")
    text = visit.form.one(name) if file is None else file.content.decode("utf-8-sig", "replace")
    text = text.strip()
    if not text or len(text) > MAX_TOKEN_CHARACTERS:
        message = visit.text("There is no such file in what was sent.")
        hint = visit.text("Choose the file as you have received it, or paste all of its text.")
        raise RefusedHereError(UNREADABLE, message, hint)
    return text


def read_as(read: Callable[[str], Any], token: str) -> Any:
    """A statement, read as the command does; nothing is done with it.

    Raises:
        ApiRefusedError: it is none.
    """
    try:
        return read(token)
    except (NodeError, ProtocolError) as error:
        raise ApiRefusedError(UNREADABLE, error.message, error.hint) from None


def sent(token: str, name: str) -> Response:
    """A statement as a file, as the commands write it.

    Args:
        token: the JWS.
        name: of the file.
    """
    return attached(f"{token}\n".encode(), name, JOSE)


def is_hinted(refusal: ApiRefusedError | None, option: str) -> bool:
    """Whether something is refused until the operator says by an option that it is meant so."""
    return refusal is not None and option in (refusal.hint or "")
