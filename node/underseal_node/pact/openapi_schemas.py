"""The schemas in the OpenAPI description of the public listener."""

from __future__ import annotations

from typing import Any

from underseal_node.store.announcements import ANNOUNCED_ENTRIES
from underseal_protocol.disclosure import Level
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.usage_terms import KINDS, MAX_PURPOSE_CHARACTERS, MAX_TERMS_CHARACTERS

__all__ = ["INSTANT", "SCHEMAS", "TEXTS", "URNS", "UUID", "Schema"]

Schema = dict[str, Any]

URNS: Schema = {"type": "array", "items": {"type": "string"}}
TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
INSTANT: Schema = {"type": "string", "format": "date-time"}
UUID: Schema = {"type": "string", "format": "uuid"}
BYTES_32: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}

SCHEMAS: dict[str, Schema] = {
    "Error": {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    },
    "KeyLog": {
        "type": "object",
        "required": ["entries"],
        "properties": {"entries": {**TEXTS, "maxItems": ANNOUNCED_ENTRIES}},
    },
    "EndorsementQuestion": {
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "footprintId", "property", "context"],
        "properties": {
            "version": {"enum": [1]},
            "footprintId": UUID,
            "property": {"enum": [one.value for one in SealedProperty]},
            "context": BYTES_32,
        },
    },
    "EndorsementQuestionToMember": {
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "footprintId", "property", "context", "roster"],
        "properties": {
            "version": {"enum": [2]},
            "footprintId": UUID,
            "property": {"enum": [one.value for one in SealedProperty]},
            "context": BYTES_32,
            "roster": {
                "type": "object",
                "additionalProperties": False,
                "required": ["version", "issuer", "name", "key", "notBefore", "notAfter"],
                "properties": {
                    "version": {"enum": [1]},
                    "issuer": {"type": "string", "format": "uri"},
                    "name": {"type": "string", "minLength": 1, "maxLength": 100},
                    "key": {"type": "string", "pattern": "^[A-Za-z0-9_-]{128}$"},
                    "notBefore": {"type": "integer", "minimum": 0},
                    "notAfter": {"type": "integer", "minimum": 0},
                },
            },
        },
    },
    "EndorsementOfMember": {
        "type": "object",
        "required": ["version", "claims", "pseudonym", "proof", "opening", "salt"],
        "properties": {
            "version": {"enum": [2]},
            "claims": {"type": "object"},
            "pseudonym": {"type": "string", "pattern": "^[A-Za-z0-9_-]{64}$"},
            "proof": {"type": "string"},
            "opening": {
                "type": "object",
                "required": ["value", "blinding"],
                "properties": {
                    "value": {"type": "string", "pattern": "^[0-9]{1,17}$"},
                    "blinding": BYTES_32,
                },
            },
            "salt": BYTES_32,
        },
    },
    "Endorsement": {
        "type": "object",
        "required": ["version", "endorsement", "opening"],
        "properties": {
            "version": {"enum": [1]},
            "endorsement": {"type": "string", "description": "a JWS"},
            "opening": {
                "type": "object",
                "required": ["value", "blinding"],
                "properties": {
                    "value": {"type": "string", "pattern": "^[0-9]{1,17}$"},
                    "blinding": BYTES_32,
                },
            },
        },
    },
    "ListedSeal": {
        "type": "object",
        "required": ["footprintId", "digest"],
        "properties": {"footprintId": UUID, "digest": BYTES_32},
    },
    "SealedSum": {
        "type": "object",
        "required": ["type", "version", "document"],
        "properties": {
            "type": {"enum": ["underseal-sealed-sum"]},
            "version": {"enum": [1]},
            "document": {"type": "string", "description": "base64url"},
            "statement": {"type": "string", "description": "a JWS, of a seal that was made later"},
        },
    },
    "TokenError": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
    },
    "ProductFootprint": {
        "type": "object",
        "description": "As defined by PACT 3.0.",
        "required": [
            "id",
            "specVersion",
            "created",
            "status",
            "companyName",
            "companyIds",
            "productDescription",
            "productIds",
            "productNameCompany",
            "pcf",
        ],
    },
    "Grant": {
        "type": "object",
        "description": "What the requester may see, until when and under what terms.",
        "required": ["kind", "level"],
        "properties": {
            "kind": {"type": "string", "enum": list(KINDS)},
            "value": {"type": "string", "description": "a URN or an id; absent for all"},
            "level": {"type": "string", "enum": [str(level) for level in Level]},
            "from": INSTANT,
            "until": INSTANT,
            "terms": {"type": "string", "maxLength": MAX_TERMS_CHARACTERS},
            "purpose": {"type": "string", "maxLength": MAX_PURPOSE_CHARACTERS},
        },
    },
    "TokenRequest": {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"type": "string", "enum": ["client_credentials"]},
            "client_id": {"type": "string"},
            "client_secret": {"type": "string"},
            "client_assertion_type": {"type": "string"},
            "client_assertion": {"type": "string"},
            "scope": {"type": "string"},
            "audience": {"type": "string"},
            "resource": {"type": "string"},
        },
    },
    "Registration": {
        "type": "object",
        "description": "Client metadata of RFC 7591 with the reply to an invitation.",
        "required": [
            "client_name",
            "client_uri",
            "grant_types",
            "token_endpoint_auth_method",
            "jwks",
            "pact_connection_id",
            "underseal",
        ],
        "properties": {
            "client_name": {"type": "string"},
            "client_uri": {"type": "string"},
            "grant_types": {"type": "array", "items": {"enum": ["client_credentials"]}},
            "token_endpoint_auth_method": {"enum": ["private_key_jwt"]},
            "jwks": {"type": "object"},
            "pact_connection_id": UUID,
            "underseal": {
                "type": "object",
                "required": ["version", "acceptance", "keyLog"],
                "properties": {
                    "version": {"enum": [1]},
                    "acceptance": {"type": "string"},
                    "keyLog": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
    "Event": {
        "type": "object",
        "description": "One of the four events of PACT 3.0, as a structured CloudEvent.",
        "required": ["type", "specversion", "id", "source", "data"],
        "properties": {
            "type": {
                "type": "string",
                "enum": [
                    f"org.wbcsd.pact.ProductFootprint.{name}Event.3"
                    for name in (
                        "Published",
                        "RequestCreated",
                        "RequestFulfilled",
                        "RequestRejected",
                    )
                ],
            },
            "specversion": {"type": "string", "enum": ["1.0"]},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1},
            "time": INSTANT,
            "data": {"type": "object"},
        },
    },
}
