"""What is new in a file: drafts compared with what has been published.

A footprint is immutable, so the same content changes nothing, and other content under a known id is
an error that names the way to correct a footprint. A draft whose file gives no id is recognised by
its content also under another id: that of a correction which was published with `supersede`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.publishing.prepare import Draft, as_published, subject_id
from underseal_node.publishing.results import Problem, UnpublishableError
from underseal_node.store import footprints
from underseal_node.store.batches import batches
from underseal_node.store.identity import Identity
from underseal_node.store.tables import Footprint
from underseal_protocol.criteria import DEPRECATED, fold
from underseal_protocol.disclosure import Level
from underseal_protocol.segments import render
from underseal_protocol.strict_json import loads

__all__ = ["Compared", "attested", "compare", "of_subject"]


@dataclass(frozen=True, slots=True)
class Compared:
    """A draft, and whether it is new.

    Attributes:
        draft: complete; one that is not new is as it was published.
        is_new: it is to be published.
    """

    draft: Draft
    is_new: bool


def compare(
    session: Session, drafts: Sequence[Draft], file: str, identity: Identity, now: datetime
) -> list[Compared]:
    """Find out which footprints of a file are new.

    Args:
        drafts: of the file.
        file: its name.
        identity: of this node.
        now: aware.

    Raises:
        UnpublishableError: something exists with other content; with all of it.
    """
    compared: list[Compared] = []
    problems: list[Problem] = []
    for portion in batches(drafts):
        known = _Known(session, portion, identity)
        for draft in portion:
            try:
                compared.append(_compare(draft, known, file, now))
            except UnpublishableError as error:
                problems += error.problems
    if problems:
        raise UnpublishableError(problems)
    return compared


def of_subject(session: Session, draft: Draft, identity: Identity) -> list[Footprint]:
    """Own footprints of the same product, period, place and declared unit as a draft, newest first.

    Args:
        draft: without an id of its own.
        identity: of this node.
    """
    return _Known(session, [draft], identity).of_subject(draft)


class _Known:
    """What has been published and may be what a draft is about.

    Args:
        drafts: about which there will be questions.
        identity: of this node.
    """

    def __init__(self, session: Session, drafts: Iterable[Draft], identity: Identity) -> None:
        drafts = list(drafts)
        self._identity = identity
        self._by_id = footprints.find_many(session, [draft.id for draft in drafts])
        products = {
            fold(product)
            for draft in drafts
            if not draft.has_own_id
            for product in draft.document["productIds"]
        }
        self._by_product = footprints.find_by_products(session, products)

    def of_id(self, draft: Draft) -> Footprint | None:
        """The footprint with the id of the draft."""
        return self._by_id.get(draft.id)

    def of_subject(self, draft: Draft) -> list[Footprint]:
        """Footprints of the same product, period, place and declared unit, newest first."""
        subject = subject_id(draft.document, self._identity)
        end = draft.document["pcf"]["referencePeriodEnd"]
        candidates = {
            one.seq: one
            for product in draft.document["productIds"]
            for one in self._by_product.get(fold(product), ())
            if json.loads(one.summary).get("referencePeriodEnd") == end
        }
        return [
            one
            for _, one in sorted(candidates.items(), reverse=True)
            if subject_id(document_of(one), self._identity) == subject
        ]


def document_of(published: Footprint) -> dict[str, Any]:
    """The whole of an own footprint, as it is published; a copy."""
    document: dict[str, Any] = loads(render(published.segments, Level.FULL, published.status))
    return document


def _compare(draft: Draft, known: _Known, file: str, now: datetime) -> Compared:
    published = known.of_id(draft)
    same = None if published is None else as_published(draft, published, now.date())
    if same is not None:
        return Compared(same, is_new=False)
    if draft.is_attested:
        raise attested(draft, file)
    if draft.has_own_id:
        if published is not None:
            raise _changed(draft, published, file)
        if draft.was_signed:
            raise _lost(draft, file)
        return Compared(draft, is_new=True)
    related = known.of_subject(draft)
    for one in related:
        same = as_published(draft, one, now.date())
        if same is not None:
            return Compared(same, is_new=False)
    active = next((one for one in related if one.status != DEPRECATED), None)
    if published is not None or (draft.is_row and active is not None):
        raise _changed(draft, active or published or related[0], file)
    return Compared(draft, is_new=True)


def _changed(draft: Draft, published: Footprint, file: str) -> UnpublishableError:
    about = (
        f"{draft.id} has been published"
        if draft.has_own_id
        else "a footprint of the same product, period, place and declared unit has been published "
        f"as {published.id}"
    )
    if published.status == DEPRECATED:
        hint = "It is deprecated; give the new footprint an id (a UUID) of its own."
    else:
        hint = (
            "To correct it, put this footprint into a file of its own and run "
            f"`underseal footprint supersede {published.id} FILE`."
        )
    place = draft.place_of("/id" if draft.has_own_id else "")
    return UnpublishableError([Problem(file, place, f"{about} with other content", hint)])


def attested(draft: Draft, file: str) -> UnpublishableError:
    """With other salts, what it carries would attest something else."""
    problem = Problem(
        file,
        draft.place_of("/extensions"),
        f"{draft.id} carries an attestation, which is about the draft that the verifier had",
        "Publish that draft with `underseal footprint publish DRAFT --attestation FILE`.",
    )
    return UnpublishableError([problem])


def _lost(draft: Draft, file: str) -> UnpublishableError:
    """Signing it again would look like a second story to those who have the first."""
    problem = Problem(
        file,
        draft.place_of("/id"),
        f"{draft.id} carries a signature of this node, which does not know it",
        "Restore the backup that has it, or remove id and extensions to publish it as a new one.",
    )
    return UnpublishableError([problem])
