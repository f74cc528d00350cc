"""JSON Schemas (2020-12) of what Underseal adds to a PACT exchange, served by every node.

A PACT extension names the schema of its `data` by URL. A reader never fetches a peer's schema: the
URL is a name, and these are its contents for people and tools that want to look.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from underseal_protocol.assurance import AssuranceLevel
from underseal_protocol.carbon import COVERAGES
from underseal_protocol.criteria import STATUSES
from underseal_protocol.disclosure import ATTESTATION_SCHEMA_PATH, CREDENTIAL_SCHEMA_PATH, Block
from underseal_protocol.draft import ATTESTED_BLOCKS
from underseal_protocol.sd_jwt import HASH_ALGORITHM

__all__ = [
    "ATTESTATION_CLAIMS_SCHEMA_PATH",
    "ATTESTATION_SCHEMA_PATH",
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
ATTESTATION_CLAIMS_SCHEMA_PATH = "/schemas/footprint-attestation-claims/1.0.0.json"

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
_TEXT = {"type": "string", "minLength": 1}


def _object(
    title: str,
    description: str,
    properties: dict[str, Any],
    *,
    optional: Collection[str] = (),
) -> dict[str, Any]:
    return {
        "$schema": _DIALECT,
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


EXTENSION_SCHEMAS: dict[str, dict[str, Any]] = {
    CREDENTIAL_SCHEMA_PATH: _object(
        "Footprint credential",
        "The data of the extension that carries the credential of a PACT product footprint.",
        {
            "sdJwt": {
                "type": "string",
                "pattern": rf"^{_PART}\.{_PART}\.{_PART}~({_PART}~){{0,{len(Block) + 1}}}$",
                "maxLength": 16384,
                "description": (
                    "An SD-JWT (RFC 9901) in compact form, without key binding; header typ "
                    "underseal-footprint+sd-jwt, alg ES256. Each disclosure has the name of a "
                    f"block ({', '.join(Block)}) and as value the digest of its content, or the "
                    "name root and as value the root of what the footprint was calculated from."
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
            "commitment": _object(
                "Commitment",
                "Only of footprints that the node has calculated from inputs it commits to.",
                {
                    "_sd": {
                        "type": "array",
                        "items": _DIGEST,
                        "minItems": 1,
                        "maxItems": 1,
                        "description": "Digest of the disclosure of the root of a Merkle tree.",
                    }
                },
            ),
            "sealedSum": _object(
                "Sealed sum",
                "Only of footprints that were sealed before they were signed.",
                {
                    "_sd": {
                        "type": "array",
                        "items": _DIGEST,
                        "minItems": 1,
                        "maxItems": 1,
                        "description": "Digest of the disclosure of the sealed sum.",
                    }
                },
            ),
        },
        optional=("commitment", "sealedSum"),
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
    ATTESTATION_SCHEMA_PATH: _object(
        "Footprint attestation",
        "The data of the extension that carries what a verifier attests of a PACT product "
        "footprint. The entry belongs to the block verification.",
        {
            "jws": {
                "type": "string",
                "pattern": rf"^{_PART}\.{_PART}\.{_PART}$",
                "maxLength": 16384,
                "description": "A JWS in compact form; header typ underseal-attestation+jwt, alg "
                "ES256.",
            }
        },
    ),
    ATTESTATION_CLAIMS_SCHEMA_PATH: _object(
        "Claims of an attestation",
        "What a verifier signs about a footprint (JWS, header typ underseal-attestation+jwt, alg "
        "ES256).",
        {
            "iss": _ISSUER | {"description": "The URL of the verifier's node."},
            "sub": _FOOTPRINT_ID,
            "owner": _ISSUER | {"description": "The URL of the node that publishes the footprint."},
            "iat": _ISSUED_AT,
            "nbf": _ISSUED_AT | {"description": "From when on it is valid."},
            "exp": _ISSUED_AT | {"description": "Until when it is valid, exclusive."},
            "core": _DIGEST
            | {"description": "Digest of the RFC 8785 form of what is always shown."},
            "blocks": _object(
                "Blocks",
                "The digest of the salted disclosure of each block.",
                {block.value: _DIGEST for block in ATTESTED_BLOCKS},
            ),
            "verification": _object(
                "Verification",
                "As PACT's Verification; published as it is.",
                {
                    "coverage": {"enum": list(COVERAGES)},
                    "providerName": _TEXT,
                    "completedAt": {"type": "string", "format": "date-time"},
                    "standardName": _TEXT,
                    "comments": _TEXT,
                },
                optional=("comments",),
            ),
            "verifierIds": {"type": "array", "items": _TEXT, "minItems": 1},
            "level": {"enum": list(AssuranceLevel)},
            "statement": _object(
                "Statement",
                "What the verifier says: in words, at an address, or in a document.",
                {
                    "text": _TEXT,
                    "url": {"type": "string", "format": "uri"},
                    "sha256": _DIGEST | {"description": "Of the document."},
                    "fileName": _TEXT,
                },
                optional=("text", "url", "sha256", "fileName"),
            )
            | {"anyOf": [{"required": [name]} for name in ("text", "url", "sha256")]},
            "commitment": _object(
                "Commitment",
                "The inputs of the footprint that the verifier has looked into.",
                {
                    "root": _DIGEST | {"description": "Of their Merkle tree, base64url."},
                    "disclosure": {
                        "type": "string",
                        "pattern": f"^{_PART}$",
                        "description": "Of the root (RFC 9901); the credential bears its digest.",
                    },
                    "completeness": _TEXT
                    | {"description": "What was checked of their being complete."},
                    "sealedSum": _DIGEST
                    | {
                        "description": "Of the sealed sum whose quantities were compared with them."
                    },
                },
                optional=("completeness", "sealedSum"),
            ),
        },
        optional=("commitment",),
    ),
}
"""Path on the node -> schema."""
