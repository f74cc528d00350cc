"""Which host system is tested: one of our nodes, started here, or any other by its URL.

    UNDERSEAL_CONFORMANCE_URL            base URL of the API
    UNDERSEAL_CONFORMANCE_AUTH_URL       base URL of authentication, when it is another one
    UNDERSEAL_CONFORMANCE_CLIENT_ID      credentials that the host system issued
    UNDERSEAL_CONFORMANCE_CLIENT_SECRET
    UNDERSEAL_CONFORMANCE_CA_FILE        trust anchors, when they are not public ones
    UNDERSEAL_CONFORMANCE_WEBHOOK        base URL of the listener, as registered there
    UNDERSEAL_CONFORMANCE_LISTEN         address:port that this test run listens on
    UNDERSEAL_CONFORMANCE_TLS_CERT       certificate and key of the listener
    UNDERSEAL_CONFORMANCE_TLS_KEY

Without a webhook the tests of callbacks are skipped; without a node of our own those that need an
operator are.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from tests.conformance.harness import EXTRA_ID, Api, Json, Listener, Target, listening
from tests.forking import QuickWorkbench

from underseal_cli.demo_nodes import NodeProcess, Workbench

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT.parent / "shared" / "pact" / "openapi_v3.yaml"
BATTERY = ROOT / "examples" / "battery"
PREFIX = "UNDERSEAL_CONFORMANCE_"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All conformance tests talk to one node: keep them in one process."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("conformance"))


def option(name: str) -> str | None:
    return os.environ.get(PREFIX + name)


def required(name: str) -> str:
    value = option(name)
    if not value:
        raise pytest.UsageError(f"{PREFIX}URL is set, so {PREFIX}{name} has to be set too")
    return value


@pytest.fixture(scope="session")
def workbench() -> Iterator[Workbench]:
    with QuickWorkbench() as bench:
        yield bench


@pytest.fixture(scope="session")
def listener(request: pytest.FixtureRequest) -> Iterator[Listener | None]:
    """Where the host system sends its answers; None when it cannot reach us."""
    if option("URL") is None:
        bench: Workbench = request.getfixturevalue("workbench")
        with listening(bench.server_context(), url="https://localhost:{}".format) as ours:
            yield ours
        return
    webhook = option("WEBHOOK")
    if webhook is None:
        yield None
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(required("TLS_CERT"), required("TLS_KEY"))
    host, _, port = required("LISTEN").rpartition(":")
    with listening(context, url=lambda _: webhook, host=host, port=int(port)) as ours:
        yield ours


@pytest.fixture
def callbacks(listener: Listener | None) -> Listener:
    if listener is None:
        pytest.skip(f"{PREFIX}WEBHOOK is not set: the host system cannot call back")
    return listener


@pytest.fixture(scope="session")
def own_node(
    request: pytest.FixtureRequest, listener: Listener | None
) -> Iterator[tuple[NodeProcess, Json] | None]:
    """Our node with the refiner's footprints, and the credentials it issued to the listener."""
    if option("URL") is not None or listener is None:
        yield None
        return
    bench: Workbench = request.getfixturevalue("workbench")
    node = bench.node(
        "jichuan", settings={"requests_answer": "auto", "outbox_first_retry_seconds": "0.3"}
    )
    company = json.loads((BATTERY / "companies.json").read_text(encoding="utf-8"))[0]
    node.init(company["companyName"], company["companyIds"])
    node.start()
    files = sorted((BATTERY / "footprints" / "jichuan").glob("*.json"))
    node.run("footprint", "import", *map(str, files))
    extra = bench.directory / "extra.json"
    extra.write_text(json.dumps(extra_documents(files[0])), encoding="utf-8")
    node.run("footprint", "import", str(extra))
    first = json.loads((BATTERY / "footprints/jichuan/lioh-spodumene.json").read_text("utf-8"))
    correction = BATTERY / "footprints/corrections/jichuan/lioh-spodumene.json"
    node.run("footprint", "supersede", first["id"], str(correction))
    secret = bench.directory / "secret"
    secret.write_text("what-the-listener-issued", encoding="utf-8")
    added: Json = node.json(
        *("peer", "add", "listener", "--url", listener.url),
        *("--client-id", "node", "--client-secret-file", str(secret)),
    )
    node.run("grant", "add", "listener", "--all", "--level", "full")
    yield node, added
    node.stop()


