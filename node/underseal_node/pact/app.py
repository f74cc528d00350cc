"""The application of the public listener."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from underseal_node.metrics import RequestCounts
from underseal_node.node import Node
from underseal_node.pact.access import PublicContext
from underseal_node.pact.client_ids import ClientIdsEndpoint
from underseal_node.pact.cursors import Cursors
from underseal_node.pact.endorsements import EndorsementsEndpoint
from underseal_node.pact.errors import exception_handlers
from underseal_node.pact.events import EventsEndpoint
from underseal_node.pact.extensions import (
    ATTESTATIONS_PATH,
    STATUS_PATH,
    AttestationsEndpoint,
    GrantsEndpoint,
    StatusEndpoint,
)
from underseal_node.pact.footprints import PATH as FOOTPRINTS
from underseal_node.pact.footprints import GetFootprint, ListFootprints
from underseal_node.pact.gate import Gate, HotRoutes
from underseal_node.pact.hosts import HostPolicy
from underseal_node.pact.key_log import KeyLogEndpoint
from underseal_node.pact.openapi import describe
from underseal_node.pact.rate import RateLimit, SharedRate
from underseal_node.pact.receipts import PATH as RECEIPTS
from underseal_node.pact.receipts import ReceiptsEndpoint
from underseal_node.pact.refusals import Refusals
from underseal_node.pact.registration import InvitationEndpoint, RegistrationEndpoint
from underseal_node.pact.sealed_sums import SealedSumsEndpoint
from underseal_node.pact.throttle import Throttle
from underseal_node.pact.token import TokenEndpoint
from underseal_node.pact.well_known import public_routes
from underseal_node.store.audit_buffer import AuditBuffer
from underseal_node.store.serving import open_serving
from underseal_protocol.acceptance import REGISTRATION_PATH
from underseal_protocol.client_notice import CLIENT_IDS_PATH
from underseal_protocol.invitation import INVITATION_PATH
from underseal_protocol.seal.endorsement_exchange import ENDORSEMENTS_PATH
from underseal_protocol.seal.sealed_sum import SEALED_SUM_PATH
from underseal_protocol.usage_terms import GRANTS_PATH

__all__ = ["NO_TELEMETRY", "create_public_app"]

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


class PublicApp(FastAPI):
    """FastAPI behind a gate, so that what the gate answers goes through none of its middleware.

    Attributes:
        gate: set before the first request.
    """

    gate: Gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (or the lifespan of the application)."""
        await self.gate(scope, receive, send)

    async def behind_gate(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle what the gate lets through."""
        await super().__call__(scope, receive, send)


def create_public_app(node: Node, counts: RequestCounts | None = None) -> FastAPI:
    """The application that peers talk to.

    Args:
        node: opened in any role; only its access-token key and endorsements are used.
        counts: where requests are counted.
    """
    settings = node.settings
    counts = counts or RequestCounts(node.home.run, "public")
    audit = AuditBuffer(node.store, node.clock, counts.audit_failed)
    serving = open_serving(
        node.store.read_engine,
        audit,
        replica=node.store.replica_engine,
        mmap_bytes=settings.database_mmap_bytes,
        busy_timeout_seconds=settings.database_busy_timeout_seconds,
    )
    hosts = HostPolicy(
        node.urls,
        settings.allowed_hosts,
        settings.trusted_proxies,
        behind_proxy=settings.behind_proxy,
    )
    throttle = Throttle(node, serving, hosts)
    tokens = node.access_tokens()
    rate = RateLimit(settings.max_requests_per_second)
    shared_rate = SharedRate(rate, node.store, node.clock)
    context = PublicContext(
        node,
        serving,
        tokens,
        Cursors(node.token_keys),
        throttle,
        rate,
        audit,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        beside = audit.run(), shared_rate.run(), node.watch()
        running = [asyncio.create_task(one) for one in beside]
        yield
        for one in running:
            one.cancel()
        await audit.flush()
        serving.close()

    hot = HotRoutes(FOOTPRINTS, ListFootprints(context), GetFootprint(context))
    routes = [*_routes(context, hot), *public_routes(node)]
    templates: dict[object, str] = {route.endpoint: route.path for route in routes}
    refuse = Refusals(audit, tokens, node.clock, templates)
    app = PublicApp(
        title="Underseal node",
        telemetry=NO_TELEMETRY,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers=exception_handlers(refuse),
    )
    app.gate = Gate(app.behind_gate, hosts, hot, counts, templates, refuse)
    app.state.context = context
    # In front of the routes that FastAPI has added: the ones asked for most come first.
    app.router.routes[:0] = routes

    def openapi() -> dict[str, Any]:
        return describe(node.identity.url)

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def _routes(context: PublicContext, hot: HotRoutes) -> list[Route]:
    receipts, sealed_sums = ReceiptsEndpoint(context), SealedSumsEndpoint(context)
    routes = [
        Route(f"{hot.path}/{{id}}", hot.of_one, methods=["GET"], name="get_footprint"),
        Route(hot.path, hot.of_list, methods=["GET"], name="list_footprints"),
        Route("/3/events", EventsEndpoint(context).handle, methods=["POST"], name="events"),
        Route("/auth/token", TokenEndpoint(context).handle, methods=["POST"], name="token"),
        Route(
            f"{STATUS_PATH}/{{id}}",
            StatusEndpoint(context).handle,
            methods=["GET"],
            name="footprint_status",
        ),
        Route(
            f"{INVITATION_PATH}/{{id}}",
            InvitationEndpoint(context).handle,
            methods=["GET"],
            name="invitation",
        ),
        Route(
            REGISTRATION_PATH,
            RegistrationEndpoint(context).handle,
            methods=["POST"],
            name="register",
        ),
        Route(
            CLIENT_IDS_PATH,
            ClientIdsEndpoint(context).handle,
            methods=["POST"],
            name="credentials",
        ),
        Route(GRANTS_PATH, GrantsEndpoint(context).handle, methods=["GET"], name="grants"),
        Route(
            f"{ATTESTATIONS_PATH}/{{id}}",
            AttestationsEndpoint(context).handle,
            methods=["GET"],
            name="footprint_attestations",
        ),
        Route(
            "/extensions/key-log",
            KeyLogEndpoint(context).handle,
            methods=["POST"],
            name="peer_key_log",
        ),
        Route(SEALED_SUM_PATH, sealed_sums.list, methods=["GET"], name="sealed_sums"),
        Route(f"{SEALED_SUM_PATH}/{{id}}", sealed_sums.show, methods=["GET"], name="sealed_sum"),
        Route(
            ENDORSEMENTS_PATH,
            EndorsementsEndpoint(context).handle,
            methods=["POST"],
            name="endorsements",
        ),
        Route(RECEIPTS, receipts.create, methods=["POST"], name="acknowledge"),
        Route(f"{RECEIPTS}/{{id}}", receipts.show, methods=["GET"], name="receipt"),
    ]
    for route in routes:
        if route.methods is not None:
            route.methods.discard("HEAD")  # PACT 3.0 defines GET only
    return routes
