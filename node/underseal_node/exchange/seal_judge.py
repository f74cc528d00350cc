"""The worker that judges sealed sums again when this node knows others, or knows them differently.

A verdict says whose endorsements count for us. It is outdated when an endorser has become a partner
or has ceased to be one, or has revoked a key, when the roster of its endorsers is trusted, or no
more, or when a verifier attests the quantities. That is seen from what it says and from what is
pinned, without a proof; only outdated ones are judged.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from underseal_node.errors import NodeError
from underseal_node.exchange.watch import wait
from underseal_node.node import Node
from underseal_node.sealing.judging import Reader, judge, reader_of, require_still_bound
from underseal_node.store import pins, received, received_seals
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.seal_tables import ReceivedSeal, SealState
from underseal_protocol.errors import ProtocolError
from underseal_protocol.seal.sealed_sum import SealedSum, read_sealed_sum
from underseal_protocol.seal.trust import Standing, TrustList
from underseal_protocol.seal.verdict import Grade, SealVerdict
from underseal_protocol.seal.verifier import read_sealed

__all__ = ["SealJudge"]

log = structlog.get_logger(__name__)

LOOK_SECONDS = 30.0


class SealJudge:
    """Judges again what is outdated; one of all processes is enough (`worker.run_workers`).

    Args:
        node: in the role `manage`.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._seen = b""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            await self.step()
            await wait(stop, LOOK_SECONDS)

    async def step(self) -> None:
        """Look once; nothing is read but what is pinned, unless that has changed."""
        try:
            known = await self._node.store.read(self._known)
            if known == self._seen:
                return
            for key in await self._node.store.read(received_seals.verified):
                await self._look(*key)
            self._seen = known
        except SQLAlchemyError:
            log.exception("sealed sums cannot be judged again; it is tried again")

    def _known(self, session: Session) -> bytes:
        """All that a verdict depends on, in short; the day is of it, as attestations expire."""
        parts = (self._node.now().date(), *received_seals.circumstances(session))
        return hashlib.sha256(repr(parts).encode()).digest()

    async def _look(self, peer_id: int, footprint_id: str) -> None:
        """Judge one again, if it is outdated."""
        try:
            held, reader = await self._node.store.read(
                lambda session: self._of(session, peer_id, footprint_id)
            )
        except (NodeError, ProtocolError) as error:
            log.warning("a sealed sum is not judged", id=footprint_id, reason=error.message)
            return
        if (
            held is None
            or reader is None
            or not await asyncio.to_thread(_is_outdated, held, reader)
        ):
            return
        verdict: SealVerdict | None = None
        reason = None
        try:
            verdict = await asyncio.to_thread(self._judged, held, reader)
        except (NodeError, ProtocolError) as error:
            reason = error.message
        await self._node.store.write(lambda session: self._keep(session, held, verdict, reason))

    def _of(
        self, session: Session, peer_id: int, footprint_id: str
    ) -> tuple[ReceivedSeal | None, Reader | None]:
        held = received_seals.find(session, peer_id, footprint_id)
        row = received.find(session, peer_id, footprint_id)
        return held, None if row is None else reader_of(session, self._node, row)

    def _judged(self, held: ReceivedSeal, reader: Reader) -> SealVerdict:
        found = read_sealed_sum(held.body.encode())
        require_still_bound(reader, found, held.received_at)
        # What counts of a key that was revoked is whether the document was here before.
        return judge(self._node, reader, found, time=held.received_at, is_bound=True)

    def _keep(
        self,
        session: Session,
        held: ReceivedSeal,
        verdict: SealVerdict | None,
        reason: str | None,
    ) -> None:
        now = self._node.now()
        row = received_seals.find(session, held.peer_id, held.footprint_id)
        if row is None or row.body != held.body:
            return  # another one has come meanwhile
        row.state = SealState.INVALID if verdict is None else SealState.VERIFIED
        row.verdict = None if verdict is None else json.dumps(verdict.to_json())
        row.reason, row.judged_at = reason, now
        received_seals.keep(session, row)
        log.info("a sealed sum was judged again", id=row.footprint_id, state=row.state)
        if reason is None:
            return
        name = pins.peer_row(session, row.peer_id).name
        raise_alert(
            session,
            AlertKind.SEALED_SUM,
            f"the sealed sum of {row.footprint_id} of {name} does not hold any more: {reason}",
            now,
            peer_id=row.peer_id,
            footprint_id=row.footprint_id,
            evidence=row.body.encode(),
        )


def _is_outdated(held: ReceivedSeal, reader: Reader) -> bool:
    """Whether another verdict could come of what is known now."""
    if held.state != SealState.VERIFIED or held.verdict is None:
        return False
    verdict = json.loads(held.verdict)
    try:
        found = read_sealed_sum(held.body.encode())
        require_still_bound(reader, found, held.received_at)
        endorsers = verdict["endorsers"]
        if any(_stands(one, reader.trusted, held.received_at) for one in endorsers):
            return True
        said = verdict.get("roster")
        if said is not None and _is_other_roster(said, found, reader, held.received_at):
            return True
    except ProtocolError:
        return True
    attested = any(
        one.books is not None and one.books.sealed_sum == verdict["digest"]
        for one in reader.attestations
    )
    return bool(attested != (verdict["grade"] == Grade.ATTESTED))


def _stands(endorser: dict[str, object], trusted: TrustList, time: datetime) -> bool:
    """Whether an endorser is something else to us than when it was judged."""
    now = trusted.standing(str(endorser["supplier"]), str(endorser["kid"]), time)
    return now is not Standing(str(endorser["standing"]))


def _is_other_roster(
    said: Mapping[str, Any], found: SealedSum, reader: Reader, time: datetime
) -> bool:
    """Whether a roster is something else to us than when it was judged, or its issuer is.

    Raises:
        ProtocolError: its key is known to be revoked, or the document is none any more.
    """
    use = read_sealed(found.document).roster
    if use is None:
        return True
    is_known = reader.trusted.knows_roster(use.roster, time)
    return is_known is not said["isKnown"] or use.roster.issuer in reader.publishers
