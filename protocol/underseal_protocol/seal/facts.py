"""What of a footprint a sealed sum is about: taken from the footprint, never from the proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from underseal_protocol import base64url, canonical
from underseal_protocol.disclosure import split
from underseal_protocol.errors import CredentialError, JsonError, SealRefusedError, TimeError
from underseal_protocol.rollup.merging import listed
from underseal_protocol.seal.numbers import SealedProperty, Total, sealed_figure, total_of
from underseal_protocol.seal.terms import mass_of
from underseal_protocol.times import parse_time

__all__ = ["Facts", "facts_of", "figures_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Of a footprint, whatever is sealed of it.

    Attributes:
        footprint_id: `id`, in lower case.
        product_ids: `productIds`.
        created: aware.
        core: SHA-256 of the core.
        assessment_reports: `ipccCharacterizationFactors`.
        pcf: its carbon footprint.
    """

    footprint_id: str
    product_ids: tuple[str, ...]
    created: datetime
    core: bytes
    assessment_reports: frozenset[str]
    pcf: Mapping[str, Any]


def facts_of(document: Mapping[str, Any]) -> Facts:
    """Of a footprint.

    Args:
        document: as read by `strict_json.loads`, not passed through a model; at any level.

    Raises:
        SealRefusedError: it is none.
    """
    pcf = document.get("pcf")
    if not isinstance(pcf, Mapping) or not isinstance(document.get("id"), str):
        raise SealRefusedError("footprint: it has no id or no pcf, so it is none")
    try:
        created = parse_time(document.get("created", ""))
        parts = split(document)
    except (CredentialError, TimeError) as error:
        raise SealRefusedError(f"footprint: {error.message}", hint=error.hint) from None
    try:
        core = base64url.decode(canonical.digest(parts.core))
    except JsonError as error:
        raise SealRefusedError(f"core: {error.message}", hint=error.hint) from None
    return Facts(
        str(document["id"]).lower(),
        tuple(_texts(document, "productIds")),
        created,
        core,
        frozenset(_texts(pcf, "ipccCharacterizationFactors")),
        pcf,
    )


def _texts(of: Mapping[str, Any], name: str) -> list[str]:
    return [one for one in listed(of, name) if isinstance(one, str)]


def figures_of(facts: Facts, sealed: SealedProperty, decimals: int | None) -> tuple[Total, int]:
    """The total that is sealed, and the mass of the declared unit in 10^-9 kg.

    Args:
        facts: of the footprint.
        sealed: which figure.
        decimals: `d` as stated; that of the figure by default.

    Raises:
        SealNumberError: the footprint is none that version 1 seals, or has no such decimals.
    """
    return total_of(sealed_figure(facts.pcf, sealed), decimals), mass_of(facts.pcf)
