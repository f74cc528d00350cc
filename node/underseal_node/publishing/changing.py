"""Changing what is published: replace a footprint by another one, take one back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.products.guard import require_not_calculated
from underseal_node.publishing.comparing import attested
from underseal_node.publishing.files import PlacedDocument, read_file
from underseal_node.publishing.prepare import Draft, draft_of
from underseal_node.publishing.publish import record, refuse_known, sign_all, tell
from underseal_node.publishing.results import Changed, Problem, UnpublishableError
from underseal_node.store import footprints
from underseal_node.store.audit import Act
from underseal_node.store.footprints import NewFootprint
from underseal_node.store.tables import Footprint
from underseal_protocol.criteria import DEPRECATED
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.status import issue_status

__all__ = [
    "deprecate",
    "require_active",
    "statement_of",
    "store_signed",
    "successor",
    "supersede",
]


async def supersede(
    node: Node, footprint_id: str, file: tuple[str, bytes], *, significant_digits: int | None = None
) -> Changed:
    """Replace a footprint by a corrected one: the new one is published, the old one deprecated.

    Args:
        node: who publishes.
        footprint_id: of an own, active footprint.
        file: name and content; it holds exactly one footprint.
        significant_digits: as for `import_files`.

    Raises:
        NotFoundError: there is no own footprint with this id.
        RefusedError: it is deprecated already, or of a product that is calculated here.
        UnpublishableError: the file cannot be published; with all problems.
    """
    name, content = file
    old = await node.store.read(lambda session: footprints.row(session, footprint_id))
    require_active(old)
    read = await asyncio.to_thread(read_file, name, content, node)
    if read.problems:
        raise UnpublishableError(read.problems)
    if len(read.documents) != 1:
        what = f"there are {len(read.documents)} footprints in it, and one replaces {old.id}"
        raise UnpublishableError([Problem(name, "", what, "Put it into a file of its own.")])
    digits = significant_digits or node.settings.round_significant_digits
    draft = successor(read.documents[0], old, node, name, digits)
    await node.store.read(lambda session: require_not_calculated(session, node, [draft.document]))
    new = (await asyncio.to_thread(sign_all, node, [draft]))[0]
    notified = await store_signed(node, name, new, old)
    return Changed(old.id, new.id, tuple(notified), tuple(draft.findings))


async def store_signed(
    node: Node,
    name: str,
    new: NewFootprint,
    old: Footprint | None,
    then: Callable[[Session], None] | None = None,
) -> list[str]:
    """Publish what has been signed, and deprecate what it replaces, in one transaction.

    Args:
        node: who publishes.
        name: of the file, for the message.
        new: signed.
        old: active; None if it replaces nothing.
        then: more to write in the transaction.

    Returns:
        names of the peers that are told.

    Raises:
        RefusedError: the old one has been deprecated meanwhile.
        UnpublishableError: there is a footprint with this id.
    """
    statement = None if old is None else statement_of(node, old)

    def work(session: Session) -> list[str]:
        ids = [new.id]
        if old is not None:
            _require_still_active(footprints.row(session, old.id))
            ids.append(old.id)
        refuse_known(name, footprints.find_many(session, [new.id]))
        footprints.add_all(session, [new], node.now())
        if old is not None and statement is not None:
            footprints.deprecate(session, old.id, statement)
        if old is None:
            record(session, node, Act.FOOTPRINTS_PUBLISHED, ids, file=name)
        else:
            record(session, node, Act.FOOTPRINT_SUPERSEDED, ids, old=old.id, new=new.id)
        if then is not None:
            then(session)
        return tell(session, node, ids)

    return await node.store.write(work)


async def deprecate(node: Node, footprint_id: str) -> Changed:
    """End a footprint without a successor; this is final.

    Raises:
        NotFoundError: there is no such own footprint.
        RefusedError: it is deprecated already.
    """
    old = await node.store.read(lambda session: footprints.row(session, footprint_id))
    require_active(old)
    statement = statement_of(node, old)

    def work(session: Session) -> list[str]:
        require_active(footprints.row(session, old.id))
        footprints.deprecate(session, old.id, statement)
        record(session, node, Act.FOOTPRINT_DEPRECATED, [old.id])
        return tell(session, node, [old.id])

    return Changed(old.id, None, tuple(await node.store.write(work)))


def successor(
    source: PlacedDocument, old: Footprint, node: Node, name: str, digits: int | None
) -> Draft:
    """The draft of what replaces a footprint.

    Raises:
        UnpublishableError: it is no good; with the reasons.
    """
    document = source.document
    written = document.get("id")
    if isinstance(written, str) and written.lower() == old.id:
        problem = Problem(
            name,
            source.place_of("/id"),
            "it has the id of the footprint that it replaces",
            "A correction is a new footprint: leave id out, or give it another UUID.",
        )
        raise UnpublishableError([problem])
    preceding = document.get("precedingPfIds")
    if preceding is None or isinstance(preceding, list):
        named = {one.lower() for one in preceding or () if isinstance(one, str)}
        if old.id not in named:
            document = document | {"precedingPfIds": [*(preceding or ()), old.id]}
    changed = replace(source, document=document)
    made = draft_of(changed, name, node.identity, node.now(), new_id=True, digits=digits)
    if not isinstance(made, Draft):
        raise UnpublishableError(made)
    if made.is_attested:
        raise attested(made, name)
    return made


def require_active(footprint: Footprint) -> None:
    """Refuse to replace or end what is deprecated.

    Raises:
        RefusedError: it is.
    """
    if footprint.status == DEPRECATED:
        raise RefusedError(
            f"the footprint {footprint.id} is deprecated already",
            hint="That is final; publish a new one with `underseal footprint import`.",
        )


def _require_still_active(footprint: Footprint) -> None:
    """The same where it was active a moment ago, when the new one was made.

    Raises:
        RefusedError: somebody was faster.
    """
    if footprint.status == DEPRECATED:
        raise RefusedError(
            f"the footprint {footprint.id} was replaced or ended by somebody else meanwhile",
            hint="Nothing was published. Look at what is published now, and repeat the command if "
            "it is still to be replaced.",
        )


def statement_of(node: Node, footprint: Footprint) -> str:
    """Sign that a footprint is deprecated."""
    return issue_status(
        footprint_id=footprint.id,
        status=DEPRECATED,
        credential_digest=footprint.credential_digest,
        key=node.signing_key(KeyPurpose.FOOTPRINT),
        issuer=node.identity.url,
        issued_at=node.now(),
    )
