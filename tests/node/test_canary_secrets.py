"""Secrets reach no log line, no answer, no metric, no representation, and no file in the clear.

Every secret of a node is planted or taken down; then both APIs are driven, failures included, with
peers that repeat whatever they are told.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError
from tests.node.manage.conftest import RECOVERY_KEY, Company, Market, make_document

from underseal_node.errors import ConfigurationError
from underseal_node.logs import configure_logging
from underseal_node.metrics import exposition
from underseal_node.node import create_node
from underseal_node.settings import LogLevel, Settings
from underseal_node.store import peers
from underseal_node.trust.keyring import VAULT_PURPOSE
from underseal_node.trust.master_key import read_master_key
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.recovery import recovery_text

PASSPHRASE = "cAnArY-passphrase-83b1"
SECRET_OF_EVIL = "cAnArY/secret+of=evil 21f0"
SHORT_PASSPHRASE = "cAnArY7"
DATABASE_PASSWORD = "cAnArY-database-77aa"
REVOKE = {"kids": ["nothing"], "since": "2026-01-01T00:00:00Z"}
DATABASE_URL = f"postgresql://underseal:{DATABASE_PASSWORD}@127.0.0.1:1/underseal"

Document = dict[str, Any]


@dataclass
class Canaries:
    """The secrets, by what they are; and where one was found."""

    secrets: dict[str, str] = field(default_factory=dict)

    def plant(self, name: str, secret: str) -> str:
        assert len(secret) > 6
        self.secrets[name] = secret
        return secret

    def found_in(self, text: str | bytes) -> list[str]:
        """Names of the secrets in a text, in any of the forms in which they travel."""
        content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        return [
            name
            for name, secret in self.secrets.items()
            if any(form.encode() in content for form in forms(secret))
        ]


def forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    escaped = json.dumps(secret)[1:-1]
    return {secret, escaped, quote(secret), quote_plus(secret), encoded, repr(secret)[1:-1]}


@dataclass
class Recorder(httpx.AsyncBaseTransport):
    """Keeps what an application answers, but for the answers that hand a secret over."""

    inner: httpx.AsyncBaseTransport
    answers: list[tuple[str, bytes]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        body = b"".join([part async for part in response.stream])  # type: ignore[union-attr]
        what = f"{request.method} {request.url.path} {response.status_code}"
        if not is_hand_over(request, response.status_code):
            headers = b"\n".join(name + b": " + value for name, value in response.headers.raw)
            self.answers.append((what, headers + b"\n\n" + body))
        return httpx.Response(
            response.status_code, headers=response.headers, stream=httpx.ByteStream(body)
        )


def is_hand_over(request: httpx.Request, status: int) -> bool:
    """New credentials and access tokens are answers whose purpose is to show them."""
    path = request.url.path
    issues = path == "/peers" or path.endswith("/credentials") or path == "/auth/token"
    return request.method == "POST" and issues and status in (200, 201)


def parrot(request: httpx.Request) -> httpx.Response:
    """A peer that says back all that it hears, in every place that is read."""
    heard = " ".join([request.headers.get("authorization", ""), request.content.decode()])
    if heard.startswith("Basic "):
        heard += " " + base64.b64decode(heard.split()[1]).decode()
    if request.url.path.endswith("openid-configuration"):
        return httpx.Response(404)
    if request.url.path == "/auth/token":
        return httpx.Response(401, json={"error": heard, "error_description": heard})
    return httpx.Response(400, json={"code": "BadRequest", "message": heard})


def polite_parrot(request: httpx.Request) -> httpx.Response:
    """The same, but its error has a code."""
    answer = parrot(request)
    if request.url.path != "/auth/token":
        return answer
    error = {"error": "", "error_description": answer.json()["error"]}
    return httpx.Response(400, json=error)


def granting_parrot(request: httpx.Request) -> httpx.Response:
    """The same, but it hands out a token first: that one is repeated, too."""
    if request.url.path == "/auth/token":
        token = {"access_token": "cAnArY-opaque-token-0c1d", "token_type": "Bearer"}
        return httpx.Response(200, json=token)
    return parrot(request)


def babbling_parrot(request: httpx.Request) -> httpx.Response:
    """The same, but what it says is no JSON."""
    if request.url.path == "/auth/token":
        heard = base64.b64decode(request.headers["authorization"].split()[1])
        return httpx.Response(200, content=b'{"access_token": ' + heard)
    return parrot(request)


PARROTS = (parrot, polite_parrot, granting_parrot, babbling_parrot)


@pytest.fixture(autouse=True)
def logs() -> Iterator[io.StringIO]:
    """What a running node writes, at the level that says most."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(LogLevel.DEBUG)
    structlog.configure(cache_logger_on_first_use=False)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    yield written
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@dataclass
class Stage:
    """Two companies and what was said."""

    market: Market
    customer: Company
    supplier: Company
    recorders: list[Recorder]
    canaries: Canaries = field(default_factory=Canaries)

    def answers(self) -> list[tuple[str, bytes]]:
        return [answer for recorder in self.recorders for answer in recorder.answers]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        market = Market(tmp_path, stack)
        companies = [await market.open(name, http_attempts=1) for name in ("cell", "cathode")]
        recorders = []
        for name, company in zip(("cell", "cathode"), companies, strict=True):
            public = Recorder(market.internet.hosts[f"{name}.example"])
            market.internet.hosts[f"{name}.example"] = public
            manage = Recorder(httpx.ASGITransport(company.app, raise_app_exceptions=False))
            headers = company.http.headers
            company.http = await stack.enter_async_context(
                httpx.AsyncClient(transport=manage, base_url=company.http.base_url, headers=headers)
            )
            recorders += [public, manage]
        yield Stage(market, companies[0], companies[1], recorders)


