"""Peers over the management API: what is issued, found, pinned, confirmed and ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from underseal_node.store import pins
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

Company = Any
Market = Any
Pair = tuple[Any, Any]
Refused = Callable[[httpx.Response, int], str]

OTHER_MAKE = "https://other.example"


async def public(company: Company, method: str, path: str, **more: Any) -> httpx.Response:
    """A call to the public listener of a company."""
    transport = company.exchange.http._transport
    async with httpx.AsyncClient(transport=transport, base_url=company.url) as client:
        return await client.request(method, path, **more)


async def token_for(company: Company, client_id: str, secret: str) -> httpx.Response:
    grant = {"grant_type": "client_credentials"}
    return await public(company, "POST", "/auth/token", data=grant, auth=(client_id, secret))


def discovery(token_endpoint: str = f"{OTHER_MAKE}/auth/token") -> Callable[..., httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={"token_endpoint": token_endpoint})
        return httpx.Response(404)

    return answer


async def test_a_peer_that_only_pulls_needs_no_url(company: Company) -> None:
    added = await company.post("/peers", {"name": "Buyer"}, 201)
    assert added["token_url"] == "https://cathode.example/auth/token"
    assert added["base_url"] == "https://cathode.example"
    peer = added["peer"]
    assert peer | {"grantedToIt": []} == await company.get("/peers/buyer")
    assert (peer["name"], peer["state"], peer["hasCredentials"]) == ("Buyer", "active", False)
    assert peer["issuedClientIds"] == [added["client_id"]]
    assert peer.keys().isdisjoint({"url", "tokenOrigin", "lastContactAt"})
    assert peer["warnings"] == []


async def test_the_credentials_open_the_public_listener(company: Company) -> None:
    added = await company.post("/peers", {"name": "buyer"}, 201)
    assert (await token_for(company, added["client_id"], "wrong")).status_code == 401
    answer = await token_for(company, added["client_id"], added["client_secret"])
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    listed = await public(company, "GET", "/3/footprints", headers=bearer)
    assert (listed.status_code, listed.json()) == (200, {"data": []})


async def test_the_secret_is_shown_once(company: Company) -> None:
    added = await company.post("/peers", {"name": "buyer"}, 201)
    for path in ("/peers", "/peers/buyer", "/node", "/alerts", "/openapi.json"):
        assert added["client_secret"] not in (await company.http.get(path)).text


async def test_what_discovery_finds_is_pinned(market: Market, company: Company) -> None:
    market.internet.answer("other.example", discovery("https://login.identity.example/oauth/token"))
    added = await company.post("/peers", {"name": "other", "url": OTHER_MAKE + "/"}, 201)
    peer = added["peer"]
    assert peer["url"] == OTHER_MAKE
    assert peer["tokenEndpoint"] == "https://login.identity.example/oauth/token"
    assert peer["tokenOrigin"] == "https://login.identity.example"
    assert (peer["isUnderseal"], peer["keyThumbprints"]) == (False, [])
    assert peer["lastContactAt"] == "2026-03-01T12:00:00.25Z"
    assert {request.url.host for request in market.internet.requests} == {"other.example"}


async def test_an_underseal_node_shows_its_keys(pair: Pair) -> None:
    customer, supplier = pair
    peer = await customer.get("/peers/cathode")
    keys = await customer.get("/peers/cathode/keys")
    assert peer["isUnderseal"] is True
    assert peer["issuer"] == keys["issuer"] == supplier.url
    shown = {
        kid for kids in (await supplier.get("/node"))["keyThumbprints"].values() for kid in kids
    }
    assert set(peer["keyThumbprints"]) == {key["kid"] for key in keys["keys"]} == shown


async def test_a_peer_that_cannot_be_reached_is_added_all_the_same(company: Company) -> None:
    added = await company.post("/peers", {"name": "later", "url": "https://down.example"}, 201)
    peer = added["peer"]
    assert peer["tokenOrigin"] == "https://down.example"
    assert "cannot be reached" in peer["warnings"][0]
    assert "lastContactAt" not in peer


async def test_the_auth_url_is_where_discovery_begins(market: Market, company: Company) -> None:
    market.internet.answer("login.example", discovery("https://login.example/t"))
    market.internet.answer("other.example", lambda _: httpx.Response(404))
    added = await company.post(
        "/peers", {"name": "other", "url": OTHER_MAKE, "authUrl": "https://login.example"}, 201
    )
    assert added["peer"]["tokenEndpoint"] == "https://login.example/t"
    assert added["peer"]["authUrl"] == "https://login.example"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "http://other.example"}, "https"),
        ({"url": "https://user:pass@other.example"}, "user name"),
        ({"url": "https://other.example/?x=1"}, "host, port and path"),
        ({"url": "https://other.example/#x"}, "fragment"),
        ({"url": "not a url"}, "characters"),
        ({"url": "https://"}, "no host"),
        ({"authUrl": "https://login.example"}, "without a URL"),
        ({"caPem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "CA file"),
        ({"scope": "a\nb"}, "scope"),
        ({"clientId": "x" * 5000}, "client_id"),
    ],
)
async def test_what_cannot_be_used_is_refused(
    company: Company, refused: Refused, given: dict[str, str], words: str
) -> None:
    answer = await company.http.post("/peers", json={"name": "other", **given})
    assert answer.status_code in (400, 409)
    assert words in refused(answer, answer.status_code)
    assert (await company.get("/peers"))["data"] == []
    await company.post("/peers", {"name": "other"}, 201)
    changed = await company.http.patch("/peers/other", json=given)
    assert words in refused(changed, answer.status_code)


async def test_a_password_in_a_url_is_not_repeated(company: Company, refused: Refused) -> None:
    answer = await company.http.post(
        "/peers", json={"name": "other", "url": "https://user:hunter2@other.example"}
    )
    assert "hunter2" not in refused(answer, 400)


async def test_names_are_unique_in_any_case(company: Company, refused: Refused) -> None:
    await company.post("/peers", {"name": "Straße"}, 201)
    for name in ("STRASSE", "straße"):
        assert "already" in refused(await company.http.post("/peers", json={"name": name}), 409)
        assert (await company.get(f"/peers/{name}"))["name"] == "Straße"
    refused(await company.http.post("/peers", json={}), 409)
    refused(await company.http.get("/peers/stras"), 404)


async def test_options_change_one_by_one_and_an_empty_text_clears(company: Company) -> None:
    await company.post(
        "/peers",
        {"name": "other", "clientId": "ours", "clientSecret": "s3cret", "scope": "a"},
        201,
    )
    peer = await company.patch("/peers/other", {"audience": "b", "acceptUnsigned": False})
    assert (peer["scope"], peer["audience"], peer["acceptUnsigned"]) == ("a", "b", False)
    assert (peer["clientId"], peer["hasCredentials"]) == ("ours", True)
    peer = await company.patch("/peers/other", {"scope": "", "clientSecret": ""})
    assert "scope" not in peer
    assert (peer["audience"], peer["hasCredentials"]) == ("b", False)


async def test_a_peer_keeps_its_name(company: Company, refused: Refused) -> None:
    await company.post("/peers", {"name": "other"}, 201)
    refused(await company.http.patch("/peers/other", json={"name": "else"}), 409)
    refused(await company.http.patch("/peers/nobody", json={"scope": "x"}), 404)


async def test_a_new_address_is_looked_at_and_pinned_anew(market: Market, company: Company) -> None:
    market.internet.answer("other.example", discovery("https://login.example/t"))
    market.internet.answer("new.example", discovery("https://new.example/auth/token"))
    await company.post("/peers", {"name": "other", "url": OTHER_MAKE}, 201)
    peer = await company.patch("/peers/other", {"url": "https://new.example"})
    assert peer["tokenOrigin"] == "https://new.example"
    assert "was at https://login.example" in peer["warnings"][0]
    # The same address again is no change.
    before = len(market.internet.requests)
    peer = await company.patch("/peers/other", {"scope": "x"})
    assert (peer["warnings"], len(market.internet.requests)) == ([], before)


async def test_a_token_endpoint_that_moves_waits_for_the_operator(
    market: Market, company: Company, refused: Refused
) -> None:
    market.internet.answer("other.example", discovery())
    await company.post(
        "/peers",
        {"name": "other", "url": OTHER_MAKE, "clientId": "a", "clientSecret": "b"},
        201,
    )
    refused(await company.http.patch("/peers/other", json={"confirmEndpoint": True}), 409)
    market.internet.answer("other.example", discovery("https://evil.example/token"))
    company.exchange.look_again(1)
    pulled = await company.pull("other")
    assert (pulled["state"], "moved" in pulled["error"]) == ("failed", True)
    assert "evil.example" not in {request.url.host for request in market.internet.requests}
    peer = await company.get("/peers/other")
    assert peer["tokenOrigin"] == OTHER_MAKE
    assert peer["pendingTokenEndpoint"] == "https://evil.example/token"
    alerts = (await company.get("/alerts"))["data"]
    assert [(one["kind"], one["peer"]) for one in alerts] == [("endpoint-changed", "other")]
    peer = await company.patch("/peers/other", {"confirmEndpoint": True})
    assert peer["tokenOrigin"] == "https://evil.example"
    assert "pendingTokenEndpoint" not in peer


async def test_keys_that_change_wait_for_the_operator(
    market: Market, company: Company, refused: Refused
) -> None:
    """A node at the same address that was set up anew, under another path."""
    keys = [SigningKey.generate(KeyPurpose.FOOTPRINT), SigningKey.generate(KeyPurpose.FOOTPRINT)]
    shown: list[Any] = [keys[0], OTHER_MAKE]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("jwks.json"):
            return httpx.Response(200, json=PublicKeySet([shown[0].public_key()]).to_jwks())
        document = {
            "issuer": shown[1],
            "token_endpoint": f"{OTHER_MAKE}/auth/token",
            "jwks_uri": f"{OTHER_MAKE}/.well-known/jwks.json",
            "underseal_version": "0.1.0",
        }
        return httpx.Response(200, json=document)

    market.internet.answer("other.example", answer)
    added = await company.post("/peers", {"name": "other", "url": OTHER_MAKE}, 201)
    assert added["peer"]["keyThumbprints"] == [keys[0].kid]
    refused(await company.http.patch("/peers/other", json={"confirmKeys": True}), 409)

    shown[:] = [keys[1], f"{OTHER_MAKE}/new"]
    peer = await company.patch("/peers/other", {"caPem": ""})  # looks again
    assert (peer["keyThumbprints"], peer["pendingKeyThumbprints"]) == (
        [keys[0].kid],
        [keys[1].kid],
    )
    assert "other keys" in peer["warnings"][0]
    peer = await company.patch("/peers/other", {"confirmKeys": True})
    assert peer["keyThumbprints"] == [keys[1].kid]
    assert peer["issuer"] == f"{OTHER_MAKE}/new"
    assert "pendingKeyThumbprints" not in peer


def shows_keys(market: Market, shown: list[SigningKey]) -> None:
    """A node at the address of the other make, with the key that comes first."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("jwks.json"):
            return httpx.Response(200, json=PublicKeySet([shown[0].public_key()]).to_jwks())
        document = {
            "issuer": OTHER_MAKE,
            "token_endpoint": f"{OTHER_MAKE}/auth/token",
            "jwks_uri": f"{OTHER_MAKE}/.well-known/jwks.json",
            "underseal_version": "0.1.0",
        }
        return httpx.Response(200, json=document)

    market.internet.answer("other.example", answer)


