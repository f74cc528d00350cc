"""The DID of a node (did:web), and the document that it leads to (DID Core)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from underseal_protocol.keys import PURPOSE_MEMBER, KeyPurpose, PublicKeySet

__all__ = ["did_document", "did_of"]


def did_of(url: str) -> str:
    """The did:web identifier of a node.

    Args:
        url: the URL of the node; its path, if any, becomes part of the identifier.
    """
    parts = urlsplit(url)
    host = quote(parts.netloc.lower(), safe="")
    path = [quote(segment, safe="") for segment in parts.path.split("/") if segment]
    return ":".join(["did:web", host, *path])


def did_document(url: str, key_set: PublicKeySet) -> dict[str, Any]:
    """The DID document of a node: its keys as `JsonWebKey` verification methods.

    Only footprint keys are named in `assertionMethod`: the others assert nothing about products.

    Args:
        url: the URL of the node, without trailing slash.
        key_set: its public keys.
    """
    did = did_of(url)
    methods = []
    for key in key_set:
        jwk = key.jwk()
        jwk.pop(PURPOSE_MEMBER, None)
        methods.append(
            {
                "id": f"{did}#{key.kid}",
                "type": "JsonWebKey",
                "controller": did,
                "publicKeyJwk": jwk,
            }
        )
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [
            f"{did}#{key.kid}" for key in key_set if key.purpose in (None, KeyPurpose.FOOTPRINT)
        ],
    }