async def plant(stage: Stage) -> None:
    """Take down every secret that there is before the play."""
    canaries = stage.canaries
    for company in (stage.customer, stage.supplier):
        name, home = company.node.identity.company_name, company.node.home
        canaries.plant(f"operator token of {name}", home.operator_token())
        master_key = read_master_key(home, company.node.settings)
        canaries.plant(f"master key of {name}", base64.b64encode(master_key).decode())
    plant_keys(stage, "first")
    canaries.plant("recovery key", recovery_text(RECOVERY_KEY))
    canaries.plant("recovery key as typed", recovery_text(RECOVERY_KEY).replace("-", ""))
    canaries.plant("passphrase", PASSPHRASE)
    canaries.plant("short passphrase", SHORT_PASSPHRASE)
    canaries.plant("secret of evil", SECRET_OF_EVIL)
    canaries.plant("token of evil", "cAnArY-opaque-token-0c1d")
    canaries.plant("database password", DATABASE_PASSWORD)


def plant_keys(stage: Stage, when: str) -> None:
    for company in (stage.customer, stage.supplier):
        name = company.node.identity.company_name
        for purpose in VAULT_PURPOSE:
            pem = company.node.signing_key(purpose).to_pem().decode()
            stage.canaries.plant(f"{when} {purpose} key of {name}", pem.splitlines()[1])


async def change_keys(stage: Stage) -> None:
    """Rotation, and a revocation with the recovery key."""
    supplier = stage.supplier
    await supplier.post("/keys/rotate", {})
    kid = supplier.node.signing_key(KeyPurpose.ATTESTATION).kid
    given = {"kids": [kid], "since": "2026-01-01T00:00:00Z"}
    await supplier.post("/keys/revoke", given | {"recoveryKey": recovery_text(RECOVERY_KEY)})
    plant_keys(stage, "second")
    await exchanged(stage)


