"""Invitations and replies: what was altered, forged, expired or meant for others is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol import jws
from underseal_protocol.acceptance import (
    ACCEPTANCE_TYPE,
    Reply,
    read_reply,
    reply_document,
    reply_to,
)
from underseal_protocol.errors import InvitationError
from underseal_protocol.invitation import (
    INVITATION_TYPE,
    Invitation,
    Terms,
    invitation_link,
    invite,
    parse_link,
    read_invitation,
)
from underseal_protocol.key_log import KeyLogEntry, first_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.onboarding import Company
from underseal_protocol.registration_token import check_proof, prove_token, token_key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
A, B = "https://pack.example", "https://cathode.example"
LEI_A, LEI_B = "urn:lei:529900T8BM49AURSDO55", "urn:lei:5493001KJTIIGC8Y1R12"
PACK, CATHODE = Company("Pack AG", (LEI_A,)), Company("正极材料", (LEI_B, "urn:pact:x.example:c:1"))
TOKEN = "t" * 43
Json = dict[str, Any]


def node(url: str) -> tuple[SigningKey, KeyLogEntry]:
    key = SigningKey.generate(KeyPurpose.IDENTITY)
    others = [SigningKey.generate(one) for one in (KeyPurpose.CLIENT, KeyPurpose.FOOTPRINT)]
    keys = PublicKeySet([one.public_key() for one in (key, *others)])
    return key, first_entry(url=url, keys=keys, recovery=None, key=key, issued_at=NOW)


KEY_A, ENTRY_A = node(A)
KEY_B, ENTRY_B = node(B)


def document(terms: Terms = Terms(), *, key: SigningKey = KEY_A, **changes: Any) -> Json:  # noqa: B008
    made = invite(
        invitation_id="8f4d6a1e-0000-4000-8000-000000000001",
        company=PACK,
        entry=ENTRY_A,
        client_id="client-b",
        terms=terms,
        key=key,
        issued_at=NOW,
        expires_at=NOW + timedelta(days=7),
    )
    return json.loads(json.dumps(made | {"token": TOKEN} | changes))  # type: ignore[no-any-return]


def read(given: Any, *, now: datetime = NOW, **changes: Any) -> Invitation:
    reader: Json = {"url": B, "company_ids": CATHODE.ids} | changes
    return read_invitation(given, now=now, **reader)


def registration(invitation: Invitation | None = None, key: SigningKey = KEY_B) -> Json:
    made = reply_to(
        invitation or read(document()),
        company=CATHODE,
        entry=ENTRY_B,
        client_id="client-a",
        client_expires_at=NOW + timedelta(days=365),
        key=key,
        issued_at=NOW,
    )
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


def test_an_invitation_says_who_invites_whom_to_what() -> None:
    terms = Terms(B, LEI_B.lower(), is_pre_approved=True, offers=("urn:gtin:4712345060507",))
    found = read(document(terms))
    assert found.company == PACK
    assert (found.issuer, found.client_id, found.token) == (A, "client-b", TOKEN)
    assert found.entry == ENTRY_A
    assert found.terms == terms
    assert found.expires_at == NOW + timedelta(days=7)
    assert TOKEN not in repr(found)


def test_what_names_no_url_is_not_approved_beforehand() -> None:
    terms = Terms(for_company_id=LEI_B.lower(), is_pre_approved=True)
    assert not read(document(terms)).terms.is_pre_approved


def test_the_token_is_no_part_of_what_is_signed_or_shown() -> None:
    made = document()
    assert TOKEN not in json.dumps({**made, "token": ""})


def test_a_link_holds_the_token_in_its_fragment_only() -> None:
    link = invitation_link(A, "id-1", TOKEN)
    address, token = parse_link(f" {link}\n")
    assert token == TOKEN
    assert TOKEN not in address
    assert read({**document(), "token": ""}, token=token).token == TOKEN


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("http://pack.example/extensions/invitations/1#t", "not the link"),
        ("https://pack.example/other#t", "not the link"),
        ("https://pack.example/extensions/invitations/1?x=1#t", "not the link"),
        ("https://[pack/extensions/invitations/1#t", "not the link"),
        ("https://pack.example/extensions/invitations/1", "what follows # is missing"),
    ],
)
def test_what_is_no_link_is_refused(link: str, reason: str) -> None:
    with pytest.raises(InvitationError, match=reason):
        parse_link(link)


def resigned(key: SigningKey = KEY_A, **changes: Any) -> Json:
    made = document()
    claims = jws.parse(made["invitation"]).payload | changes
    claims = {name: value for name, value in claims.items() if value is not ...}
    return made | {"invitation": jws.sign(claims, typ=INVITATION_TYPE, key=key)}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "not an invitation of Underseal"),
        ([], "not an invitation of Underseal"),
        ({}, "not an invitation of Underseal"),
        (document(type="underseal-reply"), "not an invitation of Underseal"),
        (document(version=2), "has the version 2"),
        (document(token=""), "no registration token"),
        (document(token=5), "no registration token"),
        (document(invitation=None), "is not signed"),
        (document(invitation="a.b.c"), "altered or forged"),
        (document(keyLog=[]), "not exactly one entry"),
        (document(keyLog=["a.b.c"]), "not usable"),
        (document(keyLog=[ENTRY_B.token]), "altered or forged"),
        (resigned(KEY_B), "altered or forged"),
        (resigned(iss=B), "altered or forged"),
        (resigned(key_log=ENTRY_B.digest), "altered or forged"),
        (resigned(version=9), "has the version 9"),
        (resigned(company=...), "names no company"),
        (resigned(company={"name": "x" * 201, "ids": [LEI_A]}), "very long name"),
        (resigned(company={"name": "x", "ids": []}), "no company ids"),
        (resigned(company={"name": "x", "ids": [5]}), "malformed company ids"),
        (resigned(exp=...), "no usable exp"),
        (resigned(client_id=7), "no usable client_id"),
        (resigned(offers="all"), "list of offers"),
        (resigned(for_url=7), "whom it is for"),
    ],
)
def test_what_is_not_a_good_invitation_is_refused(given: Any, reason: str) -> None:
    with pytest.raises(InvitationError, match=reason):
        read(given)


def test_an_invitation_has_an_end() -> None:
    end = NOW + timedelta(days=7)
    assert read(document(), now=end - timedelta(seconds=1))
    with pytest.raises(InvitationError, match=r"expired at 2026-03-08 12:00 UTC"):
        read(document(), now=end)


def test_an_invitation_for_another_node_or_company_is_refused() -> None:
    assert read(document(Terms(for_url=B, for_company_id=LEI_B)))
    with pytest.raises(InvitationError, match=r"is for the node https://other\.example"):
        read(document(Terms(for_url="https://other.example")))
    with pytest.raises(InvitationError, match=f"is for the company {LEI_A}"):
        read(document(Terms(for_company_id=LEI_A)))
    with pytest.raises(InvitationError, match="of this very node"):
        read(document(), url=A)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_every_changed_character_is_noticed(position: int, change: int) -> None:
    made = document()
    text = made["invitation"]
    at = position % len(text)
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[change % 64]
    if other == text[at]:
        return
    with pytest.raises(InvitationError):
        read(made | {"invitation": text[:at] + other + text[at + 1 :]})


def test_a_reply_is_a_registration_request() -> None:
    request = registration()
    assert request["token_endpoint_auth_method"] == "private_key_jwt"
    assert request["grant_types"] == ["client_credentials"]
    assert request["jwks"] == ENTRY_B.keys.to_jwks()
    found = read_reply(request, now=NOW, url=A)
    assert isinstance(found, Reply)
    assert (found.issuer, found.client_id, found.company) == (B, "client-a", CATHODE)
    assert found.invitation_digest == read(document()).digest
    assert found.proof is None


def test_a_reply_file_proves_that_its_writer_has_the_token() -> None:
    request = registration()
    made = reply_document(request, TOKEN)
    assert TOKEN not in json.dumps(made)
    found = read_reply(made, now=NOW, url=A)
    check_proof(found.proof, token_key(TOKEN), found.digest)
    other = read_reply(registration(), now=NOW, url=A)  # signed once more
    for proof, key, digest in (
        (found.proof, token_key("another"), found.digest),
        (found.proof, token_key(TOKEN), other.digest + "x"),
        (prove_token("another", found.digest), token_key(TOKEN), found.digest),
        (None, token_key(TOKEN), found.digest),
        ("", token_key(TOKEN), found.digest),
        ("\ud800!", token_key(TOKEN), found.digest),
    ):
        with pytest.raises(InvitationError, match="did not have the invitation"):
            check_proof(proof, key, digest)


def test_what_is_kept_of_a_token_proves_nothing() -> None:
    """Who reads the database or a backup has neither the token nor what makes a proof."""
    kept = token_key(TOKEN)
    assert (len(kept), kept) == (43, token_key(TOKEN))
    digest = read_reply(registration(), now=NOW, url=A).digest
    with pytest.raises(InvitationError):
        check_proof(prove_token(kept, digest), kept, digest)
    assert token_key(kept) != kept


def replied(key: SigningKey = KEY_B, **changes: Any) -> Json:
    made = registration()
    claims = jws.parse(made["underseal"]["acceptance"]).payload | changes
    made["underseal"]["acceptance"] = jws.sign(claims, typ=ACCEPTANCE_TYPE, key=key)
    return made


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda made: None, "not the reply"),
        (lambda made: [], "not the reply"),
        (lambda made: document(), "not the reply"),
        (lambda made: made | {"underseal": 5}, "not the reply"),
        (lambda made: made | {"underseal": made["underseal"] | {"version": 2}}, "version 2"),
        (lambda made: made | {"jwks": ENTRY_A.keys.to_jwks()}, "another jwks"),
        (lambda made: made | {"grant_types": ["password"]}, "another grant_types"),
        (
            lambda made: made | {"token_endpoint_auth_method": "none"},
            "another token_endpoint_auth_method",
        ),
        (lambda made: {"type": "underseal-reply", "version": 1}, "proves nothing"),
        (
            lambda made: {"type": "underseal-reply", "version": 1, "proof": "x"},
            "not the reply",
        ),
        (lambda made: replied(KEY_A), "altered or forged"),
        (lambda made: replied(aud=B), "the reply is for the node"),
        (lambda made: replied(iat=int(NOW.timestamp()) + 301), "from the future"),
        (lambda made: replied(invitation=5), "no usable invitation"),
        (lambda made: replied(company={}), "names no company"),
    ],
)
def test_what_is_not_a_good_reply_is_refused(spoil: Callable[[Json], Any], reason: str) -> None:
    with pytest.raises(InvitationError, match=reason):
        read_reply(spoil(registration()), now=NOW, url=A)