async def test_only_keys_that_have_waited_are_confirmed(
    market: Market, company: Company, refused: Refused
) -> None:
    """Whoever answers there may show the operator one key, and another one a moment later."""
    first, seen, other = (SigningKey.generate(KeyPurpose.IDENTITY) for _ in range(3))
    shown = [first]
    shows_keys(market, shown)
    await company.post("/peers", {"name": "other", "url": OTHER_MAKE}, 201)
    shown[0] = seen
    waiting = await company.patch("/peers/other", {"caPem": ""})
    assert waiting["pendingKeyThumbprints"] == [seen.kid]
    shown[0] = other
    answer = await company.http.patch("/peers/other", json={"confirmKeys": True})
    text = refused(answer, 409)
    peer = await company.get("/peers/other")
    assert peer["keyThumbprints"] == [first.kid]
    assert peer["pendingKeyThumbprints"] == [other.kid]
    assert peer["pendingFingerprint"]["words"] in text
    shown[0] = first
    answer = await company.http.patch("/peers/other", json={"confirmKeys": True})
    assert "shows the pinned ones again" in refused(answer, 409)
    assert "pendingKeyThumbprints" not in await company.get("/peers/other")


async def test_keys_that_follow_from_nothing_are_not_confirmed_until_their_words_are_compared(
    market: Market, company: Company, refused: Refused
) -> None:
    keys = [SigningKey.generate(KeyPurpose.IDENTITY) for _ in range(3)]
    shown = keys[:1]
    shows_keys(market, shown)
    await company.post("/peers", {"name": "other", "url": OTHER_MAKE}, 201)
    assert (await company.post("/peers/other/confirm", {}))["assurance"] == "confirmed"

    shown[0] = keys[1]
    await company.patch("/peers/other", {"caPem": ""})
    pinned = await company.patch("/peers/other", {"confirmKeys": True})
    assert (pinned["keyThumbprints"], pinned["assurance"]) == ([keys[1].kid], "first-contact")
    assert (await company.post("/peers/other/confirm", {}))["assurance"] == "confirmed"

    shown[0] = keys[2]
    waiting = await company.patch("/peers/other", {"caPem": ""})
    old, new = waiting["fingerprint"]["words"], waiting["pendingFingerprint"]["words"]
    wrong = {"confirmKeys": True, "words": old}
    answer = await company.http.patch("/peers/other", json=wrong)
    assert "not those of the keys that wait for other" in refused(answer, 409)
    alone = await company.http.patch("/peers/other", json={"words": new})
    assert "the words go with keys" in refused(alone, 409)
    assert (await company.get("/peers/other"))["keyThumbprints"] == [keys[1].kid]
    pinned = await company.patch("/peers/other", {"confirmKeys": True, "words": new.upper()})
    assert (pinned["keyThumbprints"], pinned["assurance"]) == ([keys[2].kid], "confirmed")