async def meet(stage: Stage, document: Document) -> None:
    """The good part: credentials both ways, a pull, a request, a correction, new credentials."""
    customer, supplier, canaries = stage.customer, stage.supplier, stage.canaries
    await stage.market.befriend(customer, supplier)
    for company, peer in ((customer, "cathode"), (supplier, "cell")):
        other = supplier if company is customer else customer
        renewed = await company.post(f"/peers/{peer}/credentials", status=201)
        canaries.plant(f"secret issued to {peer}", renewed["client_secret"])
        at_other = "cell" if company is customer else "cathode"
        await other.patch(
            f"/peers/{at_other}",
            {"clientId": renewed["client_id"], "clientSecret": renewed["client_secret"]},
        )
    (footprint_id,) = await supplier.publish(document)
    criteria = {"productId": document["productIds"]}
    await customer.post("/requests", {"peer": "cathode", "criteria": criteria}, 201)
    await exchanged(stage)
    (waiting,) = (await supplier.get("/requests", direction="incoming"))["data"]
    await supplier.post(f"/requests/{waiting['id']}/fulfil", {"footprintIds": [footprint_id]})
    await exchanged(stage)
    assert (await customer.pull("cathode"))["verified"] == 1
    await change_keys(stage)
    tokens = [*customer.exchange.tokens._cache.values(), *supplier.exchange.tokens._cache.values()]
    assert len(tokens) >= 2
    for number, cached in enumerate(tokens):
        canaries.plant(f"access token {number}", cached.token)


async def exchanged(stage: Stage) -> None:
    for _ in range(3):
        await stage.customer.work()
        await stage.supplier.work()


async def meet_parrots(stage: Stage) -> None:
    """Peers that repeat our secrets, in every way in which a call can fail."""
    customer = stage.customer
    credentials = {"clientId": "ours", "clientSecret": SECRET_OF_EVIL}
    criteria = {"productId": ["urn:gtin:4712345060507"]}
    for number, answer in enumerate(PARROTS):
        name, host = f"evil{number}", f"evil{number}.example"
        stage.market.internet.answer(host, answer)
        await customer.post("/peers", {"name": name, "url": f"https://{host}", **credentials}, 201)
        pulled = await customer.pull(name)
        assert pulled["state"] == "failed"
        await customer.post("/requests", {"peer": name, "criteria": criteria}, 201)
        await customer.work()
    events = (await customer.get("/outbox", state="pending"))["data"]
    assert len([event for event in events if event["lastError"]]) == len(PARROTS)


async def misuse_management(stage: Stage) -> None:
    """Secrets where they do not belong, or in requests that are refused."""
    http = stage.customer.http
    secret = SECRET_OF_EVIL
    bodies: list[tuple[str, str, Any]] = [
        ("POST", "/peers", {"name": "x/y", "clientSecret": secret}),
        ("POST", "/peers", {"name": "cathode", "clientSecret": secret}),
        ("POST", "/peers", {"name": "new", "clientSecret": f"{secret}\0"}),
        ("POST", "/peers", {"name": "new", "clientSecret": [secret]}),
        ("POST", "/peers", {"name": "new", "clientSecret": f"{secret}\n"}),
        ("POST", "/peers", {"name": "new", "clientSecret": secret * 200}),
        ("POST", "/peers", {"name": "new", "secret": secret}),
        ("POST", "/peers", {"name": "new", "caPem": secret}),
        ("POST", "/peers", {"name": "new", "url": f"https://u:{quote(secret)}@evil.example"}),
        ("PATCH", "/peers/nobody", {"clientSecret": secret}),
        ("PATCH", "/peers/evil0", {"clientSecret": secret, "confirmKeys": True}),
        ("POST", "/keys/revoke", {**REVOKE, "recoveryKey": recovery_text(RECOVERY_KEY)}),
        ("POST", "/keys/revoke", {**REVOKE, "recoveryKey": secret}),
        ("POST", "/keys/revoke", {**REVOKE, "recoveryKey": [secret]}),
        ("POST", "/keys/recovery", {"jwk": {"d": secret}, "recoveryKey": secret}),
        ("POST", "/backup", {"passphrase": SHORT_PASSPHRASE}),
        ("POST", "/backup", {"passphrase": {"x": PASSPHRASE}}),
        ("POST", "/backup", {"passphrase": PASSPHRASE, "other": 1}),
    ]
    for method, path, body in bodies:
        answer = await http.request(method, path, json=body)
        assert 400 <= answer.status_code < 500, (path, answer.text)
    broken = f'{{"clientSecret": "{secret}", '.encode()
    json_type = {"content-type": "application/json"}
    assert (await http.post("/peers", content=broken, headers=json_type)).status_code == 422
    for header in (f"Bearer {PASSPHRASE}", f"Basic {PASSPHRASE}", f"Bearer {secret}"):
        answer = await http.get("/node", headers={"authorization": header})
        assert answer.status_code == 401


