"""What of a footprint is always shown, and which groups of properties are shown or withheld as one.

The core is everything that every recipient gets. Every other property and extension belongs to
exactly one of six blocks, and the disclosure levels nest: each shows the blocks of the one before.
The mapping is docs/adr/0001-credential-blocks.md. `status` belongs to neither: it alone may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from underseal_protocol.errors import CredentialError

__all__ = [
    "ATTESTATION_SCHEMA_PATH",
    "CREDENTIAL_SCHEMA_PATH",
    "Block",
    "GrantLevel",
    "Level",
    "Split",
    "block_of",
    "content_of",
    "is_attestation_entry",
    "is_attested",
    "is_credential_entry",
    "properties_of",
    "split",
]

CREDENTIAL_SCHEMA_PATH = "/schemas/footprint-credential/1.0.0.json"
ATTESTATION_SCHEMA_PATH = "/schemas/footprint-attestation/1.0.0.json"


class Block(StrEnum):
    """A group of optional properties, disclosed or withheld as one. The order is that of levels."""

    QUALITY = "quality"
    VERIFICATION = "verification"
    EMISSIONS = "emissions"
    CARBON = "carbon"
    METHOD = "method"
    OTHER = "other"


class Level(StrEnum):
    """How much of a footprint a peer gets."""

    TOTAL = "total"
    QUALITY = "quality"
    BREAKDOWN = "breakdown"
    FULL = "full"

    @property
    def rank(self) -> int:
        """0 for the least, 3 for everything."""
        return _RANKS[self]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks shown at this level, those of lower levels included."""
        return _BLOCKS[self]

    @classmethod
    def showing(cls, block: Block) -> Level:
        """The lowest level at which a block is shown."""
        return next(level for level in cls if block in level.blocks)

    @classmethod
    def of_rank(cls, rank: int) -> Level:
        """The level of a rank 0..3.

        Raises:
            ValueError: there is none.
        """
        for level, known in _RANKS.items():
            if known == rank:
                return level
        raise ValueError(f"there is no disclosure level of rank {rank}; ranks are 0..3")


class GrantLevel(StrEnum):
    """What a peer can be granted of a footprint: a disclosure level, or its sealed sum.

    The sealed sum is none of the nested levels: none of them shows it, and it shows none.
    """

    TOTAL = Level.TOTAL.value
    QUALITY = Level.QUALITY.value
    BREAKDOWN = Level.BREAKDOWN.value
    FULL = Level.FULL.value
    SEALED = "sealed"

    @property
    def disclosure(self) -> Level | None:
        """The disclosure level; None for the sealed sum."""
        return None if self is GrantLevel.SEALED else Level(self.value)


_RANKS = {level: rank for rank, level in enumerate(Level)}
_BLOCKS = {
    Level.TOTAL: (),
    Level.QUALITY: tuple(Block)[:2],
    Level.BREAKDOWN: tuple(Block)[:4],
    Level.FULL: tuple(Block),
}

# None stands for the core.
_FOOTPRINT: dict[str, Block | None] = {
    "id": None,
    "specVersion": None,
    "created": None,
    "companyName": None,
    "companyIds": None,
    "productDescription": None,
    "productIds": None,
    "productNameCompany": None,
    "precedingPfIds": None,
    "validityPeriodStart": None,
    "validityPeriodEnd": None,
    "productClassifications": None,
    "comment": Block.METHOD,
}
_CARBON_FOOTPRINT: dict[str, Block | None] = {
    "declaredUnitOfMeasurement": None,
    "declaredUnitAmount": None,
    "productMassPerDeclaredUnit": None,
    "referencePeriodStart": None,
    "referencePeriodEnd": None,
    "geographyRegionOrSubregion": None,
    "geographyCountry": None,
    "geographyCountrySubdivision": None,
    "pcfExcludingBiogenicUptake": None,
    "pcfIncludingBiogenicUptake": None,
    "fossilGhgEmissions": None,
    "fossilCarbonContent": None,
    "ipccCharacterizationFactors": None,
    "crossSectoralStandards": None,
    "exemptedEmissionsPercent": None,
    "packagingEmissionsIncluded": None,
    "ccsTechnologicalCO2CaptureIncluded": None,
    "primaryDataShare": None,
    "dqi": Block.QUALITY,
    "exemptedEmissionsDescription": Block.QUALITY,
    "secondaryEmissionFactorSources": Block.QUALITY,
    "verification": Block.VERIFICATION,
    "landUseChangeGhgEmissions": Block.EMISSIONS,
    "landCarbonLeakage": Block.EMISSIONS,
    "landManagementFossilGhgEmissions": Block.EMISSIONS,
    "landManagementBiogenicCO2Emissions": Block.EMISSIONS,
    "landManagementBiogenicCO2Removals": Block.EMISSIONS,
    "biogenicCO2Uptake": Block.EMISSIONS,
    "biogenicNonCO2Emissions": Block.EMISSIONS,
    "landAreaOccupation": Block.EMISSIONS,
    "aircraftGhgEmissions": Block.EMISSIONS,
    "packagingGhgEmissions": Block.EMISSIONS,
    "outboundLogisticsGhgEmissions": Block.EMISSIONS,
    "ccsTechnologicalCO2Capture": Block.EMISSIONS,
    "technologicalCO2Removals": Block.EMISSIONS,
    "biogenicCarbonContent": Block.CARBON,
    "recycledCarbonContent": Block.CARBON,
    "ccuCarbonContent": Block.CARBON,
    "packagingBiogenicCarbonContent": Block.CARBON,
    "boundaryProcessesDescription": Block.METHOD,
    "allocationRulesDescription": Block.METHOD,
    "productOrSectorSpecificRules": Block.METHOD,
    "technologicalCO2CaptureOrigin": Block.METHOD,
    "ccuCalculationApproach": Block.METHOD,
    "ccuCreditCertification": Block.METHOD,
}