async def test_the_log_that_is_shown_last_goes_with_keys_that_wait(
    market: Market, company: Company
) -> None:
    """A thief may have shown the right keys with a log of his own, before the owner does."""
    market.internet.answer("other.example", lambda _: httpx.Response(404))
    await company.post("/peers", {"name": "other", "url": OTHER_MAKE}, 201)
    first, second = (SigningKey.generate(KeyPurpose.FOOTPRINT) for _ in range(2))

    def show(session: Any) -> Any:
        peer, now = pins.peer_row(session, 1), company.node.now()
        for key, log in ((first, ()), (second, ("forged",)), (second, ("right",))):
            text = json.dumps(PublicKeySet([key.public_key()]).to_jwks())
            pins.accept_keys(session, peer, text, OTHER_MAKE, now, key_log=log)
        return json.loads(peer.pending_key_log or "")

    assert company.node.store.write_sync(show) == ["right"]
    assert len((await company.get("/alerts"))["data"]) == 1


async def test_thumbprints_are_computed_not_believed(market: Market, company: Company) -> None:
    """Keys of another make may have any name: that of somebody else's key, say."""
    honest = SigningKey.generate(KeyPurpose.FOOTPRINT).kid
    key = SigningKey.generate(KeyPurpose.FOOTPRINT)
    named = {name: key.public_jwk()[name] for name in ("kty", "crv", "x", "y")} | {"kid": honest}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("jwks.json"):
            return httpx.Response(200, json={"keys": [named]})
        document = {
            "issuer": OTHER_MAKE,
            "token_endpoint": f"{OTHER_MAKE}/auth/token",
            "jwks_uri": f"{OTHER_MAKE}/.well-known/jwks.json",
            "underseal_version": "1.0",
        }
        return httpx.Response(200, json=document)

    market.internet.answer("other.example", answer)
    added = await company.post("/peers", {"name": "other", "url": OTHER_MAKE}, 201)
    assert added["peer"]["keyThumbprints"] == [key.kid]