async def misuse_public(stage: Stage) -> None:
    """The same at the listener for peers."""
    canaries, secret = stage.canaries.secrets, SECRET_OF_EVIL
    token = next(value for name, value in canaries.items() if name.startswith("access token"))
    async with httpx.AsyncClient(
        transport=stage.market.internet, base_url=stage.supplier.url
    ) as client:
        grant = {"grant_type": "client_credentials"}
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/auth/token", {"data": grant, "auth": ("nobody", secret)}),
            ("POST", "/auth/token", {"data": grant | {"client_id": "x", "client_secret": secret}}),
            ("POST", "/auth/token", {"data": {"grant_type": secret}, "auth": ("x", secret)}),
            ("POST", "/auth/token", {"content": secret, "headers": {"authorization": secret}}),
            ("GET", "/3/footprints", {"headers": {"authorization": f"Bearer {secret}"}}),
            ("GET", "/3/footprints", {"headers": {"authorization": f"Bearer {token}x"}}),
            ("POST", "/3/events", {"headers": {"authorization": f"Bearer {token}"}}),
        ]
        for method, path, more in calls:
            answer = await client.request(method, path, **more)
            assert 400 <= answer.status_code < 500, (path, answer.text)
        stage.supplier.advance(hours=1)
        headers = {"authorization": f"Bearer {token}"}
        assert (await client.get("/3/footprints", headers=headers)).status_code == 401


async def look_everywhere(stage: Stage) -> None:
    for company in (stage.customer, stage.supplier):
        for path in company.app.openapi()["paths"]:
            if "{" not in path:
                await company.http.get(path)
        for peer in (await company.get("/peers"))["data"]:
            await company.get(f"/peers/{peer['name']}")
        for held in (await company.get("/received"))["data"]:
            await company.get(f"/received/{held['id']}")
        for own in (await company.get("/footprints"))["data"]:
            await company.get(f"/footprints/{own['id']}")


async def test_no_secret_leaves_the_node(stage: Stage, logs: io.StringIO) -> None:
    canaries = stage.canaries
    await plant(stage)
    await meet(stage, make_document())
    await meet_parrots(stage)
    archives = [
        (await stage.customer.http.post("/backup", json={"passphrase": phrase})).content
        for phrase in (None, PASSPHRASE)
    ]
    # What a node with this setting would have in its memory.
    stage.customer.node.settings = stage.customer.node.settings.model_copy(
        update={"database_url": SecretStr(DATABASE_URL)}
    )
    await misuse_management(stage)
    await misuse_public(stage)
    await look_everywhere(stage)

    answers = stage.answers()
    assert len(answers) > 100
    leaks = [(what, found) for what, text in answers if (found := canaries.found_in(text))]
    assert leaks == []
    logged = logs.getvalue()
    assert "delivery failed" in logged
    assert canaries.found_in(logged) == []
    for archive in archives:
        assert canaries.found_in(gzip.decompress(archive)) == []


