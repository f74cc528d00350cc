"""A roster with its members, for the tests of hidden endorsements."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from tests.protocol.seal.parties import CONTEXT, CREATED, CREDENTIAL, CUSTOMER, supplier
from tests.vectors.seal.sum_cases import drng

from underseal_protocol.bbs.keys import SecretKey
from underseal_protocol.roster.hidden import HiddenEndorsement, HiddenOpening, endorse_hidden
from underseal_protocol.roster.membership import Membership, admit, apply, join
from underseal_protocol.roster.roster import Member, Roster
from underseal_protocol.seal.numbers import SealedProperty

ISSUER = "https://association.example"
KEY = SecretKey.derived(b"the key of the roster of the association")
DAY = 86_400


def roster(**changes: Any) -> Roster:
    """A roster in the epoch in which the customer's footprint is created."""
    given: dict[str, Any] = {
        "issuer": ISSUER,
        "name": "cells and packs",
        "key": KEY.public_key,
        "not_before": int((CREATED - timedelta(days=30)).timestamp()),
        "not_after": int((CREATED + timedelta(days=60)).timestamp()),
    }
    return Roster(**(given | changes))


ROSTER = roster()


@cache
def membership(name: str, within: Roster = ROSTER, key: SecretKey = KEY) -> Membership:
    """Of the node `https://NAME.example`, always the same."""
    member = Member(f"https://{name}.example", f"LEI of {name}")
    random_bytes = drng(f"membership of {name}")
    application, wish = apply(random_bytes)
    admission = admit(key, within, member, application, admitted=[], random_bytes=random_bytes)
    return join(within, member, wish, admission)


PACK = membership("pack")
assert PACK.member.url == CUSTOMER


def endorsed(
    name: str = "s0", unit: str = "kilogram", **changes: Any
) -> tuple[HiddenEndorsement, HiddenOpening]:
    """By a member, for the customer's footprint."""
    given: dict[str, Any] = {
        "membership": membership(name),
        "credential_digest": CREDENTIAL,
        "sealed": SealedProperty.FOSSIL,
        "customer": CUSTOMER,
        "context": CONTEXT,
    }
    document = supplier(name, declaredUnitOfMeasurement=unit).document
    return endorse_hidden(document, **(given | changes))