async def test_keys_that_changed_once_more_are_not_confirmed_unseen(
    market: Market, company: Company
) -> None:
    """What the operator has been shown is confirmed, with the issuer that was known then."""
    market.internet.answer("other.example", lambda _: httpx.Response(404))
    await company.post("/peers", {"name": "other", "url": OTHER_MAKE}, 201)
    first, second = (SigningKey.generate(KeyPurpose.FOOTPRINT) for _ in range(2))

    def text(key: Any) -> str:
        return json.dumps(PublicKeySet([key.public_key()]).to_jwks())

    def pin(session: Any) -> None:
        peer = pins.peer_row(session, 1)
        now = company.node.now()
        pins.accept_keys(session, peer, text(first), OTHER_MAKE, now)
        pins.accept_keys(session, peer, text(second), OTHER_MAKE, now)

    company.node.store.write_sync(pin)
    peer = await company.patch("/peers/other", {"confirmKeys": True})
    assert (peer["keyThumbprints"], peer["issuer"]) == ([second.kid], OTHER_MAKE)


async def test_renewed_credentials_end_the_old_ones_and_their_tokens(company: Company) -> None:
    added = await company.post("/peers", {"name": "buyer"}, 201)
    answer = await token_for(company, added["client_id"], added["client_secret"])
    old_bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await public(company, "GET", "/3/footprints", headers=old_bearer)).status_code == 200
    renewed = await company.post("/peers/BUYER/credentials", status=201)
    assert renewed["client_id"] != added["client_id"]
    assert (await public(company, "GET", "/3/footprints", headers=old_bearer)).status_code == 401
    assert (await token_for(company, added["client_id"], added["client_secret"])).status_code == 401
    # At once, although a token's time of issue has whole seconds only.
    answer = await token_for(company, renewed["client_id"], renewed["client_secret"])
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await public(company, "GET", "/3/footprints", headers=bearer)).status_code == 200
    peer = await company.get("/peers/buyer")
    assert peer["issuedClientIds"] == [renewed["client_id"]]