@dataclass(frozen=True, slots=True)
class Split:
    """A footprint taken apart. Joined again, the parts are the footprint without its status and
    its credential.

    Attributes:
        core: what is always shown; the shape of a footprint.
        blocks: all six, each in the shape of a footprint that has nothing else; `{}` if empty.
    """

    core: dict[str, Any]
    blocks: dict[Block, dict[str, Any]]


def split(document: Mapping[str, Any]) -> Split:
    """Take a footprint apart, by the values as they were received.

    Args:
        document: a footprint as read by `strict_json.loads`.

    Raises:
        CredentialError: `pcf` is no object or `extensions` is no array, so that it cannot be
            told what belongs where.
    """
    core: dict[str, Any] = {}
    blocks: dict[Block, dict[str, Any]] = {block: {} for block in Block}
    for name, value in document.items():
        if name == "pcf":
            _split_pcf(value, core, blocks)
        elif name == "extensions":
            for holder, entries in _extensions(value).items():
                blocks[holder]["extensions"] = entries
        elif name != "status":
            block = _FOOTPRINT.get(name, Block.OTHER)
            (core if block is None else blocks[block])[name] = value
    return Split(core, blocks)


def _split_pcf(value: Any, core: dict[str, Any], blocks: dict[Block, dict[str, Any]]) -> None:
    if not isinstance(value, dict):
        raise CredentialError(f"pcf is {_kind(value)}, expected an object")
    core["pcf"] = shown = {}
    for name, member in value.items():
        block = _CARBON_FOOTPRINT.get(name, Block.OTHER)
        if block is None:
            shown[name] = member
        else:
            blocks[block].setdefault("pcf", {})[name] = member


def _extensions(value: Any) -> dict[Block, list[Any]]:
    """All but the credential. What a verifier attests of a footprint belongs to the block that it
    leaves out, as it cannot attest itself (docs/adr/0011-attestations.md)."""
    if not isinstance(value, list):
        raise CredentialError(f"extensions is {_kind(value)}, expected an array")
    found: dict[Block, list[Any]] = {}
    for entry in value:
        if not is_credential_entry(entry):
            block = Block.VERIFICATION if is_attestation_entry(entry) else Block.OTHER
            found.setdefault(block, []).append(entry)
    return found


def content_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """A footprint without its status and its credential: what may never change.

    Args:
        document: as read by `strict_json.loads`; it is not changed.
    """
    content = {name: value for name, value in document.items() if name != "status"}
    extensions = content.get("extensions")
    if isinstance(extensions, list):
        kept = [entry for entry in extensions if not is_credential_entry(entry)]
        if kept:
            content["extensions"] = kept
        else:  # being signed is no change of what is said
            del content["extensions"]
    return content


def is_credential_entry(entry: Any) -> bool:
    """Whether an item of `extensions` is the credential: by its `dataSchema` alone."""
    return _has_schema(entry, CREDENTIAL_SCHEMA_PATH)


def is_attestation_entry(entry: Any) -> bool:
    """Whether an item of `extensions` is an attestation: by its `dataSchema` alone."""
    return _has_schema(entry, ATTESTATION_SCHEMA_PATH)


def is_attested(document: Mapping[str, Any]) -> bool:
    """Whether a footprint carries an attestation; whether that holds is not looked at."""
    return any(map(is_attestation_entry, document.get("extensions") or ()))


def _has_schema(entry: Any, path: str) -> bool:
    schema = entry.get("dataSchema") if isinstance(entry, dict) else None
    return isinstance(schema, str) and schema.endswith(path)


def block_of(path: str) -> Block | None:
    """The block that a property belongs to; None for the core and for `status`.

    Args:
        path: a JSON pointer into a footprint (`/pcf/dqi/temporalDQR`), or the bare name of a
            property of a footprint or its `pcf`.
    """
    if not path.startswith("/"):
        if path in _CARBON_FOOTPRINT:
            return _CARBON_FOOTPRINT[path]
        return None if path in ("pcf", "status") else _FOOTPRINT.get(path, Block.OTHER)
    first, _, rest = path[1:].partition("/")
    if first == "pcf":
        name = _unescape(rest.partition("/")[0])
        return _CARBON_FOOTPRINT.get(name, Block.OTHER) if rest else None
    return None if first == "status" else _FOOTPRINT.get(_unescape(first), Block.OTHER)


def properties_of(blocks: Iterable[Block]) -> frozenset[str]:
    """The names of the specified properties in these blocks: what a check has to skip if the
    blocks are withheld. For the block `other`, that is `extensions`."""
    wanted = set(blocks)
    names = {
        name
        for table in (_FOOTPRINT, _CARBON_FOOTPRINT)
        for name, block in table.items()
        if block in wanted
    }
    return frozenset(names | ({"extensions"} if Block.OTHER in wanted else set()))


def _unescape(segment: str) -> str:
    """RFC 6901 section 4."""
    return segment.replace("~1", "/").replace("~0", "~")


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