def extra_documents(base: Path) -> list[Json]:
    """Footprints with what the example has not: no validity, other geographies, an extension."""
    found: list[Json] = []
    for number, geography in enumerate(
        [("geographyCountrySubdivision", "CN-SC"), ("geographyRegionOrSubregion", "Eastern Asia")]
    ):
        document: Json = json.loads(base.read_text(encoding="utf-8"))
        document["id"] = f"{EXTRA_ID[:-1]}{number}"
        document["productIds"] = [f"urn:pact:jichuan.example:product-id:Extra-{number}"]
        document["productClassifications"] = ["urn:eclass:0173-1#01-AAA123#005"]
        del document["validityPeriodStart"], document["validityPeriodEnd"]
        del document["pcf"]["geographyCountry"]
        document["pcf"][geography[0]] = geography[1]
        document["extensions"] = [
            {
                "specVersion": "2.0.0",
                "dataSchema": "https://catalogue.example/schemas/shipment.json",
                "data": {"shipmentId": "S-1", "weight": 10.5, "nested": {"empty": [], "no": None}},
            }
        ]
        found.append(document)
    return found


@pytest.fixture
def operator(own_node: tuple[NodeProcess, Json] | None) -> NodeProcess:
    if own_node is None:
        pytest.skip("needs an operator, and this host system is not ours")
    return own_node[0]


@pytest.fixture(scope="session")
def target(
    request: pytest.FixtureRequest,
    own_node: tuple[NodeProcess, Json] | None,
    listener: Listener | None,
) -> Target:
    if own_node is not None and listener is not None:
        node, added = own_node
        bench: Workbench = request.getfixturevalue("workbench")
        return Target(
            url=node.url,
            auth_url=node.url,
            client_id=added["client_id"],
            client_secret=added["client_secret"],
            tls=bench.client_context(),
            webhook=listener.url,
        )
    url = required("URL").rstrip("/")
    return Target(
        url=url,
        auth_url=(option("AUTH_URL") or url).rstrip("/"),
        client_id=required("CLIENT_ID"),
        client_secret=required("CLIENT_SECRET"),
        tls=ssl.create_default_context(cafile=option("CA_FILE")),
        webhook=option("WEBHOOK"),
    )


@pytest.fixture(scope="session")
def token(target: Target) -> str:
    answer = target.request_token()
    assert answer.status_code == httpx.codes.OK, answer.text
    return str(answer.json()["access_token"])


@pytest.fixture(scope="session")
def api(target: Target, token: str) -> Iterator[Api]:
    with ExitStack() as stack:
        client = stack.enter_context(target.client())
        client.headers["Authorization"] = f"Bearer {token}"
        yield Api(client, source=target.webhook or "https://recipient.example")


@pytest.fixture(scope="session")
def footprints(api: Api) -> list[Json]:
    """All footprints as first listed; the suite wants at least two."""
    found = api.items()
    assert len(found) >= 2
    return found


@pytest.fixture(scope="session")
def sample(footprints: list[Json]) -> Json:
    """The first one, from which the filter values are taken."""
    return footprints[0]


@pytest.fixture(scope="session")
def valid() -> Callable[[str, Any], None]:
    """`valid("ProductFootprint", document)`: check against the published schema, if it is here."""
    if not PUBLISHED.exists():
        return lambda _name, _document: None
    schemas = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))["components"]["schemas"]

    def check(name: str, document: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        jsonschema.Draft202012Validator(schema).validate(document)

    return check


@pytest.fixture
def soon() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so, at most some seconds."""

    def wait(condition: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "did not happen in time"
            time.sleep(0.1)

    return wait


@pytest.fixture(scope="session")
def published_schema() -> Path:
    if not PUBLISHED.exists():
        pytest.skip("the published OpenAPI document is not here")
    return PUBLISHED