async def test_credentials_of_nobody_are_not_renewed(company: Company, refused: Refused) -> None:
    refused(await company.http.post("/peers/nobody/credentials"), 404)


async def test_a_peer_without_history_is_forgotten(company: Company, refused: Refused) -> None:
    added = await company.post("/peers", {"name": "buyer"}, 201)
    await company.post("/grants", {"peer": "buyer", "everything": True}, 201)
    removed = await company.http.delete("/peers/Buyer")
    assert removed.json() == {"name": "Buyer", "isForgotten": True}
    assert (await company.get("/peers"))["data"] == []
    assert (await company.get("/grants"))["data"] == []
    assert (await token_for(company, added["client_id"], added["client_secret"])).status_code == 401
    refused(await company.http.delete("/peers/buyer"), 404)
    await company.post("/peers", {"name": "buyer"}, 201)


async def test_what_was_received_from_a_removed_peer_stays(
    pair: Pair, document: Any, refused: Refused
) -> None:
    customer, supplier = pair
    (footprint_id,) = await supplier.publish(document())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    removed = (await customer.http.delete("/peers/cathode")).json()
    assert removed == {
        "name": "cathode",
        "isForgotten": False,
        "keptAs": "cathode (removed)",
    }
    (held,) = (await customer.get("/received"))["data"]
    assert (held["id"], held["peer"]) == (footprint_id, "cathode (removed)")
    assert (held["verification"], held["isUsable"]) == ("verified", True)
    (peer,) = (await customer.get("/peers"))["data"]
    assert (peer["state"], peer["issuedClientIds"], peer["hasCredentials"]) == (
        "revoked",
        [],
        False,
    )
    assert peer["keyThumbprints"]  # what was received can still be verified


async def test_nothing_can_be_done_with_a_removed_peer(
    pair: Pair, document: Any, refused: Refused
) -> None:
    customer, supplier = pair
    await supplier.publish(document())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    await customer.http.delete("/peers/cathode")
    name = "cathode (removed)"
    answers = [
        await customer.http.patch(f"/peers/{name}", json={"scope": "x"}),
        await customer.http.post(f"/peers/{name}/credentials"),
        await customer.http.delete(f"/peers/{name}"),
        await customer.http.post("/grants", json={"peer": name, "everything": True}),
        await customer.http.post("/pulls", json={"peers": [name]}),
        await customer.http.post(
            "/requests", json={"peer": name, "criteria": {"productId": ["urn:gtin:1"]}}
        ),
    ]
    for answer in answers:
        assert "removed" in refused(answer, 409) or "revoked" in answer.text
    assert "no peer that can be pulled" in refused(
        await customer.http.post("/pulls", json={"everything": True}), 409
    )


async def test_a_removed_peer_and_its_successor_are_two(pair: Pair, document: Any) -> None:
    customer, supplier = pair
    await supplier.publish(document())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    for expected in ("cathode (removed)", "cathode (removed 2)"):
        await customer.pull("cathode")
        removed = (await customer.http.delete("/peers/cathode")).json()
        assert removed["keptAs"] == expected
        added = await customer.post("/peers", {"name": "cathode", "url": supplier.url}, 201)
        issued = await supplier.post("/peers/cell/credentials", status=201)
        await supplier.patch(
            "/peers/cell",
            {"clientId": added["client_id"], "clientSecret": added["client_secret"]},
        )
        await customer.patch(
            "/peers/cathode",
            {"clientId": issued["client_id"], "clientSecret": issued["client_secret"]},
        )
    assert (await customer.get("/received", peer="cathode"))["data"] == []
    names = [one["name"] for one in (await customer.get("/peers"))["data"]]
    assert names == ["cathode", "cathode (removed 2)", "cathode (removed)"]


async def test_a_removed_peer_gets_nothing_from_the_moment_on(pair: Pair, document: Any) -> None:
    customer, supplier = pair
    await supplier.publish(document())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await supplier.publish(document(2))  # tells the customer: then there is a history
    assert (await customer.pull("cathode"))["state"] == "done"
    removed = (await supplier.http.delete("/peers/cell")).json()
    assert removed["isForgotten"] is False
    assert (await customer.pull("cathode"))["state"] == "failed"
    assert (await supplier.get("/grants"))["data"] == []
    (event,) = (await supplier.get("/outbox"))["data"]
    assert (event["state"], event["lastError"]) == ("dead", "the peer was removed")
    retried = await supplier.http.post(f"/outbox/{event['id']}/retry")
    assert retried.status_code == 409
