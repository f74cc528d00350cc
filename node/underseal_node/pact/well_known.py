"""What anybody may read: discovery, keys, DID document, schemas, health."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from underseal_node.node import Node
from underseal_node.trust.own_keys import OwnState
from underseal_protocol.acceptance import REGISTRATION_PATH
from underseal_protocol.did import did_document
from underseal_protocol.key_log import KEY_LOG_MEMBER, KEY_LOG_PATH
from underseal_protocol.schemas import EXTENSION_SCHEMAS, EXTENSIONS_VERSION, VERSION_MEMBER

__all__ = ["openid_configuration", "public_routes"]

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
CACHED = {"cache-control": "public, max-age=300"}
# A key that is rotated or revoked is to be known within a minute, also behind a cache.
CACHED_SHORTLY = {"cache-control": "public, max-age=30"}


def public_routes(node: Node) -> list[Route]:
    """Routes that need no access token.

    What tells of address and keys is made anew when these have changed: each request looks.
    """
    documents: dict[str, tuple[str, Callable[[OwnState], Mapping[str, Any]], str]] = {
        "/.well-known/openid-configuration": (
            "openid_configuration",
            lambda state: openid_configuration(state.identity.url),
            "application/json",
        ),
        "/.well-known/jwks.json": (
            "jwks",
            lambda state: state.public_keys.to_jwks(),
            "application/jwk-set+json",
        ),
        "/.well-known/did.json": ("well_known_did", _did, "application/did+json"),
        # did:web with a path has its document directly under the path.
        "/did.json": ("did", _did, "application/did+json"),
        KEY_LOG_PATH: (
            "key_log",
            lambda state: {"entries": list(state.entries)},
            "application/json",
        ),
    }
    routes = [
        Route(path, _changing(node, make, media_type), methods=["GET"], name=name)
        for path, (name, make, media_type) in documents.items()
    ]
    routes += [
        Route(path, _document(schema, "application/schema+json"), methods=["GET"], name=path)
        for path, schema in EXTENSION_SCHEMAS.items()
    ]
    return [*routes, Route("/health", _health, methods=["GET"], name="health")]


def _did(state: OwnState) -> dict[str, Any]:
    return did_document(state.identity.url, state.public_keys)


def openid_configuration(url: str) -> dict[str, Any]:
    """The provider configuration that leads peers to the token endpoint (OpenID Discovery 1.0)."""
    return {
        "issuer": url,
        "token_endpoint": f"{url}/auth/token",
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "registration_endpoint": f"{url}{REGISTRATION_PATH}",
        # Required members of the discovery document; there is no authorization endpoint.
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        VERSION_MEMBER: EXTENSIONS_VERSION,
        KEY_LOG_MEMBER: f"{url}{KEY_LOG_PATH}",
    }


def _changing(
    node: Node, make: Callable[[OwnState], Mapping[str, Any]], media_type: str
) -> Handler:
    made: tuple[OwnState, bytes] | None = None

    async def handle(_request: Request) -> Response:
        nonlocal made
        state = await node.look()
        if made is None or made[0] is not state:
            made = state, json.dumps(make(state), ensure_ascii=False).encode()
        return Response(made[1], headers=CACHED_SHORTLY, media_type=media_type)

    return handle


def _document(document: Mapping[str, Any], media_type: str) -> Handler:
    body = json.dumps(document, ensure_ascii=False).encode()

    async def handle(_request: Request) -> Response:
        return Response(body, headers=CACHED, media_type=media_type)

    return handle


async def _health(_request: Request) -> Response:
    return Response(
        b'{"status":"ok"}', media_type="application/json", headers={"cache-control": "no-store"}
    )
