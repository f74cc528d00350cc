"""The application of the management listener."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.console.api import Api
from underseal_node.console.app import create_console
from underseal_node.console.pages import ROOT, moved
from underseal_node.exchange.exchange import Exchange, exchange_of
from underseal_node.exchange.pull_jobs import PullJobs
from underseal_node.manage import (
    alert_routes,
    attestation_routes,
    audit_routes,
    calculation_routes,
    endorsement_routes,
    energy_routes,
    footprint_routes,
    grant_routes,
    key_routes,
    node_routes,
    opening_routes,
    partner_routes,
    peer_routes,
    product_routes,
    pull_routes,
    receipt_routes,
    received_routes,
    release_routes,
    request_routes,
    roster_routes,
    seal_routes,
    seen_routes,
    share_routes,
    spend_routes,
    supplier_routes,
)
from underseal_node.manage.context import ManageContext
from underseal_node.manage.errors import exception_handlers
from underseal_node.manage.guard import LOOPBACK, Guard
from underseal_node.metrics import RequestCounts
from underseal_node.node import Node
from underseal_node.pact.app import NO_TELEMETRY
from underseal_node.sealing.jobs import SealJobs

__all__ = ["create_manage_app"]

ROUTERS = (
    node_routes.router,
    alert_routes.router,
    key_routes.router,
    footprint_routes.router,
    opening_routes.router,
    endorsement_routes.router,
    share_routes.router,
    attestation_routes.router,
    received_routes.router,
    supplier_routes.router,
    spend_routes.router,
    energy_routes.router,
    peer_routes.router,
    partner_routes.router,
    grant_routes.router,
    pull_routes.router,
    request_routes.router,
    seen_routes.router,
    audit_routes.router,
    receipt_routes.router,
    product_routes.router,
    calculation_routes.router,
    release_routes.router,
    seal_routes.router,
    roster_routes.router,
)


def create_manage_app(
    node: Node, counts: RequestCounts | None = None, *, exchange: Exchange | None = None
) -> FastAPI:
    """The application that the operator's tools talk to.

    Args:
        node: opened in the role `manage`.
        counts: where requests are counted.
        exchange: for calls to peers; that of the process by default.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Here, because they belong to the event loop.
        used = exchange or exchange_of(node)
        app.state.context = ManageContext(node, used, PullJobs(used), SealJobs(node))
        watching = asyncio.create_task(node.watch())
        yield
        watching.cancel()
        await console.state.jobs.aclose()
        await app.state.context.pulls.aclose()
        await app.state.context.seals.aclose()

    token = SecretStr(node.home.operator_token())  # middleware shows its arguments
    guard = Middleware(
        Guard,
        token=token,
        hosts=[node.settings.manage_host],
        counts=counts or RequestCounts(node.home.run, "manage"),
        max_json_depth=node.settings.max_json_depth,
    )
    app = FastAPI(
        title="Underseal management",
        telemetry=NO_TELEMETRY,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[guard],
        exception_handlers=exception_handlers,
        # As they are: `include_router` would make each anew for this application, which takes
        # longer than all else at its first request.
        routes=[route for router in ROUTERS for route in router.routes],
    )
    console = create_console(
        Api(app, LOOPBACK[0], token),
        node.now,
        name=node.identity.url,
        max_file_bytes=node.settings.max_import_bytes,
    )
    app.mount(ROOT, console)
    app.add_route(ROOT, _to_console, include_in_schema=False)
    return app


async def _to_console(_request: Request) -> Response:
    return moved("/")
