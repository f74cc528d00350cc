"""What anybody may read: discovery, keys, DID document, schemas, health."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from underseal_node.node import Node
from underseal_protocol.acceptance import REGISTRATION_PATH
from underseal_protocol.keys import did_document
from underseal_protocol.schemas import EXTENSION_SCHEMAS, EXTENSIONS_VERSION, VERSION_MEMBER

__all__ = ["openid_configuration", "public_routes"]

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
CACHED = {"cache-control": "public, max-age=300"}


def public_routes(node: Node) -> list[Route]:
    """Routes that need no access token; their answers are made once."""
    jwks = node.public_keys.to_jwks()
    did = did_document(node.identity.url, node.public_keys)
    documents: dict[str, tuple[str, Mapping[str, Any], str]] = {
        "/.well-known/openid-configuration": (
            "openid_configuration",
            openid_configuration(node.identity.url),
            "application/json",
        ),
        "/.well-known/jwks.json": ("jwks", jwks, "application/jwk-set+json"),
        "/.well-known/did.json": ("well_known_did", did, "application/did+json"),
        # did:web with a path has its document directly under the path.
        "/did.json": ("did", did, "application/did+json"),
    }
    routes = [
        Route(path, _document(document, media_type), methods=["GET"], name=name)
        for path, (name, document, media_type) in documents.items()
    ]
    routes += [
        Route(path, _document(schema, "application/schema+json"), methods=["GET"], name=path)
        for path, schema in EXTENSION_SCHEMAS.items()
    ]
    return [*routes, Route("/health", _health, methods=["GET"], name="health")]


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
    }


def _document(document: Mapping[str, Any], media_type: str) -> Handler:
    body = json.dumps(document, ensure_ascii=False).encode()

    async def handle(_request: Request) -> Response:
        return Response(body, headers=CACHED, media_type=media_type)

    return handle


async def _health(_request: Request) -> Response:
    return Response(
        b'{"status":"ok"}', media_type="application/json", headers={"cache-control": "no-store"}
    )
