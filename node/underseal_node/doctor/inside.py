"""The node itself: its process, database and disk, and what waits for the operator."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from underseal_node.doctor.checks import Check, ok, problem, warning
from underseal_node.errors import AuditLogError, ConfigurationError
from underseal_node.logs import redact
from underseal_node.node import Node
from underseal_node.store import alerts, gauges, identity, inbox, leases, peers
from underseal_node.store.database import time_of
from underseal_node.store.tables import Peer, PeerState
from underseal_node.trust import partnerships
from underseal_node.trust.audit import checked_end
from underseal_node.trust.keyring import newest_entry
from underseal_node.trust.master_key import place_of, read_master_key

__all__ = ["look_inside"]

FREE_BYTES = 512 * 1024 * 1024
LATE = timedelta(minutes=10)
HOSTS_SKEW_SECONDS = 2.0  # a second is what hosts may differ; the question takes time, too
MEBIBYTE = 1024 * 1024

WAITING = (
    (
        "outbox_dead",
        "outbox",
        "events that could not be delivered: {}",
        "`underseal outbox list` says why; `underseal outbox retry ID` sends one again.",
    ),
    (
        "outbox_paused",
        "outbox",
        "events that are paused since this node was restored: {}",
        "`underseal outbox list` shows them; `underseal outbox retry ID` sends one.",
    ),
    (
        "requests_waiting",
        "requests",
        "requests that wait for your answer: {}",
        "`underseal request list --incoming` shows them.",
    ),
)


async def look_inside(node: Node) -> list[Check]:
    """Look at the node."""
    return [
        _process(node),
        *await _database(node),
        _disk(node),
        *_master_key(node),
        *_settings(node),
    ]


def _process(node: Node) -> Check:
    """The file by which the commands find the running node."""
    hint = "Restart it with `underseal serve`."
    try:
        pid = int(json.loads(node.home.run_file.read_bytes())["pid"])
        os.kill(pid, 0)
    except OSError as error:
        message = f"{node.home.run_file} names no running node: {error.strerror}"
        return warning("process", message, hint)
    except (ValueError, KeyError, TypeError):
        return warning("process", f"{node.home.run_file} cannot be read", hint)
    return ok("process", f"the node runs as process {pid}")


async def _database(node: Node) -> list[Check]:
    now = node.now()
    try:
        # Takes the lock that every change needs.
        await node.store.write(identity.load)
        found = await node.store.read(lambda session: _waiting(session, now))
    except SQLAlchemyError as error:
        reason = redact(str(getattr(error, "orig", None) or type(error).__name__))
        message = f"the database cannot be used: {reason}"
        return [problem("database", message, "Check the disk, and what else uses the database.")]
    keys = await node.store.read(_recovery_key)
    log = await node.store.read(_audit_log)
    theirs = await node.store.read(time_of)
    clocks = [] if theirs is None else [_database_clock(node.now(), theirs)]
    works = ok("database", "the database can be read and written")
    return [works, *clocks, keys, log, *found]


def _database_clock(here: datetime, theirs: datetime) -> Check:
    seconds = abs((here - theirs).total_seconds())
    if seconds <= HOSTS_SKEW_SECONDS:
        return ok("database clock", "the clock agrees with that of the database")
    message = f"the clocks of this machine and of the database differ by {seconds:.0f} seconds"
    hint = "Set all hosts by NTP: leases, tokens and the limit of requests go by their clocks."
    return warning("database clock", message, hint)


def _recovery_key(session: Session) -> Check:
    """Without one, whoever steals the keys has them for good."""
    if newest_entry(session).recovery is None:
        message = "this node has no recovery key: a theft of its keys could not be undone"
        return warning("recovery key", message, "Make one with `underseal key recovery --new`.")
    return ok("recovery key", "there is a recovery key; make sure that you know where")


def _audit_log(session: Session) -> Check:
    """Whether it can go on: its end is compared with the newest signed head."""
    try:
        end = checked_end(session)
    except AuditLogError as error:
        hint = (
            "`underseal audit verify` says more. What is done meanwhile is kept beside the log. "
            "Find out who can write into the database, and restore a backup from before."
        )
        return problem("audit log", error.message, hint)
    where = f"ends where it was signed, with entry {end.size}" if end.size else "is empty"
    return ok("audit log", f"the audit log {where}")


def _disk(node: Node) -> Check:
    free = shutil.disk_usage(node.home.path).free
    message = f"{free // MEBIBYTE} MiB are free in {node.home.path}"
    if free < FREE_BYTES:
        return problem(
            "disk", message, "Make room: without it, nothing can be published or received."
        )
    return ok("disk", message)


def _master_key(node: Node) -> list[Check]:
    """Where it is, and whether it is still there: it was read when the node started."""
    try:
        place = place_of(node.home, node.settings)
        read_master_key(node.home, node.settings)
    except ConfigurationError as error:
        return [problem("master key", error.message, error.hint or "")]
    checks = [ok("master key", f"the master key is in {place}")]
    left = node.home.master_key_file
    if place.file != left and left.exists():
        message = f"{left} is not used: the master key is in {place}"
        checks.append(warning("master key", message, "Move it to where your other keys are kept."))
    return checks


def _settings(node: Node) -> list[Check]:
    if not node.settings.allow_private_networks:
        return []
    return [
        warning(
            "private networks",
            "calls to peers may go to loopback and private addresses",
            "Unset allow_private_networks unless your peers are in one private network with you.",
        )
    ]


def _waiting(session: Session, now: datetime) -> list[Check]:
    counted = {
        name.removeprefix("underseal_"): int(value) for name, _, value in gauges.measure(session)
    }
    checks = [_workers(session, now)]
    if counted["alerts"]:
        latest = alerts.listing(session, limit=1)[0][0].message
        message = f"alerts: {counted['alerts']}; the latest: {latest}"
        checks.append(warning("alerts", message, "`underseal alert list` shows them all."))
    checks += [
        warning(name, message.format(counted[key]), hint)
        for key, name, message, hint in WAITING
        if counted[key]
    ]
    failing = peers.failing(session)
    for peer in peers.listing(session):
        if peer.state == PeerState.ACTIVE:
            checks += _peer(peer, peer.id in failing, failing.get(peer.id or 0))
    return checks


def _workers(session: Session, now: datetime) -> Check:
    """Whether what is due has been tried: by the outbox and the inbox worker."""
    late = now - LATE
    left = len(leases.waiting_peers(session, late))
    left += sum(row.received_at < late for row in inbox.due(session, late))
    if left:
        message = f"what has been due for {LATE.seconds // 60} minutes is not being worked on"
        return warning("workers", message, "Restart the node; its log says what stopped the work.")
    return ok("workers", "events are delivered and handled when they are due")


def _peer(peer: Peer, is_failing: bool, last_error: str | None) -> list[Check]:
    name = f"peer {peer.name}"
    change = f"underseal peer set {peer.name}"
    checks = []
    if peer.pending_token_endpoint is not None:
        message = (
            f"its token endpoint has moved from {peer.token_origin} to "
            f"{peer.pending_token_endpoint}; calls to it have stopped"
        )
        hint = f"Ask {peer.name} on another way, then `{change} --confirm-endpoint`."
        checks.append(problem(name, message, hint))
    if peer.pending_key_set is not None:
        hint = f"Ask {peer.name} on another way, then `{change} --confirm-keys`."
        checks.append(problem(name, "it shows other keys than before", hint))
    if peer.base_url is not None and not peers.has_credentials(peer):
        message = "it has a URL, and we hold no credentials for it"
        hint = f"`{change} --client-id ID --client-secret-file FILE`."
        checks.append(warning(name, message, hint))
    if peer.ended_by_peer_at is not None:
        message = f"{partnerships.end_by_peer(peer)}; it is not called any more"
        checks.append(problem(name, message, partnerships.end_advice(peer.name)))
    elif is_failing:
        message = f"events cannot be delivered to it at present: {last_error}"
        checks.append(warning(name, message, "They are tried again; `underseal outbox list`."))
    elif peer.base_url is not None and peer.last_contact_at is None:
        hint = "It may be down, or its URL wrong; `underseal pull` tells."
        checks.append(warning(name, "it has never been reached", hint))
    return checks
