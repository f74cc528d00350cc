"""From a document that somebody wrote to a footprint that can be signed.

What the node knows itself may be left out: `id`, `specVersion`, `created`, `status`, `companyName`,
`companyIds`. An id that is left out follows from what the footprint is about (product, period,
place, declared unit), so that the same sheet imported twice publishes nothing twice, and a changed
figure is noticed instead of becoming a second footprint of the same thing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from underseal_node.publishing.files import PlacedDocument
from underseal_node.publishing.results import Problem
from underseal_node.store.footprints import NewFootprint
from underseal_node.store.identity import Identity
from underseal_node.store.index import index_keys, summary_of
from underseal_node.store.tables import Footprint, KeyKind
from underseal_protocol.canonical import canonical_bytes, digest
from underseal_protocol.credential import issue
from underseal_protocol.criteria import FootprintIndex, fold
from underseal_protocol.disclosure import Level, content_of
from underseal_protocol.errors import JsonError, SchemaError, Violation
from underseal_protocol.footprint import normalise
from underseal_protocol.keys import SigningKey
from underseal_protocol.methodology import Finding, check
from underseal_protocol.segments import pack, render
from underseal_protocol.strict_json import loads
from underseal_protocol.times import format_time

__all__ = ["Draft", "as_published", "draft_of", "is_same", "sign"]

SPEC_VERSION = "3.0.0"
ACTIVE = "Active"
SHOWN_CHARACTERS = 80
PLACEHOLDER_ID = "00000000-0000-4000-8000-000000000000"
# What a footprint is about; two footprints of the same need ids of their own.
SUBJECT_PCF_MEMBERS = (
    "referencePeriodStart",
    "referencePeriodEnd",
    "geographyRegionOrSubregion",
    "geographyCountry",
    "geographyCountrySubdivision",
    "declaredUnitOfMeasurement",
    "declaredUnitAmount",
)


@dataclass(frozen=True)
class Draft:
    """A footprint in the form in which it can be signed.

    Attributes:
        document: complete and normal, without a credential.
        source: what it was made of.
        has_own_id: the id was written in the file.
        filled: members that were filled in; of a footprint that exists they are as published.
        findings: of the methodology.
    """

    document: dict[str, Any]
    source: PlacedDocument = field(repr=False)
    has_own_id: bool
    filled: frozenset[str]
    findings: list[Finding] = field(repr=False)

    @property
    def id(self) -> str:
        """In lower case."""
        return str(self.document["id"])


def draft_of(
    source: PlacedDocument, file: str, identity: Identity, now: datetime, *, new_id: bool = False
) -> Draft | list[Problem]:
    """Complete and check a document.

    Args:
        source: from a file.
        file: its name.
        identity: of this node.
        now: aware; the time of creation where none is written.
        new_id: an id that is left out is a fresh one, not that of what the footprint is about.

    Returns:
        the draft, or every reason why there is none.
    """
    written = {name: value for name, value in source.document.items() if value is not None}
    problems = _status_problems(source, file, written)
    content = content_of(written) if _has_list_of_extensions(written) else written
    defaults = _defaults(identity, now)
    filled = frozenset(defaults.keys() - content.keys())
    document = defaults | content | {"status": ACTIVE}
    try:
        normal = normalise(document)
        canonical_bytes(normal)
    except SchemaError as error:
        return problems + [
            problem_of(one, file, source.place_of(one.pointer)) for one in error.violations
        ]
    except JsonError as error:
        return [*problems, Problem(file, source.place_of(""), error.message, error.hint)]
    problems += _company_problems(source, file, normal, identity)
    if problems:
        return problems
    if "id" in filled:
        normal["id"] = str(uuid.uuid4()) if new_id else _id_of_subject(normal, identity)
    findings = check(normal, today=now.date(), is_normal=True)
    return Draft(normal, source, "id" not in filled, filled, findings)


def as_published(draft: Draft, published: Footprint, today: date) -> Draft:
    """The draft with what was filled in as it is in the footprint that exists under its id."""
    stored = loads(render(published.segments, Level.FULL, ACTIVE))
    names = draft.filled | (frozenset({"precedingPfIds"}) - draft.document.keys())
    document = draft.document | {
        name: stored[name] for name in names if name in stored and name != "id"
    }
    normal = normalise(document)
    findings = check(normal, today=today, is_normal=True)
    return Draft(normal, draft.source, draft.has_own_id, draft.filled, findings)


def is_same(draft: Draft, published: Footprint) -> bool:
    """Whether this very content has been published already."""
    return digest(content_of(draft.document)) == published.document_digest


def sign(draft: Draft, *, key: SigningKey, issuer: str, now: datetime) -> NewFootprint:
    """Sign a draft, once and for all who may see it.

    Args:
        draft: checked.
        key: the footprint key.
        issuer: the URL of this node.
        now: aware.
    """
    document = draft.document
    credential = issue(document, key=key, issuer=issuer, issued_at=now)
    index = FootprintIndex.of(document)
    keys = {(KeyKind.ALL, ""), (KeyKind.FOOTPRINT, draft.id), *index_keys(index)}
    return NewFootprint(
        id=draft.id,
        segments=pack(document, credential, issuer),
        document_digest=digest(content_of(document)),
        credential_digest=credential.digest,
        valid_from=index.valid_from,
        valid_until=index.valid_until,
        geography=index.geography,
        product_name=document["productNameCompany"],
        summary=summary_of(document),
        keys=frozenset(keys),
    )


def problem_of(violation: Violation, file: str, place: str) -> Problem:
    """A violation of the schema as a problem of a file."""
    if violation.value is None:
        return Problem(file, place, f"expected {violation.expected}", violation.hint)
    shown = repr(violation.value)
    if len(shown) > SHOWN_CHARACTERS:
        shown = shown[:SHOWN_CHARACTERS] + "..."
    return Problem(file, place, f"{shown} is there, expected {violation.expected}", violation.hint)


def _defaults(identity: Identity, now: datetime) -> dict[str, Any]:
    return {
        "id": PLACEHOLDER_ID,
        "specVersion": SPEC_VERSION,
        "created": format_time(now.replace(microsecond=0)),
        "companyName": identity.company_name,
        "companyIds": list(identity.company_ids),
    }


def _has_list_of_extensions(document: Mapping[str, Any]) -> bool:
    """What is no list stays for the schema to complain about."""
    return isinstance(document.get("extensions", []), list)


def _status_problems(
    source: PlacedDocument, file: str, written: Mapping[str, Any]
) -> list[Problem]:
    status = written.get("status", ACTIVE)
    if status == ACTIVE:
        return []
    return [
        Problem(
            file,
            source.place_of("/status"),
            f"the status is {str(status)[:60]!r}; what is published begins as Active",
            "Leave status out; `underseal footprint deprecate ID` ends a footprint.",
        )
    ]


def _company_problems(
    source: PlacedDocument, file: str, normal: Mapping[str, Any], identity: Identity
) -> list[Problem]:
    own = {fold(one) for one in identity.company_ids}
    return [
        Problem(
            file,
            source.place_of(f"/companyIds/{index}"),
            f"{one!r} is not an id of this node's company",
            f"This node speaks for {', '.join(identity.company_ids)} and signs for nobody else; "
            "leave companyIds out.",
        )
        for index, one in enumerate(normal["companyIds"])
        if fold(one) not in own
    ]


def _id_of_subject(normal: Mapping[str, Any], identity: Identity) -> str:
    subject: Sequence[Any] = [
        identity.url,
        sorted(map(fold, normal["productIds"])),
        [normal["pcf"].get(name) for name in SUBJECT_PCF_MEMBERS],
    ]
    return str(uuid.uuid5(uuid.NAMESPACE_URL, canonical_bytes(subject).decode()))