async def test_no_secret_is_in_a_representation(stage: Stage) -> None:
    await plant(stage)
    await meet(stage, make_document())
    customer = stage.customer
    customer.node.settings = customer.node.settings.model_copy(
        update={"database_url": SecretStr(DATABASE_URL)}
    )
    peer = customer.node.store.read_sync(lambda session: peers.by_name(session, "cathode"))
    shown = [
        customer.node,
        customer.node.home,
        customer.node.vault,
        customer.node.settings,
        customer.node._keys,
        customer.node.access_tokens(),
        customer.exchange,
        customer.exchange.tokens._cache,
        await customer.exchange.access(peer.id or 0),
        customer.app.state.context,
        customer.app.user_middleware,
        peer,
    ]
    for one in shown:
        assert stage.canaries.found_in(repr(one) + str(one)) == [], type(one)


@pytest.mark.sqlite("its file")
async def test_no_secret_is_on_disk_in_the_clear(stage: Stage) -> None:
    await plant(stage)
    await meet(stage, make_document())
    await meet_parrots(stage)
    for company in (stage.customer, stage.supplier):
        company.node.store.close()
        home = company.node.home
        files = [file for file in home.path.rglob("*") if file.is_file()]
        assert home.database in files
        for file in files:
            if file.parent != home.secrets:
                assert stage.canaries.found_in(file.read_bytes()) == [], file
        for private in (home.path, home.secrets, home.database, home.operator_token_file):
            assert private.stat().st_mode & 0o077 == 0, private


async def test_no_secret_is_in_a_metric(stage: Stage) -> None:
    await plant(stage)
    await meet(stage, make_document())
    secret = SECRET_OF_EVIL
    for path in (f"/peers/{quote(secret, safe='')}", f"/{quote(secret)}", f"/node?token={secret}"):
        await stage.customer.http.get(path)
    page = (await stage.customer.http.get("/metrics")).content
    assert b"underseal_peers" in page
    page += exposition(stage.customer.node.home.run)
    assert stage.canaries.found_in(page) == []


async def test_a_fault_in_the_middle_of_it_shows_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, logs: io.StringIO
) -> None:
    """An error that nobody expected, logged with its traceback as the server does."""
    await plant(stage)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(peers, "issue", fail)
    given = {"name": "evil", "clientSecret": SECRET_OF_EVIL}
    answer = await stage.customer.http.post("/peers", json=given)
    assert (answer.status_code, answer.json()["message"]) == (500, "internal error")
    raising = httpx.ASGITransport(stage.customer.app)
    async with httpx.AsyncClient(
        transport=raising,
        base_url=stage.customer.http.base_url,
        headers=stage.customer.http.headers,
    ) as client:
        with pytest.raises(ZeroDivisionError) as caught:
            await client.post("/peers", json=given)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=caught.value)
    text = "".join(traceback.format_exception(caught.value))
    logged = logs.getvalue()
    assert "ZeroDivisionError" in logged
    assert stage.canaries.found_in(answer.text + text + logged) == []


@pytest.mark.parametrize("url", [DATABASE_URL, DATABASE_URL.replace("postgresql", "mysql")])
def test_a_database_that_cannot_be_opened_does_not_show_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("UNDERSEAL_DATABASE_URL", url)
    with pytest.raises((ConfigurationError, OperationalError)) as refused:
        create_node(
            tmp_path / "home", company_name="x", company_ids=["urn:a:b"], url="https://x.example"
        )
    error = refused.value
    text = error.diagnosis() if isinstance(error, ConfigurationError) else str(error)
    text += "".join(traceback.format_exception(error))
    assert DATABASE_PASSWORD not in text
    assert DATABASE_PASSWORD not in repr(Settings(database_url=SecretStr(url)))


def test_a_leak_would_be_found() -> None:
    canaries = Canaries()
    canaries.plant("secret", SECRET_OF_EVIL)
    for form in forms(SECRET_OF_EVIL):
        assert canaries.found_in(f"before {form} behind") == ["secret"]
    assert canaries.found_in("cAnArY") == []
