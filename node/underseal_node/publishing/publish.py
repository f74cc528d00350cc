"""Publishing: import files.

Several files stand for themselves: each is published whole, in one transaction together with the
events that tell peers of it, or not at all, also when the process is killed. Checking and signing
happen before that, beside the event loop and a portion at a time, so that large files need little
memory.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.requests import give_up_after
from underseal_node.node import Node
from underseal_node.products.guard import require_not_calculated
from underseal_node.publishing.comparing import Compared, compare
from underseal_node.publishing.files import stream_file
from underseal_node.publishing.prepare import Draft, draft_of, sign
from underseal_node.publishing.results import (
    Imported,
    ImportResult,
    Outcome,
    Problem,
    UnpublishableError,
)
from underseal_node.publishing.spool import Spool
from underseal_node.store import audit, footprints, grants, outbox, peers, pins
from underseal_node.store.audit import Act
from underseal_node.store.batches import batches
from underseal_node.store.footprints import NewFootprint
from underseal_node.store.tables import Footprint, KeyKind
from underseal_protocol.commitment import Commitment
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
    with Spool(node.home.run) as spool:
        taken = await asyncio.to_thread(_take_in, node, name, content, seen, digits, spool, dry_run)
        named = [{"productIds": taken.products}]
        try:
            await node.store.read(lambda session: require_not_calculated(session, node, named))
        except RefusedError as error:
            raise UnpublishableError([Problem(name, "", error.message, error.hint)]) from None
        if dry_run:
            told = await node.store.read(lambda session: _would_be_told(session, node, taken.keys))
        else:
            told = await node.store.write(lambda session: _store(session, node, name, spool))
    return taken.imported, told


@dataclass
class _Taken:
    """What is known of a file when all of it was read.

    Attributes:
        imported: what becomes of its footprints.
        products: that the new ones are about.
        keys: by which grants cover the new ones.
    """

    imported: list[Imported] = field(default_factory=list)
    products: set[str] = field(default_factory=set)
    keys: set[tuple[KeyKind, str]] = field(default_factory=set)


def _take_in(
    node: Node,
    name: str,
    content: bytes,
    seen: dict[str, str],
    digits: int | None,
    spool: Spool,
    dry_run: bool,
) -> _Taken:
    """Read, check, compare and sign a file, a portion at a time: it may not fit into memory.

    Args:
        spool: gets the new footprints, signed; nothing in a dry run.

    Raises:
        UnpublishableError: one of them is no good; with the reasons of all.
    """
    taken, problems = _Taken(), list[Problem]()
    with _without_collection():
        for drafts in _drafts(node, name, content, seen, problems, digits):
            if problems:  # the others are looked at all the same, to find all problems
                continue
            try:
                compared = node.store.read_sync(
                    partial(_compare, drafts=drafts, name=name, node=node)
                )
            except UnpublishableError as error:
                problems += error.problems
                continue
            taken.imported += [_imported(one, name) for one in compared]
            fresh = [one.draft for one in compared if one.is_new]
            taken.products.update(urn for one in fresh for urn in one.document["productIds"])
            if dry_run:
                taken.keys.update(key for one in fresh for key in one.keys)
            else:
                spool.add(sign_all(node, fresh))
    if len(problems) >= MAX_PROBLEMS:
        more = f"there are more than {MAX_PROBLEMS} problems; these are the first"
        problems[MAX_PROBLEMS:] = [Problem(name, "", more)]
    if problems:
        raise UnpublishableError(problems)
    return taken


def _compare(session: Session, drafts: list[Draft], name: str, node: Node) -> list[Compared]:
    return compare(session, drafts, name, node.identity, node.now())


def _imported(one: Compared, name: str) -> Imported:
    outcome = Outcome.PUBLISHED if one.is_new else Outcome.UNCHANGED
    title = one.draft.document["productNameCompany"]
    return Imported(one.draft.id, title, name, outcome, one.draft.findings)


def _drafts(
    node: Node,
    name: str,
    content: bytes,
    seen: dict[str, str],
    problems: list[Problem],
    digits: int | None = None,
) -> Iterator[list[Draft]]:
    """The footprints of a file, complete and checked, in portions.

    Args:
        problems: is added to.
    """
    findings: dict[Finding, Finding] = {}  # most rows have the same few
    unread: set[str] = set()  # places; what is there is not missing
    now = node.now()
    for portion in batches(stream_file(name, content, node)):
        drafts: list[Draft] = []
        for read in portion:
            if len(problems) >= MAX_PROBLEMS:
                return
            if isinstance(read, Problem):
                problems.append(read)
                unread.add(read.place)
                continue
            made = draft_of(read, name, node.identity, now, digits=digits)
            if not isinstance(made, Draft):
                problems += (one for one in made if one.place not in unread)
                continue
            first = seen.setdefault(made.id, place := _place(made, name))
            if first is not place:
                problems.append(_twice(made, name, first))
            shared = tuple(findings.setdefault(one, one) for one in made.findings)
            drafts.append(replace(made, findings=shared))
        yield drafts


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


def _store(session: Session, node: Node, name: str, signed: Spool) -> list[str]:
    """Write new footprints and the events that tell of them; returns who is told."""
    ids = signed.ids
    if not ids:
        return []
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


def _would_be_told(session: Session, node: Node, keys: Set[tuple[KeyKind, str]]) -> list[str]:
    granted = {
        peer_id
        for peer_id, kind, value in grants.in_force(session, node.now())
        if (kind, value) in keys
    }
    return pins.names(session, granted & set(peers.reachable(session)))
