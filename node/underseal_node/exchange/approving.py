"""Approving a partnership: whoever has registered has to be at the address that it has registered.

Whoever has only read an invitation on its way can name the address of the company that it was for.
So the address is looked at first. Keys that it shows and that are not those registered are a
refusal. If nobody shows keys there, as with a small supplier that has no public address, a person
has to have compared the words.
"""

from __future__ import annotations

import asyncio
import shlex

from sqlmodel import Session

from underseal_node.errors import PeerError, RefusedError
from underseal_node.exchange.discovery import Found, discover
from underseal_node.exchange.errors import (
    AddressError,
    ConfirmationNeededError,
    KeysNotShownError,
)
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.following import follow
from underseal_node.store import audit, pins
from underseal_node.store.audit import Act, Actor
from underseal_node.store.tables import Assurance, Peer
from underseal_node.trust import partnerships
from underseal_node.trust.fingerprints import check_words, own_fingerprint, pinned_fingerprint
from underseal_node.trust.partnerships import Move
from underseal_protocol.errors import KeyLogError

__all__ = ["approve"]

LOOK_SECONDS = 15.0


async def approve(
    exchange: Exchange, peer_id: int, *, words: str | None = None, actor: Actor = Actor.OPERATOR
) -> None:
    """Approve a partnership that waits for us.

    Args:
        exchange: looks at the address.
        peer_id: who has registered.
        words: of its fingerprint, as somebody has read them out; compared, and then they stand
            for an address that shows no keys.
        actor: who approves.

    Raises:
        NotFoundError: there is no such peer.
        RefusedError: it does not wait for us, the words are others, or it has changed meanwhile.
        ConfirmationNeededError: its address shows other keys than it has registered.
        KeysNotShownError: its address shows none, and nobody has compared the words.
    """
    node = exchange.node

    def chosen(session: Session) -> Peer:
        peer = pins.peer_row(session, peer_id)
        partnerships.require_move(peer, Move.APPROVE)
        expected = pinned_fingerprint(peer)
        if words is not None and expected is not None:
            check_words(expected, words, f"the keys pinned for {peer.name}")
        return peer

    peer = await node.store.read(chosen)
    found = await _look(exchange, peer)
    is_compared = words is not None or peer.assurance == Assurance.CONFIRMED

    def work(session: Session) -> None:
        current, now = pins.peer_row(session, peer_id), node.now()
        if (current.key_set, current.base_url) != (peer.key_set, peer.base_url):
            raise RefusedError(f"{peer.name} has changed meanwhile", hint="Look at it once more.")
        if found.key_set is not None:
            _require_same(session, exchange, current, found)
        elif not is_compared:
            raise _not_shown(exchange, current, found)
        partnerships.move(session, current, Move.APPROVE, now, actor=actor)
        if words is not None:
            partnerships.confirm(session, current)
            audit.about_peer(session, Act.PEER_CONFIRMED, now, current, words=True)

    await node.store.write(work)


async def _look(exchange: Exchange, peer: Peer) -> Found:
    """What the address of a peer shows; that it must not be called is one more reason for none."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await discover(exchange.http, peer, attempts=1)
    except TimeoutError:
        return Found("", problems=(f"it did not answer within {LOOK_SECONDS:.0f} s",))
    except AddressError as error:
        return Found("", problems=(error.message,))


def _require_same(session: Session, exchange: Exchange, peer: Peer, found: Found) -> None:
    """The keys at the address are those registered, or follow from them by signatures.

    Raises:
        ConfirmationNeededError: they do not.
    """
    if found.key_set == peer.key_set:
        return
    why = "it has no key log that leads from these to the others"
    if found.key_log:
        try:
            now = exchange.node.now()
            followed = follow(session, peer, found.key_log, now)
            if followed.accepted:
                act, actor = Act.KEY_LOG_FOLLOWED, Actor.NODE
                audit.about_peer(session, act, now, peer, actor=actor, entries=followed.accepted)
        except (KeyLogError, PeerError) as error:
            why = error.message
    if found.key_set != peer.key_set:
        name = shlex.quote(peer.name)
        raise ConfirmationNeededError(
            f"at {peer.base_url} there is a node with other keys than those that {peer.name} has "
            f"registered: {why}",
            hint="Somebody else may have used the invitation under that address. Ask the company "
            "on another way; if it does not know this registration, run `underseal peer reject "
            f"{name} --reason TEXT` and invite it again.",
        )


def _not_shown(exchange: Exchange, peer: Peer, found: Found) -> KeysNotShownError:
    theirs, ours = pinned_fingerprint(peer), own_fingerprint(exchange.node.current())
    why = "; ".join(found.problems) or "there is no Underseal node there"
    return KeysNotShownError(
        f"nobody at {peer.base_url} shows the keys that {peer.name} has registered ({why}), so it "
        "may be somebody else who has registered under that address",
        hint="Call a person you know there and compare:\n"
        f"  their words   {'none' if theirs is None else theirs.words}\n"
        f"  our words     {ours.words}\n"
        "Then approve with the words that they read out: underseal peer approve "
        f'{shlex.quote(peer.name)} --words "..."',
    )
