"""What the issuer-signed part of a credential claims, and what of it is disclosed.

The rules are listed in `credential`; these are 5, but for the content, 7 and 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from underseal_protocol import sd_jwt
from underseal_protocol.commitment import ROOT_NAME, check_root
from underseal_protocol.disclosure import Block
from underseal_protocol.errors import CredentialError

__all__ = [
    "CLAIMS",
    "COMMITMENT",
    "OPTIONAL_CLAIMS",
    "SEALED_SUM",
    "committed",
    "disclosed_in",
    "is_digest",
    "sealed",
]

CLAIMS = frozenset({"iss", "sub", "iat", "core", "_sd", "_sd_alg"})
COMMITMENT = "commitment"
"""A claim that only footprints with a commitment have."""

SEALED_SUM = "sealedSum"
"""A claim that only footprints with a sealed sum have."""

OPTIONAL_CLAIMS = frozenset({COMMITMENT, SEALED_SUM})

_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def committed(payload: Mapping[str, Any]) -> str | None:
    """The digest of the disclosure of a root; None if nothing is committed to.

    Args:
        payload: of the issuer-signed part.

    Raises:
        CredentialError: the claim is not of the expected form.
    """
    return _one_digest(payload, COMMITMENT)


def sealed(payload: Mapping[str, Any]) -> str | None:
    """The digest of the disclosure of a sealed sum; None if nothing is sealed.

    Args:
        payload: of the issuer-signed part.

    Raises:
        CredentialError: the claim is not of the expected form.
    """
    return _one_digest(payload, SEALED_SUM)


def disclosed_in(
    payload: dict[str, Any], disclosures: Iterable[str]
) -> tuple[dict[Block, str], str | None]:
    """The digests of the disclosed blocks, and the root if it is disclosed.

    Args:
        payload: of the issuer-signed part, its claims checked.
        disclosures: as they travel.

    Raises:
        CredentialError: a disclosure was not signed, or discloses something else.
    """
    digests = payload["_sd"]
    if not isinstance(digests, list) or len(digests) != len(Block):
        raise CredentialError(f"the credential covers {digests!r}, expected {len(Block)} blocks")
    if payload["_sd_alg"] != sd_jwt.HASH_ALGORITHM:
        raise CredentialError(
            f"_sd_alg is {payload['_sd_alg']!r}, expected {sd_jwt.HASH_ALGORITHM!r}"
        )
    claims = sd_jwt.reveal(payload, disclosures)
    found = {name: value for name, value in claims.items() if name not in payload}
    unknown = sorted(found.keys() - set(Block))
    if unknown:
        raise CredentialError(
            f"the credential discloses the block {unknown[0]!r}, expected one of {', '.join(Block)}"
        )
    if claims.get(SEALED_SUM):
        raise CredentialError("the credential discloses its sealed sum, expected that beside it")
    return {Block(name): value for name, value in found.items()}, _root(claims, payload)


def _one_digest(payload: Mapping[str, Any], name: str) -> str | None:
    if name not in payload:
        return None
    given = payload[name]
    digests = given.get("_sd") if isinstance(given, dict) and len(given) == 1 else None
    if not isinstance(digests, list) or len(digests) != 1 or not is_digest(digests[0]):
        raise CredentialError(f"the {name} is {given!r}, expected exactly one digest in _sd")
    return str(digests[0])


def _root(claims: Mapping[str, Any], payload: Mapping[str, Any]) -> str | None:
    """The root, if there is one and it is disclosed."""
    shown = claims[COMMITMENT] if COMMITMENT in payload else {}
    if shown.keys() - {ROOT_NAME}:
        raise CredentialError(
            f"the commitment discloses {sorted(shown)}, expected {ROOT_NAME!r} alone"
        )
    return check_root(shown[ROOT_NAME]) if shown else None


def is_digest(value: Any) -> bool:
    """Whether it is a SHA-256 digest in base64url: 43 characters."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None
