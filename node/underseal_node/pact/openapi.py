"""The OpenAPI description of the public listener, for what FastAPI does not see.

Of PACT's data model it says only what a client needs to call the API: the published description has
the rest.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from underseal_node.pact.openapi_schemas import INSTANT, SCHEMAS, TEXTS, URNS, UUID, Schema
from underseal_protocol.seal.endorsement_exchange import ENDORSEMENTS_PATH
from underseal_protocol.seal.sealed_sum import SEALED_SUM_PATH
from underseal_protocol.usage_terms import GRANTS_PATH

__all__ = ["describe"]

LIST_PARAMETERS: dict[str, Schema] = {
    "limit": {"type": "integer", "minimum": 0},
    "productId": URNS,
    "companyId": URNS,
    "geography": TEXTS,
    "classification": URNS,
    "validOn": INSTANT,
    "validAfter": INSTANT,
    "validBefore": INSTANT,
    "status": {"type": "string", "enum": ["Active", "Deprecated"]},
    "x-underseal-changed-after": {"type": "string"},
    "cursor": {"type": "string"},
}

BEARER: list[dict[str, list[str]]] = [{"BearerAuth": []}]


def describe(url: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document.

    Args:
        url: of the node.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Underseal node",
            "summary": "Product carbon footprints by PACT 3.0",
            "version": version("underseal"),
        },
        "servers": [{"url": url}],
        "paths": {**_pact_paths(), **_own_paths()},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "BearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "BasicAuth": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _pact_paths() -> dict[str, Any]:
    item = {"$ref": "#/components/schemas/ProductFootprint"}
    parameters = [
        {"name": name, "in": "query", "schema": schema, "required": False}
        for name, schema in LIST_PARAMETERS.items()
    ]
    link = {"description": "the next page (RFC 8288)", "schema": {"type": "string"}}
    watermark = {"description": "for x-underseal-changed-after", "schema": {"type": "string"}}
    return {
        "/3/footprints": {
            "get": _operation(
                "listFootprints",
                "The footprints that the requester has been granted",
                _data(
                    {"type": "array", "items": item},
                    headers={"link": link, "x-underseal-watermark": watermark},
                ),
                errors=(400, 401, 403, 429),
                parameters=parameters,
            )
        },
        "/3/footprints/{id}": {
            "get": _operation(
                "getFootprint",
                "One footprint that the requester has been granted",
                _data(item),
                errors=(401, 403, 404, 429),
                parameters=[_id_parameter()],
            )
        },
        "/3/events": {
            "post": _operation(
                "postEvent",
                "Send an event",
                {"description": "accepted"},
                errors=(400, 401, 403, 413, 429),
                body=("application/cloudevents+json", "Event"),
            )
        },
    }


def _own_paths() -> dict[str, Any]:
    token = _operation(
        "createToken",
        "Exchange client credentials for an access token",
        _json({"type": "object", "required": ["access_token", "token_type", "expires_in"]}),
        body=("application/x-www-form-urlencoded", "TokenRequest"),
    )
    token["security"] = [{"BasicAuth": []}, {}]
    for status in ("400", "401", "429"):
        token["responses"][status] = _json({"$ref": "#/components/schemas/TokenError"})
    status_of = _operation(
        "getStatus",
        "The signed status of a footprint",
        {"description": "a JWS", "content": {"application/jwt": {"schema": {"type": "string"}}}},
        errors=(401, 403, 404, 429),
        parameters=[_id_parameter()],
    )
    attestations_of = _operation(
        "getAttestations",
        "What verifiers attest beside a footprint",
        _data({"type": "array", "items": {"type": "string"}}),
        errors=(401, 403, 404),
        parameters=[_id_parameter()],
    )
    key_log = _operation(
        "postKeyLog",
        "Tell of new entries in the key log of the requester",
        _json({"type": "object", "required": ["accepted"]}),
        errors=(400, 401, 403, 409, 413),
        body=("application/json", "KeyLog"),
    )
    paths: dict[str, Any] = {
        "/auth/token": {"post": token},
        "/extensions/key-log": {"post": key_log},
        "/extensions/status/{id}": {"get": status_of},
        **_partner_paths(),
        GRANTS_PATH: {"get": _grants()},
        "/extensions/attestations/{id}": {"get": attestations_of},
        **_receipt_paths(),
        ENDORSEMENTS_PATH: {"post": _endorsements()},
        **_sealed_sum_paths(),
    }
    for path, (name, summary, media_type) in {
        "/.well-known/openid-configuration": ("discovery", "Discovery", "application/json"),
        "/.well-known/jwks.json": ("jwks", "Public keys", "application/jwk-set+json"),
        "/.well-known/did.json": ("did", "DID document", "application/did+json"),
        "/.well-known/underseal-key-log": ("keyLog", "Key log", "application/json"),
        "/health": ("health", "Whether the node runs", "application/json"),
    }.items():
        content = {media_type: {"schema": {"type": "object"}}}
        operation = _operation(name, summary, {"description": summary, "content": content})
        operation["security"] = []
        paths[path] = {"get": operation}
    return paths


def _partner_paths() -> dict[str, Any]:
    invitation = _operation(
        "getInvitation",
        "A signed invitation, without its token",
        _json({"type": "object", "required": ["type", "version", "invitation", "keyLog"]}),
        errors=(404,),
        parameters=[_id_parameter()],
    )
    invitation["security"] = []
    register = _operation(
        "register",
        "Accept an invitation (RFC 7591); its token is the bearer token",
        _json({"type": "object", "required": ["client_id"]}),
        body=("application/json", "Registration"),
        success_status=201,
        errors=(413,),
    )
    credentials = _operation(
        "putCredentials",
        "Tell a partner which client id it has at the sender, and renew that of the sender",
        _json({"type": "object", "properties": {"expiresAt": INSTANT}}),
        errors=(413,),
    )
    credentials["security"] = []
    jwt = {"application/jwt": {"schema": {"type": "string"}}}
    credentials["requestBody"] = {"required": True, "content": jwt}
    for one in (register, credentials):
        for status in ("400", "401", "429"):
            one["responses"][status] = _json({"$ref": "#/components/schemas/TokenError"})
    return {
        "/extensions/invitations/{id}": {"get": invitation},
        "/extensions/register": {"post": register},
        "/extensions/credentials": {"post": credentials},
    }


def _grants() -> Schema:
    item = {"$ref": "#/components/schemas/Grant"}
    link = {"description": "the next page (RFC 8288)", "schema": {"type": "string"}}
    parameters = [
        {"name": name, "in": "query", "schema": LIST_PARAMETERS[name], "required": False}
        for name in ("limit", "cursor")
    ]
    return _operation(
        "listGrants",
        "The grants of the requester, with their usage terms",
        _data({"type": "array", "items": item}, headers={"link": link}),
        errors=(400, 401, 403),
        parameters=parameters,
    )


def _receipt_paths() -> dict[str, Any]:
    jwt = {"application/jwt": {"schema": {"type": "string"}}}
    receipt = {"description": "the receipt, a JWS", "content": jwt}
    create = _operation(
        "acknowledge",
        "Acknowledge what was received, and get a receipt for it",
        receipt,
        errors=(400, 401, 403, 409, 413),
    )
    create["requestBody"] = {"required": True, "content": jwt}
    show = _operation(
        "getReceipt",
        "A receipt that was not ready",
        receipt,
        errors=(401, 403, 404, 409),
        parameters=[_id_parameter()],
    )
    for one in (create, show):
        one["responses"]["202"] = {"description": "not ready; see Location and Retry-After"}
    return {
        "/extensions/receipts": {"post": create},
        "/extensions/receipts/{id}": {"get": show},
    }


def _sealed_sum_paths() -> dict[str, Any]:
    listing = _operation(
        "listSealedSums",
        "The sealed sums that the requester has been granted",
        _data({"type": "array", "items": {"$ref": "#/components/schemas/ListedSeal"}}),
        errors=(400, 401, 403),
        parameters=[
            {"name": name, "in": "query", "schema": LIST_PARAMETERS[name], "required": False}
            for name in ("limit", "cursor")
        ],
    )
    show = _operation(
        "getSealedSum",
        "The sealed sum of a footprint",
        _json({"$ref": "#/components/schemas/SealedSum"}),
        errors=(401, 403, 404),
        parameters=[_id_parameter()],
    )
    return {SEALED_SUM_PATH: {"get": listing}, f"{SEALED_SUM_PATH}/{{id}}": {"get": show}}


def _endorsements() -> Schema:
    operation = _operation(
        "endorse",
        "Ask for the endorsement of a figure, with its opening for the requester alone",
        _json(_either("Endorsement", "EndorsementOfMember")),
        errors=(400, 401, 403, 404, 409, 413, 429),
        body=("application/json", "EndorsementQuestion"),
    )
    operation["responses"]["202"] = {"description": "not answered yet; see Retry-After"}
    named = operation["requestBody"]["content"]["application/json"]
    named["schema"] = _either("EndorsementQuestion", "EndorsementQuestionToMember")
    return operation


def _either(*names: str) -> Schema:
    return {"oneOf": [{"$ref": f"#/components/schemas/{one}"} for one in names]}


def _operation(
    operation_id: str,
    summary: str,
    success: Schema,
    *,
    errors: tuple[int, ...] = (),
    parameters: list[Schema] | None = None,
    body: tuple[str, str] | None = None,
    success_status: int = 200,
) -> Schema:
    operation: Schema = {
        "operationId": operation_id,
        "summary": summary,
        "security": BEARER,
        "responses": {str(success_status): success},
    }
    for status in (*errors, 421):
        operation["responses"][str(status)] = _json({"$ref": "#/components/schemas/Error"})
    if parameters:
        operation["parameters"] = parameters
    if body:
        media_type, name = body
        schema = {"$ref": f"#/components/schemas/{name}"}
        operation["requestBody"] = {"required": True, "content": {media_type: {"schema": schema}}}
    return operation


def _json(schema: Schema, **more: Any) -> Schema:
    return {"description": "JSON", "content": {"application/json": {"schema": schema}}, **more}


def _data(schema: Schema, **more: Any) -> Schema:
    return _json({"type": "object", "required": ["data"], "properties": {"data": schema}}, **more)


def _id_parameter() -> Schema:
    return {"name": "id", "in": "path", "required": True, "schema": UUID}
