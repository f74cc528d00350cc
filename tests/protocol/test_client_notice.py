"""Notices about client ids: signed by the client that sends them, for one node, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from underseal_protocol import jws
from underseal_protocol.client_assertion import assert_client, client_of, verify_assertion
from underseal_protocol.client_notice import NOTICE_TYPE, IssuedClient, make_notice, read_notice
from underseal_protocol.errors import AssertionRefusedError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ISSUER = "https://cathode.example"
KEY = SigningKey.generate(KeyPurpose.CLIENT)
KEYS = PublicKeySet([KEY.public_key()])
ISSUED = IssuedClient("client-2", datetime(2027, 3, 1, tzinfo=UTC))
CHECK: dict[str, Any] = {"keys": KEYS, "client_id": "client-1", "audience": ISSUER, "now": NOW}


@pytest.mark.parametrize("issued", [ISSUED, None])
def test_a_notice_says_what_was_issued(issued: IssuedClient | None) -> None:
    made = make_notice("client-1", audience=ISSUER, key=KEY, now=NOW, issued=issued)
    assert client_of(made) == "client-1"
    found = read_notice(made, **CHECK)
    assert (found.issued, found.sender.client_id) == (issued, "client-1")


def test_a_notice_and_a_token_request_are_not_taken_for_each_other() -> None:
    made = make_notice("client-1", audience=ISSUER, key=KEY, now=NOW, issued=ISSUED)
    with pytest.raises(AssertionRefusedError, match="type"):
        verify_assertion(made, **CHECK)
    asserted = assert_client("client-1", audience=ISSUER, key=KEY, now=NOW)
    with pytest.raises(AssertionRefusedError, match="type"):
        read_notice(asserted, **CHECK)


@pytest.mark.parametrize(
    "issued",
    [
        "client-2",
        [],
        {},
        {"client_id": "client-2"},
        {"client_id": 5, "expires_at": 1},
        {"client_id": "", "expires_at": 1},
        {"client_id": "a\tb", "expires_at": 1},
        {"client_id": "x" * 201, "expires_at": 1},
        {"client_id": "client-2", "expires_at": "soon"},
        {"client_id": "client-2", "expires_at": 1.5},
        {"client_id": "client-2", "expires_at": -1},
    ],
)
def test_what_cannot_be_understood_is_refused(issued: Any) -> None:
    seconds = int(NOW.timestamp())
    claims: dict[str, Any] = {"iss": "client-1", "sub": "client-1", "aud": ISSUER, "jti": "once"}
    claims |= {"iat": seconds, "exp": seconds + 60, "issued": issued}
    with pytest.raises(AssertionRefusedError, match="client id in the notice"):
        read_notice(jws.sign(claims, typ=NOTICE_TYPE, key=KEY), **CHECK)
