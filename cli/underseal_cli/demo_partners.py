"""The demo: the companies become partners, and grant what each may see."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from underseal_cli.demo_cast import CATHODE, CELL, PACK, REFINER, Cast, side_by_side
from underseal_cli.demo_story import Story

__all__ = ["befriend", "grant"]

LITHIUM_GTIN = "urn:gtin:2010000001011"
CATHODE_CLASSIFICATION = "urn:pact:ec.europa.eu:cn-code:28419085"


@dataclass(frozen=True)
class Step:
    """To be told once it is its turn.

    Attributes:
        what: was done.
        outcome: of it.
        ok: whether that is as it should be.
    """

    what: str
    outcome: str
    ok: bool


def befriend(cast: Cast, story: Story) -> None:
    # Two pairs at a time, which have no company in common.
    for first, second in [
        (partial(invite, cast, CATHODE, REFINER), partial(invite, cast, PACK, CELL)),
        (partial(invite, cast, CELL, CATHODE), partial(by_hand, cast, REFINER, PACK)),
    ]:
        for steps in side_by_side(first, second):
            for step in steps:
                story.check(step.what, step.outcome, ok=step.ok)


def invite(cast: Cast, customer: str, supplier: str) -> list[Step]:
    """The customer invites, the supplier accepts, the customer approves."""
    file = cast.bench.directory / f"{customer}-invites-{supplier}.json"
    started = time.monotonic()
    cast.node(customer).run("peer", "invite", supplier, "--out", str(file))
    cast.node(supplier).run("peer", "accept", str(file), "--name", customer)
    waiting = cast.node(customer).look(f"/peers/{supplier}")
    cast.node(customer).run("peer", "approve", supplier)
    seconds = time.monotonic() - started
    at_customer = cast.node(customer).look(f"/peers/{supplier}")
    at_supplier = cast.node(supplier).look(f"/peers/{customer}")
    own = cast.node(supplier).look("/node")["fingerprint"]["words"]
    return [
        Step(
            f"{customer}: peer invite {supplier}; {supplier}: peer accept; "
            f"{customer}: peer approve",
            f"partners after {seconds:.1f} s, each with the keys of the other, no secret shared",
            ok=waiting["state"] == "pending"
            and all(
                peer["state"] == "active" and peer["authMethod"] == "private_key_jwt"
                for peer in (at_customer, at_supplier)
            ),
        ),
        Step(
            f"{customer} and {supplier} compare by phone",
            f"{own}",
            ok=own == at_customer["fingerprint"]["words"],
        ),
    ]


def by_hand(cast: Cast, supplier: str, customer: str) -> list[Step]:
    """As with a solution that is not Underseal: each types in what the other issued."""
    at_supplier = add_peer(cast, supplier, customer)
    at_customer = add_peer(cast, customer, supplier, issued=at_supplier)
    secret = secret_file(cast, supplier, customer, at_customer["client_secret"])
    cast.node(supplier).run(
        *("peer", "set", customer, "--client-id", at_customer["client_id"]),
        *("--client-secret-file", secret),
    )
    peers = [
        cast.node(supplier).look(f"/peers/{customer}"),
        cast.node(customer).look(f"/peers/{supplier}"),
    ]
    return [
        Step(
            f"{supplier} and {customer}: peer add on both sides, as with any PACT solution",
            "each holds a secret of the other and has pinned its keys",
            ok=all(
                peer["state"] == "active" and peer["hasCredentials"] and peer["keyThumbprints"]
                for peer in peers
            ),
        )
    ]


def secret_file(cast: Cast, holder: str, issuer: str, secret: str) -> str:
    file = cast.bench.directory / f"{holder}-at-{issuer}.secret"
    file.touch(mode=0o600)
    file.write_text(secret, encoding="utf-8")
    return str(file)


def add_peer(
    cast: Cast, owner: str, peer: str, *, issued: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Register `peer` at `owner`; the answer has the credentials that the owner issued to it."""
    options: tuple[str, ...] = ()
    if issued is not None:
        file = secret_file(cast, owner, peer, issued["client_secret"])
        options = ("--client-id", issued["client_id"], "--client-secret-file", file)
    added: dict[str, Any] = cast.node(owner).json(
        "peer", "add", peer, "--url", cast.node(peer).url, *options
    )
    cast.credentials[owner, peer] = added
    return added


def grant(cast: Cast, story: Story) -> None:
    given = [
        (REFINER, CATHODE, ("--product-id", LITHIUM_GTIN), "quality"),
        (CATHODE, CELL, ("--classification", CATHODE_CLASSIFICATION), "total"),
        (CELL, PACK, ("--all",), "breakdown"),
    ]
    side_by_side(
        *(
            partial(cast.node(owner).run, "grant", "add", peer, *what, "--level", level)
            for owner, peer, what, level in given
        )
    )
    for owner, peer, what, level in given:
        granted = cast.node(owner).look(f"/grants?peer={peer}")["data"]
        story.check(
            f"{owner}: grant add {peer} {what[0]} --level {level}",
            f"{peer} may see {what[1] if len(what) > 1 else 'everything'}",
            ok=[item["level"] for item in granted] == [level],
        )
