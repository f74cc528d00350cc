"""Three peers, every level, every endpoint: no byte of what is not granted is in any answer.

Every footprint carries marks in its core and one in each of its blocks. Whatever a peer may not
see is searched for in everything that it is answered: status, headers, body, and what is encoded in
the body. An endpoint that is new has to be entered in `REQUESTS`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
from starlette.routing import Route
from tests.node.pact.conftest import NOW, make_document

from underseal_node.store.attestation_tables import AttestationRole, AttestationRow
from underseal_node.store.tables import KeyKind
from underseal_protocol.criteria import Criteria, FootprintIndex
from underseal_protocol.disclosure import Block, Level
from underseal_protocol.seal.endorsement_exchange import ENDORSEMENTS_PATH, EndorsementRequest
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.sealed_sum import SEALED_SUM_PATH

World = Any
Document = dict[str, Any]

PEERS = ("stranger", "by product", "by classification")
CLASS_A, CLASS_B = "urn:x:class:alpha", "urn:x:class:beta"
COUNT = 6
ABSENT = "00000000-0000-4000-8000-00000000dead"
LIST = "/3/footprints"
ENCODED = re.compile(rb"[A-Za-z0-9_-]{16,}")
# The markers of blocks; `{}` is the number of the footprint.
MARKS = {
    Block.QUALITY: "QUALITY-{}-MARK",
    Block.VERIFICATION: "VERIFIER-{}-MARK",
    Block.EMISSIONS: "0.471100{}",
    Block.CARBON: "0.815100{}",
    Block.METHOD: "METHOD-{}-MARK",
    Block.OTHER: "OTHER-{}-MARK",
}


def product(number: int) -> str:
    return f"urn:x:product:mark-{number}"


def footprint(number: int) -> Document:
    """A footprint in which everything says whose it is."""
    made = make_document(
        number,
        productNameCompany=f"NAME-{number}-MARK",
        productDescription=f"DESCRIPTION-{number}-MARK",
        productIds=[product(number)],
        productClassifications=[CLASS_A if number <= 3 else CLASS_B],
        status="Deprecated" if number % 3 == 0 else "Active",
        validityPeriodStart=f"202{number}-01-01T00:00:1{number}Z",
        validityPeriodEnd=f"202{number + 1}-01-01T00:00:00Z",
        comment=MARKS[Block.METHOD].format(number),
        extensions=[
            {
                "specVersion": "2.0.0",
                "dataSchema": "https://schema.example/1.json",
                "data": {"secret": MARKS[Block.OTHER].format(number)},
            }
        ],
    )
    pcf = made["pcf"]
    del pcf["geographyCountry"]
    pcf["geographyCountrySubdivision"] = f"DE-{('BW', 'BY', 'BE', 'BB', 'HB', 'HH')[number - 1]}"
    pcf["exemptedEmissionsDescription"] = MARKS[Block.QUALITY].format(number)
    pcf["verification"] = {"providerName": MARKS[Block.VERIFICATION].format(number)}
    pcf["aircraftGhgEmissions"] = MARKS[Block.EMISSIONS].format(number)
    pcf["biogenicCarbonContent"] = MARKS[Block.CARBON].format(number)
    return made


def core_marks(document: Document) -> set[str]:
    """What tells that there is such a footprint."""
    return {
        document["id"],
        document["productNameCompany"],
        document["productDescription"],
        document["productIds"][0],
        document["pcf"]["geographyCountrySubdivision"],
        document["validityPeriodStart"],
    }


@dataclass
class Stage:
    """A node with its footprints and the three peers, and what each of them may see."""

    world: World
    level: Level
    documents: dict[int, Document] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    watermarks: list[str] = field(default_factory=list)

    def visible(self, peer: str) -> list[int]:
        return {"stranger": [], "by product": [2, 3], "by classification": [4, 5, 6]}[peer]

    def hidden(self, peer: str) -> list[int]:
        return [number for number in self.documents if number not in self.visible(peer)]

    def secrets(self, peer: str) -> set[str]:
        """What must not be in any answer to this peer."""
        found = {
            mark.format(number)
            for number in self.documents
            for block, mark in MARKS.items()
            if number not in self.visible(peer) or block not in self.level.blocks
        }
        for number in self.hidden(peer):
            found |= core_marks(self.documents[number])
        return found


def attested(footprint_id: str, number: int) -> Callable[[Any], None]:
    """Puts as many attestations beside a footprint as its number says, marked like its block."""

    def work(session: Any) -> None:
        for each in range(number):
            session.add(
                AttestationRow(
                    digest=f"{number}-{each}",
                    role=AttestationRole.ATTACHED,
                    footprint_id=footprint_id,
                    verifier="https://verifier.example",
                    token=MARKS[Block.VERIFICATION].format(number),
                    created_at=NOW,
                )
            )

    return work


@pytest.fixture
async def stage(make_world: Callable[..., World], level: Level) -> Stage:
    world = make_world(default_page_size=2)
    made = Stage(world, level)
    for name in PEERS:
        world.add_peer(name, base_url=f"https://{name.replace(' ', '-')}.example")
    for number in range(1, COUNT + 1):
        made.documents[number] = footprint(number)
        world.publish(made.documents[number])
        world.write(attested(made.documents[number]["id"], number))
    for number in (2, 3):
        world.grant("by product", KeyKind.PRODUCT, product(number), level)
    world.grant("by classification", KeyKind.CLASSIFICATION, CLASS_B, level)
    # What shows nothing: grants of the past and of the future, and of what there is not.
    later, earlier = world.now + timedelta(days=1), world.now - timedelta(days=1)
    for name in PEERS:
        world.grant(name, KeyKind.ALL, starts=later)
        world.grant(name, KeyKind.PRODUCT, product(1), ends=earlier)
    # What others carry around: the links and watermarks of a peer that sees everything.
    world.add_peer("owner")
    world.grant("owner", KeyKind.ALL)
    async with world.client("owner") as client:
        for query in ("limit=1", "limit=3", f"limit=1&classification={quote(CLASS_A)}"):
            response = await client.get(f"{LIST}?{query}")
            made.links.append(response.links["next"]["url"])
            made.watermarks.append(response.headers["x-underseal-watermark"])
    return made


@pytest.fixture(params=list(Level), ids=str)
def level(request: pytest.FixtureRequest) -> Level:
    found: Level = request.param
    return found


# --- what is asked ----------------------------------------------------------------------------

Asked = tuple[str, str, bytes]  # method, target, body
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def queries(stage: Stage) -> Iterator[str]:
    """Query strings of the list: every filter with values that are there and that are not."""
    values: dict[str, list[str]] = {
        "productId": [product(0), "urn:x:product:MARK-9"],
        "companyId": ["urn:lei:529900T8BM49AURSDO55", "urn:x:nobody", "nonsense"],
        "geography": ["DE", "de-bw", "XX", "Europe"],
        "classification": [CLASS_A, CLASS_B.upper(), "urn:x:class:gamma"],
        "status": ["Active", "deprecated", "Bogus"],
        "validOn": ["2023-06-01T00:00:00Z"],
        "validAfter": ["2022-06-01T00:00:00Z", "2030-01-01T00:00:00Z"],
        "validBefore": ["2024-06-01T00:00:00Z", "2010-01-01T00:00:00Z"],
        "comment": ["METHOD-1-MARK"],  # no filter of PACT
    }
    for number, document in stage.documents.items():
        values["productId"] += [product(number), product(number).upper()]
        values["geography"].append(document["pcf"]["geographyCountrySubdivision"])
        values["validOn"].append(document["validityPeriodStart"])
    for name, each in values.items():
        for value in each:
            yield f"{name}={quote(value)}"
            yield f"{name}={quote(value)}&limit=1"
    yield from ("", "limit=0", "limit=1", "limit=2", "limit=1000")
    yield f"productId={quote(product(1))}&productId={quote(product(4))}&status=Active"
    yield f"classification={quote(CLASS_A)}&geography=DE-BW&validOn=2021-06-01T00:00:00Z"
    for watermark in stage.watermarks:
        yield f"x-underseal-changed-after={watermark}"
        yield f"x-underseal-changed-after={watermark}&limit=1&classification={quote(CLASS_A)}"
    yield from ("limit=-1", "cursor=nonsense", "validOn=soon", "$filter=productId eq 'x'")


def of_list(stage: Stage) -> Iterator[Asked]:
    for query in queries(stage):
        yield "GET", f"{LIST}?{query}", b""
    for link in stage.links:
        yield "GET", f"{LIST}?{urlsplit(link).query}", b""
    for method in METHODS[1:]:
        yield method, LIST, b""


def of_one(template: str) -> Callable[[Stage], Iterator[Asked]]:
    def requests(stage: Stage) -> Iterator[Asked]:
        for document in stage.documents.values():
            for form in (document["id"], document["id"].upper(), f"%20{document['id']}"):
                yield "GET", template.format(id=form), b""
            for method in METHODS[1:]:
                yield method, template.format(id=document["id"]), b""
        for form in (ABSENT, "nonsense", quote(product(1), safe="")):
            yield "GET", template.format(id=form), b""

    return requests


def of_grants(stage: Stage) -> Iterator[Asked]:
    for query in ("", "limit=1", "limit=0", "cursor=nonsense"):
        yield "GET", f"/extensions/grants?{query}", b""
    for link in stage.links:
        yield "GET", f"/extensions/grants?{urlsplit(link).query}", b""


def of_events(stage: Stage) -> Iterator[Asked]:
    """Events about what is hidden; what the answers to requests say is in tests/node/exchange."""
    for number, document in stage.documents.items():
        for kind, data in (
            ("RequestCreated", {"productId": [product(number)]}),
            ("Published", {"pfIds": [document["id"]]}),
            ("RequestFulfilled", {"requestEventId": document["id"], "pfs": []}),
            ("RequestRejected", {"requestEventId": document["id"], "error": {}}),
        ):
            event = {
                "type": f"org.wbcsd.pact.ProductFootprint.{kind}Event.3",
                "specversion": "1.0",
                "id": f"event-{kind}-{number}",
                "source": "https://nobody.example",
                "data": data,
            }
            yield "POST", "/3/events", json.dumps(event).encode()
            event["source"] = "//by-product.example/3/events"
            yield "POST", "/3/events", json.dumps(event).encode()
    for body in (b"", b"{", b"[]", b'{"type":"x"}'):
        yield "POST", "/3/events", body


def of_token(stage: Stage) -> Iterator[Asked]:
    for body in (b"", b"grant_type=client_credentials", b"grant_type=client_credentials&scope=x"):
        yield "POST", "/auth/token", body
    for number in stage.documents:
        yield "POST", f"/auth/token?productId={quote(product(number))}", b""


def of_sealed_sums(stage: Stage) -> Iterator[Asked]:
    for query in ("", "limit=1", "limit=0", "cursor=nonsense"):
        yield "GET", f"{SEALED_SUM_PATH}?{query}", b""


def of_endorsements(stage: Stage) -> Iterator[Asked]:
    """Questions about what is hidden, and what is no question."""
    yield from of_posts(ENDORSEMENTS_PATH)(stage)
    for document in stage.documents.values():
        for sealed in SealedProperty:
            question = EndorsementRequest(document["id"], sealed, bytes(32))
            yield "POST", ENDORSEMENTS_PATH, json.dumps(question.to_json()).encode()


def of_posts(path: str) -> Callable[[Stage], Iterator[Asked]]:
    """Documents that name what is hidden, at an endpoint that takes others."""

    def requests(stage: Stage) -> Iterator[Asked]:
        for document in stage.documents.values():
            for said_there in (document["id"], document["productIds"]):
                yield "POST", path, json.dumps({"id": said_there}).encode()
        for body in (b"", b"{", b"[]", b"x" * 100):
            yield "POST", path, body
        for method in METHODS:
            yield method, path, b""

    return requests


def plain(path: str) -> Callable[[Stage], Iterator[Asked]]:
    def requests(_stage: Stage) -> Iterator[Asked]:
        for method in METHODS:
            yield method, path, b""

    return requests


REQUESTS: dict[str, Callable[[Stage], Iterator[Asked]]] = {
    LIST: of_list,
    f"{LIST}/{{id}}": of_one(f"{LIST}/{{id}}"),
    "/extensions/status/{id}": of_one("/extensions/status/{id}"),
    "/extensions/attestations/{id}": of_one("/extensions/attestations/{id}"),
    "/extensions/grants": of_grants,
    "/extensions/invitations/{id}": of_one("/extensions/invitations/{id}"),
    **{
        path: of_posts(path)
        for path in (
            "/extensions/register",
            "/extensions/credentials",
            "/extensions/key-log",
            "/extensions/receipts",
        )
    },
    ENDORSEMENTS_PATH: of_endorsements,
    SEALED_SUM_PATH: of_sealed_sums,
    f"{SEALED_SUM_PATH}/{{id}}": of_one(f"{SEALED_SUM_PATH}/{{id}}"),
    "/extensions/receipts/{id}": of_one("/extensions/receipts/{id}"),
    "/3/events": of_events,
    "/auth/token": of_token,
    **{
        path: plain(path)
        for path in (
            "/.well-known/openid-configuration",
            "/.well-known/jwks.json",
            "/.well-known/did.json",
            "/did.json",
            "/schemas/footprint-credential/1.0.0.json",
            "/schemas/footprint-credential-claims/1.0.0.json",
            "/.well-known/underseal-key-log",
            "/schemas/footprint-status/1.0.0.json",
            "/schemas/footprint-attestation/1.0.0.json",
            "/schemas/footprint-attestation-claims/1.0.0.json",
            "/health",
            "/openapi.json",
            "/nothing/at/all",
            "/metrics",
        )
    },
}


# --- what is answered -------------------------------------------------------------------------


def spread(response: httpx.Response) -> bytes:
    """All that an answer says, also what is encoded in it."""
    head = [f"{response.status_code} {response.reason_phrase}".encode()]
    head += [name + b": " + value for name, value in response.headers.raw]
    parts = [*head, response.content]
    for text in ENCODED.findall(b"\n".join(parts)):
        whole = text[:-1] if len(text) % 4 == 1 else text  # then it is no base64url, or not only
        parts.append(base64.urlsafe_b64decode(whole + b"=" * (-len(whole) % 4)))
    return b"\n".join(parts)


def assert_no_leak(stage: Stage, peer: str, asked: Asked, response: httpx.Response) -> None:
    assert response.status_code < 500, (asked, response.text)
    _, target, body = asked
    # What the peer itself has said may come back to it, in a link for example.
    own_words = f"{target} {dict(parse_qsl(urlsplit(target).query))} {body.decode()}".lower()
    answered = spread(response).lower()
    for secret in stage.secrets(peer):
        if secret.lower() in own_words:
            continue
        assert secret.lower().encode() not in answered, (peer, asked, secret)


@pytest.mark.parametrize("peer", PEERS)
async def test_nothing_leaks_at_any_endpoint(stage: Stage, peer: str) -> None:
    tried = 0
    async with stage.world.client(peer) as client:
        for requests in REQUESTS.values():
            for asked in requests(stage):
                method, target, body = asked
                headers = {"content-type": "application/cloudevents+json"} if body else {}
                response = await client.request(method, target, content=body, headers=headers)
                assert_no_leak(stage, peer, asked, response)
                tried += 1
    assert tried > 300


@pytest.mark.parametrize("level", [Level.FULL])
async def test_every_endpoint_is_in_the_matrix(stage: Stage) -> None:
    paths = {route.path for route in stage.world.app.routes if isinstance(route, Route)}
    assert paths - REQUESTS.keys() == set(), "enter the new endpoint in REQUESTS"
    described = set(stage.world.app.openapi()["paths"])
    assert described - REQUESTS.keys() == set()


@pytest.mark.parametrize("level", [Level.FULL])
async def test_the_search_finds_what_is_there(stage: Stage) -> None:
    """That the marks are in what is served, plain and encoded, or nothing would be proven."""
    async with stage.world.client("owner") as client:
        response = await client.get(f"{LIST}?limit=1000")
    answered = spread(response).decode("utf-8", "replace")
    everything = stage.secrets("stranger")
    assert len(everything) > 60
    assert all(secret in answered for secret in everything)


@pytest.mark.parametrize("peer", PEERS)
async def test_a_filter_is_applied_to_what_the_peer_sees(stage: Stage, peer: str) -> None:
    """Every list is what the matcher of the protocol finds in what the peer can read by id."""
    async with stage.world.client(peer) as client:
        seen = []
        for document in stage.documents.values():
            response = await client.get(f"{LIST}/{document['id']}")
            if response.status_code == 200:
                seen.append(response.json()["data"])
        assert [one["id"] for one in seen] == [
            stage.documents[number]["id"] for number in stage.visible(peer)
        ]
        for query in queries(stage):
            if "changed-after" in query or "limit=0" in query:
                continue
            response = await client.get(f"{LIST}?{query}")
            if response.status_code != 200:
                continue
            wanted = Criteria.from_query(parse_qsl(query))
            due = [one["id"] for one in seen if wanted.matches(FootprintIndex.of(one))]
            size = int(dict(parse_qsl(query)).get("limit", 2))
            assert [one["id"] for one in response.json()["data"]] == due[:size], query
            assert ("link" in response.headers) == (len(due) > size), query


@pytest.mark.parametrize("peer", PEERS)
async def test_the_cursor_of_another_peer_leads_to_own_footprints_only(
    stage: Stage, peer: str
) -> None:
    own = [stage.documents[number]["id"] for number in stage.visible(peer)]
    async with stage.world.client(peer) as client:
        for link in stage.links:
            found = [one["id"] for one in (await client.get(link)).json()["data"]]
            assert set(found) <= set(own)


# --- what is hidden and what is not there -----------------------------------------------------

PAIRS = ("/3/footprints/{}", "/extensions/status/{}", "/extensions/attestations/{}")


def said(response: httpx.Response) -> tuple[Any, ...]:
    """Of an answer, what does not differ with every call."""
    headers = [one for one in response.headers.multi_items() if one[0] != "x-underseal-watermark"]
    return response.status_code, headers, response.content


@pytest.mark.parametrize("peer", PEERS)
async def test_hidden_is_answered_like_absent(stage: Stage, peer: str) -> None:
    async with stage.world.client(peer) as client:
        for template in PAIRS:
            for method in METHODS:
                absent = await client.request(method, template.format(ABSENT))
                for number in stage.hidden(peer):
                    path = template.format(stage.documents[number]["id"])
                    assert said(await client.request(method, path)) == said(absent)
        for limit in ("", "&limit=1"):
            absent = await client.get(f"{LIST}?productId={product(9)}{limit}")
            for number in stage.hidden(peer):
                hidden = await client.get(f"{LIST}?productId={product(number)}{limit}")
                assert said(hidden) == said(absent)


class Watch:
    """What the database does for a request: statements, rows, and with SQLite the steps of its
    machine."""

    def __init__(self, world: World) -> None:
        self._reader = world.app.state.context.serving._reader
        self._rows = self._reader.rows
        own = vars(self._reader)
        names = ("_loop_connection", "_thread_connection")
        self._connections = [own[name] for name in names if name in own]
        self.done: list[tuple[str, int]] = []
        self.steps = 0

    async def __call__(self, client: httpx.AsyncClient, path: str) -> tuple[list[Any], int]:
        async def rows(sql: str, parameters: Any, *, is_bounded: bool = True) -> Any:
            found = await self._rows(sql, parameters, is_bounded=is_bounded)
            self.done.append((sql, len(found)))
            return found

        def step() -> int:
            self.steps += 1
            return 0

        self.done, self.steps = [], 0
        self._reader.rows = rows
        for connection in self._connections:
            connection.set_progress_handler(step, 1)
        try:
            await client.get(path)
        finally:
            self._reader.rows = self._rows
            for connection in self._connections:
                connection.set_progress_handler(None, 1)
        return self.done, self.steps


@pytest.mark.parametrize("level", [Level.TOTAL])
@pytest.mark.parametrize("peer", PEERS)
async def test_hidden_takes_the_work_of_absent(stage: Stage, peer: str) -> None:
    """The time of an answer follows from the statements and from what they read."""
    watch = Watch(stage.world)
    async with stage.world.client(peer) as client:
        for template in PAIRS:
            absent, absent_steps = await watch(client, template.format(ABSENT))
            for number in stage.hidden(peer):
                path = template.format(stage.documents[number]["id"])
                hidden, steps = await watch(client, path)
                assert hidden == absent
                # Two hidden ones differ by as much, since their keys do in number and place. In
                # place of an absent one, the newest may be one that the peer sees: then its grant
                # is read, too, which is a dozen steps.
                assert abs(steps - absent_steps) <= absent_steps / 6


@pytest.mark.parametrize("level", [Level.TOTAL])
@pytest.mark.parametrize("peer", PEERS)
async def test_a_filter_on_hidden_takes_the_work_of_one_on_absent(stage: Stage, peer: str) -> None:
    watch = Watch(stage.world)
    async with stage.world.client(peer) as client:
        for name, hidden_value, absent_value in (
            ("productId", product(1), product(9)),
            ("classification", CLASS_B if peer == "by product" else CLASS_A, "urn:x:class:none"),
            ("geography", "DE-BW", "DE-SN"),
            ("validOn", "2021-06-01T00:00:00Z", "2010-01-01T00:00:00Z"),
        ):
            if name == "productId" and peer == "by classification":
                continue  # docs/adr/0013-disclosure-levels.md, Time
            # A connection reads the schema with its first statement.
            await client.get(f"{LIST}?{name}={quote(absent_value)}&limit=7")
            hidden = await watch(client, f"{LIST}?{name}={quote(hidden_value)}")
            absent = await watch(client, f"{LIST}?{name}={quote(absent_value)}")
            assert hidden == absent, name
