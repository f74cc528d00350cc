"""Publishing: import files.

Several files stand for themselves: each is published whole, in one transaction together with the
events that tell peers of it, or not at all, also when the process is killed. Checking and signing
happen before that, beside the event loop.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.requests import give_up_after
from underseal_node.node import Node
from underseal_node.products.guard import require_not_calculated
from underseal_node.publishing.comparing import compare
from underseal_node.publishing.files import read_file
from underseal_node.publishing.prepare import Draft, draft_of, sign
from underseal_node.publishing.results import (
    Imported,
    ImportResult,
    Outcome,
    Problem,
    UnpublishableError,
)
from underseal_node.store import audit, footprints, grants, outbox, peers, pins
from underseal_node.store.audit import Act
from underseal_node.store.footprints import NewFootprint
from underseal_node.store.index import index_keys
from underseal_node.store.tables import Footprint, KeyKind
from underseal_protocol.commitment import Commitment
from underseal_protocol.criteria import FootprintIndex
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.methodology import Finding

__all__ = [
    "import_files",
    "record",
    "refuse_known",
    "sign_all",
    "tell",
]

MAX_PROBLEMS = 10_000  # of one file


async def import_files(
    node: Node,
    files: Sequence[tuple[str, bytes]],
    *,
    dry_run: bool,
    significant_digits: int | None = None,
) -> ImportResult:
    """Publish the footprints in files. The same content under the same id changes nothing.

    Args:
        node: who publishes; its process must be able to open the footprint key.
        files: name and content of each.
        dry_run: sign and store nothing, but say what would be.
        significant_digits: that figures keep; `None`: as the setting `round_significant_digits`
            says.
    """
    digits = significant_digits or node.settings.round_significant_digits
    imported: list[Imported] = []
    problems: list[Problem] = []
    notified: set[str] = set()
    refused = 0
    seen: dict[str, str] = {}
    for name, content in files:
        try:
            footprints_of_file, told = await _import_file(
                node, name, content, seen, dry_run, digits
            )
        except UnpublishableError as error:
            problems += error.problems
            refused += 1
            continue
        imported += footprints_of_file
        notified.update(told)
    return ImportResult(dry_run, tuple(imported), tuple(problems), refused, tuple(sorted(notified)))


async def _import_file(
    node: Node,
    name: str,
    content: bytes,
    seen: dict[str, str],
    dry_run: bool,
    digits: int | None,
) -> tuple[list[Imported], list[str]]:
    """Publish what is in a file: all of it or nothing.

    Args:
        seen: ids of the files before, with their places; those of this file are added.

    Returns:
        what became of the footprints, and who is told.
    """
    drafts = await asyncio.to_thread(_drafts, node, name, content, seen, digits)
    compared = await node.store.read(
        lambda session: compare(session, drafts, name, node.identity, node.now())
    )
    drafts.clear()
    new = [one.draft.document for one in compared if one.is_new]
    try:
        await node.store.read(lambda session: require_not_calculated(session, node, new))
    except RefusedError as error:
        raise UnpublishableError([Problem(name, "", error.message, error.hint)]) from None
    imported = [
        Imported(
            one.draft.id,
            one.draft.document["productNameCompany"],
            name,
            Outcome.PUBLISHED if one.is_new else Outcome.UNCHANGED,
            one.draft.findings,
        )
        for one in compared
    ]
    fresh = [one.draft for one in compared if one.is_new]
    compared.clear()
    if dry_run:
        return imported, await node.store.read(lambda session: _would_be_told(session, node, fresh))
    signed = await asyncio.to_thread(sign_all, node, fresh)
    return imported, await node.store.write(lambda session: _store(session, node, name, signed))


def _drafts(
    node: Node, name: str, content: bytes, seen: dict[str, str], digits: int | None = None
) -> list[Draft]:
    """Every footprint of a file, complete and checked.

    Raises:
        UnpublishableError: one of them is no good; with the reasons of all.
    """
    with _without_collection():
        read = read_file(name, content, node)
        problems = list(read.problems)
        unread = {problem.place for problem in problems}  # what is there is not missing
        waiting = list(reversed(read.documents))
        del read  # so that what has been dealt with is freed
        drafts: list[Draft] = []
        findings: dict[Finding, Finding] = {}  # most rows have the same few
        now = node.now()
        while waiting and len(problems) < MAX_PROBLEMS:
            made = draft_of(waiting.pop(), name, node.identity, now, digits=digits)
            if not isinstance(made, Draft):
                problems += (one for one in made if one.place not in unread)
                continue
            first = seen.setdefault(made.id, place := _place(made, name))
            if first is not place:
                problems.append(_twice(made, name, first))
            shared = tuple(findings.setdefault(one, one) for one in made.findings)
            drafts.append(replace(made, findings=shared))
    if len(problems) >= MAX_PROBLEMS:
        more = f"there are more than {MAX_PROBLEMS} problems; these are the first"
        problems[MAX_PROBLEMS:] = [Problem(name, "", more)]
    if problems:
        raise UnpublishableError(problems)
    return drafts


def _place(draft: Draft, name: str) -> str:
    return f"{name} {draft.place_of('')}".strip()


def _twice(draft: Draft, name: str, first: str) -> Problem:
    if draft.has_own_id:
        place = draft.place_of("/id")
        return Problem(name, place, f"{draft.id} is the id of the one in {first}, too")
    return Problem(
        name,
        draft.place_of(""),
        f"it is about the same product, period, place and declared unit as the one in {first}",
        "If both are meant, give each an id (a UUID) of its own.",
    )


@contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the search for cycles. Nothing that an import makes is cyclic, and looking through so
    many objects again and again would cost a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def sign_all(
    node: Node, drafts: list[Draft], commitments: Mapping[str, Commitment] | None = None
) -> list[NewFootprint]:
    """Sign drafts, in their order; the list is empty afterwards, so that they are freed.

    Args:
        node: who signs.
        drafts: checked.
        commitments: to what they were calculated from, by their ids; most have none.
    """
    key, now = node.signing_key(KeyPurpose.FOOTPRINT), node.now()
    drafts.reverse()
    known = commitments or {}
    with _without_collection():
        signed = []
        while drafts:
            draft = drafts.pop()
            committed = known.get(draft.id)
            signed.append(
                sign(draft, key=key, issuer=node.identity.url, now=now, commitment=committed)
            )
        return signed


def _store(session: Session, node: Node, name: str, signed: Sequence[NewFootprint]) -> list[str]:
    """Write new footprints and the events that tell of them; returns who is told."""
    if not signed:
        return []
    ids = [one.id for one in signed]
    refuse_known(name, footprints.find_many(session, ids))
    footprints.add_all(session, signed, node.now())
    record(session, node, Act.FOOTPRINTS_PUBLISHED, ids, file=name)
    return tell(session, node, ids)


def record(
    session: Session, node: Node, act: Act, ids: Sequence[str], **detail: str | None
) -> None:
    """Put into the audit log what was done with own footprints."""
    audit.record(session, act, node.now(), footprint_ids=ids, detail=detail)


def refuse_known(name: str, known: Mapping[str, Footprint]) -> None:
    if known:
        message = f"{min(known)} has been published already"
        raise UnpublishableError([Problem(name, "", message, "Try again to compare the two.")])


def tell(
    session: Session, node: Node, ids: Sequence[str], *, lowest: Level = Level.TOTAL
) -> list[str]:
    """Put into the outbox that these footprints are new or changed; returns who is told.

    Args:
        lowest: the level from which on what has changed can be seen.
    """
    now = node.now()
    told = outbox.enqueue_published(
        session,
        grants.covering(session, ids, now, lowest=lowest),
        now,
        node_url=node.identity.url,
        give_up_after=give_up_after(node.settings),
    )
    return pins.names(session, set(told))


def _would_be_told(session: Session, node: Node, drafts: Sequence[Draft]) -> list[str]:
    keys: set[tuple[KeyKind, str]] = {(KeyKind.ALL, "")} if drafts else set()
    for draft in drafts:
        keys.add((KeyKind.FOOTPRINT, draft.id))
        keys.update(index_keys(FootprintIndex.of(draft.document)))
    granted = {
        peer_id
        for peer_id, kind, value in grants.in_force(session, node.now())
        if (kind, value) in keys
    }
    return pins.names(session, granted & set(peers.reachable(session)))
