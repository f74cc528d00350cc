"""What becomes of a footprint when something is known under its id already: the whole table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlmodel import Session
from tests.node.conftest import StandingClock

from underseal_node.exchange.intake import Taken, reverify, take
from underseal_node.exchange.verification import Trust, UnusableItemError, classify, trust_in
from underseal_node.node import Node
from underseal_node.store import alerts, received
from underseal_node.store.exchange_tables import ReceivedFootprint
from underseal_node.store.tables import Peer
from underseal_protocol.credential import IssuedCredential, issue
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.segments import pack, render
from underseal_protocol.status import issue_status
from underseal_protocol.strict_json import JsonLimits

ISSUER = "https://supplier.example"
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
LIMITS = JsonLimits()

Json = dict[str, Any]
MakeFootprint = Callable[..., Json]


@dataclass
class Desk:
    """Where footprints of one peer arrive."""

    node: Node
    clock: StandingClock
    peer_id: int
    document: Json
    credential: IssuedCredential = field(repr=False)

    def signed(self, level: Level = Level.FULL, status: str = "Active", **changes: Any) -> bytes:
        """The footprint as its owner serves it; with changes, signed a second time."""
        if not changes:
            return render(pack(self.document, self.credential, ISSUER), level, status)
        document = self.document | changes
        again = issue(document, key=KEY, issuer=ISSUER, issued_at=self.clock())
        return render(pack(document, again, ISSUER), level, status)

    def plain(self, status: str = "Active", **changes: Any) -> bytes:
        """The footprint without a credential."""
        return json.dumps(self.document | {"status": status} | changes).encode()

    def unpin(self) -> None:
        """The peer is of another vendor: no keys are known."""

        def forget(session: Session) -> None:
            peer = self.peer(session)
            peer.is_underseal, peer.issuer, peer.key_set = False, None, None
            session.add(peer)

        self.node.store.write_sync(forget)

    def pin(self) -> None:
        """From now on the peer shows keys."""

        def show(session: Session) -> None:
            peer = self.peer(session)
            keys = PublicKeySet([KEY.public_key()])
            peer.is_underseal, peer.issuer = True, ISSUER
            peer.key_set = json.dumps(keys.to_jwks())
            session.add(peer)

        self.node.store.write_sync(show)

    def forged(self) -> bytes:
        """As served, with another name for the product."""
        name = json.dumps(self.document["productNameCompany"], ensure_ascii=False).encode()
        return self.signed().replace(name, b'"Something else"')

    def trust(self) -> Trust:
        return self.node.store.read_sync(lambda session: trust_in(self.peer(session)))

    def peer(self, session: Session) -> Peer:
        found = session.get(Peer, self.peer_id)
        assert found is not None
        return found

    def arrive(self, raw: bytes, statement: str | None = None) -> Taken:
        trust = self.trust()
        item = classify(raw, trust, LIMITS)
        return self.node.store.write_sync(
            lambda session: take(session, self.peer(session), item, trust, self.clock(), statement)
        )

    def statement(self, status: str = "Deprecated", key: SigningKey = KEY) -> str:
        return issue_status(
            footprint_id=self.document["id"],
            status=status,
            credential_digest=self.credential.digest,
            key=key,
            issuer=ISSUER,
            issued_at=self.clock(),
        )

    @property
    def row(self) -> ReceivedFootprint:
        found = self.node.store.read_sync(
            lambda session: received.find(session, self.peer_id, self.document["id"])
        )
        assert found is not None
        return found

    @property
    def alerts(self) -> list[str]:
        return [alert.kind for alert, _ in self.node.store.read_sync(alerts.listing)]


@pytest.fixture
def desk(node: Node, clock: StandingClock, make_footprint: MakeFootprint) -> Desk:
    keys = PublicKeySet([KEY.public_key()])

    def store(session: Session) -> int:
        peer = Peer(
            name="supplier",
            created_at=clock(),
            base_url=ISSUER,
            is_underseal=True,
            issuer=ISSUER,
            key_set=json.dumps(keys.to_jwks()),
        )
        session.add(peer)
        session.flush()
        return peer.id or 0

    document = make_footprint(comment="made of steel")
    issued = issue(document, key=KEY, issuer=ISSUER, issued_at=clock())
    return Desk(node, clock, node.store.write_sync(store), document, issued)


def test_the_same_again_changes_nothing(desk: Desk) -> None:
    assert desk.arrive(desk.signed()).outcome == "new"
    before = desk.row.model_dump()
    desk.clock.advance(hours=1)
    assert desk.arrive(desk.signed()).outcome == "unchanged"
    assert desk.row.model_dump() == before
    assert desk.alerts == []


def test_other_spaces_and_order_are_no_change_and_the_first_bytes_stay(desk: Desk) -> None:
    desk.arrive(desk.signed())
    first = desk.row.body
    reordered = dict(reversed(json.loads(desk.signed()).items()))
    assert desk.arrive(json.dumps(reordered, indent=1).encode()).outcome == "unchanged"
    assert desk.row.body == first == desk.signed()


def test_more_blocks_replace_fewer_and_fewer_replace_nothing(desk: Desk) -> None:
    desk.arrive(desk.signed(Level.TOTAL))
    assert desk.arrive(desk.signed(Level.BREAKDOWN)).outcome == "changed"
    assert json.loads(desk.row.withheld) == ["method", "other"]
    assert desk.arrive(desk.signed(Level.TOTAL)).outcome == "unchanged"
    assert json.loads(desk.row.withheld) == ["method", "other"]
    assert desk.alerts == []


def test_a_deprecation_is_taken_up_and_is_final(desk: Desk) -> None:
    desk.arrive(desk.signed())
    assert desk.arrive(desk.signed(status="Deprecated")).outcome == "changed"
    assert (desk.row.status, desk.row.status_statement) == ("Deprecated", None)
    taken = desk.arrive(desk.signed(status="Active"))
    assert (taken.outcome, desk.row.status) == ("refused", "Deprecated")
    assert desk.alerts == ["status"]


def test_a_signed_deprecation_counts_whatever_the_body_says(desk: Desk) -> None:
    desk.arrive(desk.signed())
    desk.arrive(desk.signed(status="Active"), desk.statement())
    assert desk.row.status == "Deprecated"
    assert desk.row.status_statement is not None


@pytest.mark.parametrize("broken", ["another key", "another footprint", "nonsense"])
def test_a_statement_that_does_not_verify_is_an_alert(desk: Desk, broken: str) -> None:
    statement = {
        "another key": desk.statement(key=SigningKey.generate(KeyPurpose.FOOTPRINT)),
        "another footprint": issue_status(
            footprint_id="00000000-0000-4000-8000-000000000000",
            status="Deprecated",
            credential_digest=desk.credential.digest,
            key=KEY,
            issuer=ISSUER,
            issued_at=desk.clock(),
        ),
        "nonsense": "a.b.c",
    }[broken]
    desk.arrive(desk.signed(), statement)
    assert (desk.row.status, desk.row.status_statement) == ("Active", None)
    assert desk.alerts == ["status-statement"]


def test_two_signatures_for_one_id_are_evidence(desk: Desk) -> None:
    desk.arrive(desk.signed())
    first = desk.row.body
    second = desk.signed(comment="made of tin")
    assert desk.arrive(second).outcome == "refused"
    assert desk.row.body == first
    assert desk.alerts == ["two-credentials"]
    ((alert, peer),) = desk.node.store.read_sync(alerts.listing)
    assert peer == "supplier"
    assert json.loads(alert.evidence or b"") == {
        "before": json.loads(first),
        "now": json.loads(second),
    }


def test_a_second_signature_is_noticed_at_the_lowest_level_too(desk: Desk) -> None:
    desk.arrive(desk.signed(Level.TOTAL))
    desk.arrive(desk.signed(Level.TOTAL, comment="made of tin"))
    assert desk.alerts == ["two-credentials"]


def test_whoever_has_signed_goes_on_signing(desk: Desk) -> None:
    desk.arrive(desk.signed())
    assert desk.arrive(desk.plain()).outcome == "refused"
    assert desk.row.verification == "verified"
    assert desk.alerts == ["credential-missing"]
    other = desk.document | {"id": "00000000-0000-4000-8000-000000000009"}
    taken = desk.arrive(json.dumps(other).encode())
    assert (taken.state, taken.outcome) == ("invalid", "new")


def test_unsigned_from_whom_never_signed_is_unsigned(desk: Desk) -> None:
    desk.unpin()
    assert desk.arrive(desk.plain()).state == "unsigned"
    assert desk.arrive(desk.plain()).outcome == "unchanged"
    assert desk.alerts == []


def test_a_credential_for_what_was_unsigned_is_welcome(desk: Desk) -> None:
    desk.unpin()
    desk.arrive(desk.plain())
    desk.pin()
    assert desk.arrive(desk.signed()).outcome == "changed"
    assert desk.row.verification == "verified"
    assert desk.alerts == []


def test_other_content_under_the_id_of_an_unsigned_one_is_refused(desk: Desk) -> None:
    desk.unpin()
    desk.arrive(desk.plain())
    assert desk.arrive(desk.plain(comment="made of tin")).outcome == "refused"
    desk.pin()
    assert desk.arrive(desk.signed(comment="made of tin")).outcome == "refused"
    assert json.loads(desk.row.body)["comment"] == "made of steel"
    assert set(desk.alerts) == {"changed"}


def test_what_was_forged_is_kept_as_invalid_and_replaced_by_the_true_one(desk: Desk) -> None:
    taken = desk.arrive(desk.forged())
    assert (taken.state, taken.outcome) == ("invalid", "new")
    assert desk.alerts == ["invalid"]
    assert desk.arrive(desk.signed()).outcome == "changed"
    assert (desk.row.verification, desk.row.reason) == ("verified", None)


def test_a_forgery_replaces_nothing(desk: Desk) -> None:
    desk.arrive(desk.signed())
    assert desk.arrive(desk.forged()).outcome == "refused"
    assert desk.row.verification == "verified"
    assert desk.alerts == ["invalid"]


def test_an_alert_is_raised_once(desk: Desk) -> None:
    desk.arrive(desk.signed())
    assert desk.arrive(desk.forged()).alert is not None
    assert desk.arrive(desk.forged()).alert is None
    assert desk.alerts == ["invalid"]


def test_what_breaks_the_schema_is_invalid_without_an_alert(desk: Desk) -> None:
    taken = desk.arrive(desk.plain(productIds=[]))
    assert (taken.state, taken.outcome, taken.alert) == ("invalid", "new", None)
    assert "productIds" in (desk.row.reason or "")


@pytest.mark.parametrize(
    "raw",
    [b"{}", b"[]", b"7", b'{"id":7}', b'{"id":"x"}', b'{"id":"%s"}' % (b"g" * 36), b"{", b"\xff"],
)
def test_what_has_no_id_cannot_be_kept(desk: Desk, raw: bytes) -> None:
    with pytest.raises(UnusableItemError):
        classify(raw, desk.trust(), LIMITS)


def test_a_credential_is_not_believed_without_pinned_keys(desk: Desk) -> None:
    item = classify(desk.signed(), Trust(None, None, False), LIMITS)
    assert item.state == "invalid"
    assert "no keys" in (item.reason or "")


def test_a_credential_of_another_issuer_is_invalid(desk: Desk) -> None:
    trust = desk.trust()
    item = classify(desk.signed(), Trust(trust.keys, "https://other.example", False), LIMITS)
    assert item.state == "invalid"
    assert "other.example" in (item.reason or "")


def test_after_new_keys_are_confirmed_what_they_signed_is_verified(desk: Desk) -> None:
    new = SigningKey.generate(KeyPurpose.FOOTPRINT)
    signed = issue(desk.document, key=new, issuer=ISSUER, issued_at=desk.clock())
    desk.arrive(render(pack(desk.document, signed, ISSUER), Level.FULL, "Active"))
    assert desk.row.verification == "invalid"

    def confirm(session: Session) -> int:
        peer = desk.peer(session)
        peer.key_set = json.dumps(PublicKeySet([new.public_key()]).to_jwks())
        session.add(peer)
        return reverify(session, desk.peer_id, trust_in(peer), LIMITS)

    assert desk.node.store.write_sync(confirm) == 1
    assert desk.row.verification == "verified"


def test_who_shows_keys_signs(desk: Desk) -> None:
    taken = desk.arrive(desk.plain())
    assert (taken.state, taken.outcome) == ("invalid", "new")


def test_a_forgery_does_not_become_usable_by_losing_its_credential(desk: Desk) -> None:
    desk.arrive(desk.forged())
    stripped = json.loads(desk.forged())
    del stripped["extensions"]
    desk.arrive(json.dumps(stripped).encode())
    assert desk.row.verification == "invalid"
    desk.unpin()  # not even where no keys are known
    desk.arrive(json.dumps(stripped).encode())
    assert desk.row.verification == "invalid"


@pytest.mark.parametrize("other", ["0.1000000000000000000000000001", "0.10000000000000001"])
def test_another_number_of_the_same_double_was_not_signed(desk: Desk, other: str) -> None:
    raw = desk.signed(ownProperty=0.1)
    assert desk.arrive(raw.replace(b":0.1}", f":{other}}}".encode())).state == "invalid"
    assert desk.arrive(raw).state == "verified"


def test_a_credential_is_seen_however_its_slashes_are_written(desk: Desk) -> None:
    desk.arrive(desk.forged().replace(b"/", b"\\/"))
    assert desk.row.verification == "invalid"
    stripped = json.loads(desk.forged())
    del stripped["extensions"]
    desk.unpin()
    desk.arrive(json.dumps(stripped).encode())
    assert desk.row.verification == "invalid"
