"""JSON Schemas (2020-12) of what Underseal adds to a PACT exchange, served by every node.

A PACT extension names the schema of its `data` by URL. A reader never fetches a peer's schema: the
URL is a name, and these are its contents for people and tools that want to look.
"""

from __future__ import annotations

from typing import Any

from underseal_protocol.criteria import STATUSES
from underseal_protocol.disclosure import CREDENTIAL_SCHEMA_PATH, Block
from underseal_protocol.sd_jwt import HASH_ALGORITHM

__all__ = [
    "CREDENTIAL_CLAIMS_SCHEMA_PATH",
    "CREDENTIAL_SCHEMA_PATH",
    "EXTENSIONS_VERSION",
    "EXTENSION_SCHEMAS",
    "STATUS_SCHEMA_PATH",
    "VERSION_MEMBER",
]

# A member of the discovery document, by which nodes recognise each other; its value is the version
# of what is in these schemas and of the extensions of the API.
VERSION_MEMBER = "underseal_version"
EXTENSIONS_VERSION = "1.0"

CREDENTIAL_CLAIMS_SCHEMA_PATH = "/schemas/footprint-credential-claims/1.0.0.json"
STATUS_SCHEMA_PATH = "/schemas/footprint-status/1.0.0.json"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DIGEST = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]{43}$",
    "description": "SHA-256, base64url without padding.",
}
_ISSUER = {
    "type": "string",
    "format": "uri",
    "description": "The URL of the node that signed, without trailing slash.",
}
_ISSUED_AT = {
    "type": "integer",
    "minimum": 0,
    "description": "When it was signed, by the word of the issuer: seconds since 1970-01-01 UTC.",
}
_FOOTPRINT_ID = {
    "type": "string",
    "format": "uuid",
    "description": "The id of the footprint.",
}
_PART = "[A-Za-z0-9_-]+"


def _object(title: str, description: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": _DIALECT,
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


EXTENSION_SCHEMAS: dict[str, dict[str, Any]] = {
    CREDENTIAL_SCHEMA_PATH: _object(
        "Footprint credential",
        "The data of the extension that carries the credential of a PACT product footprint.",
        {
            "sdJwt": {
                "type": "string",
                "pattern": rf"^{_PART}\.{_PART}\.{_PART}~({_PART}~){{0,{len(Block)}}}$",
                "maxLength": 16384,
                "description": (
                    "An SD-JWT (RFC 9901) in compact form, without key binding; header typ "
                    "underseal-footprint+sd-jwt, alg ES256. Each disclosure has the name of a "
                    f"block ({', '.join(Block)}) and as value the digest of its content."
                ),
            }
        },
    ),
    CREDENTIAL_CLAIMS_SCHEMA_PATH: _object(
        "Claims of a footprint credential",
        "What the issuer-signed part of a footprint credential says.",
        {
            "iss": _ISSUER,
            "sub": _FOOTPRINT_ID,
            "iat": _ISSUED_AT,
            "core": _DIGEST
            | {"description": "Digest of the RFC 8785 form of what is always shown."},
            "_sd": {
                "type": "array",
                "items": _DIGEST,
                "minItems": len(Block),
                "maxItems": len(Block),
                "uniqueItems": True,
                "description": "Digests of the disclosures of all blocks, sorted.",
            },
            "_sd_alg": {"const": HASH_ALGORITHM},
        },
    ),
    STATUS_SCHEMA_PATH: _object(
        "Claims of a status statement",
        "What a signed status statement says (JWS, header typ underseal-status+jwt, alg ES256).",
        {
            "iss": _ISSUER,
            "sub": _FOOTPRINT_ID,
            "iat": _ISSUED_AT,
            "status": {"enum": list(STATUSES)},
            "credential": _DIGEST
            | {"description": "Digest of header and payload of the credential that is meant."},
        },
    ),
}
"""Path on the node -> schema."""
