"""From a document that somebody wrote to a footprint that can be signed.

What the node knows itself may be left out: `id`, `specVersion`, `created`, `status`, `companyName`,
`companyIds`. An id that is left out follows from what the footprint is about (product, period,
place, declared unit), so that the same sheet imported twice publishes nothing twice, and a changed
figure is noticed instead of becoming a second footprint of the same thing. It follows from nothing
else: whoever sees a footprint sees all of that, so an id tells nothing about what is withheld.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from underseal_node.publishing.files import PlacedDocument
from underseal_node.sheets.problems import Problem, problem_of
from underseal_node.store.footprints import NewFootprint
from underseal_node.store.identity import Identity
from underseal_node.store.index import index_keys, summary_of
from underseal_node.store.tables import Footprint, KeyKind
from underseal_protocol.canonical import canonical_bytes, digest_of_bytes
from underseal_protocol.commitment import Commitment
from underseal_protocol.credential import CREDENTIAL_SCHEMA_PATH, issue
from underseal_protocol.criteria import ACTIVE, FootprintIndex, fold
from underseal_protocol.disclosure import Block, Level, content_of, is_attested
from underseal_protocol.errors import JsonError, SchemaError, Violation
from underseal_protocol.footprint import normalise
from underseal_protocol.keys import SigningKey
from underseal_protocol.methodology import Finding, check
from underseal_protocol.rounding import round_figures
from underseal_protocol.segments import pack, render
from underseal_protocol.strict_json import loads
from underseal_protocol.text_limits import excesses
from underseal_protocol.times import format_time
from underseal_protocol.violations import json_pointer

__all__ = ["Draft", "as_published", "draft_of", "of_fixed", "sign", "subject_id"]

SPEC_VERSION = "3.0.0"
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
NUL = b"\\u0000"  # as JSON writes it


@dataclass(frozen=True, slots=True)
class Draft:
    """A footprint in the form in which it can be signed.

    Attributes:
        document: complete and normal, without a credential.
        place_of: from a JSON pointer into it to the place in the file.
        is_row: it was a row of a sheet.
        has_own_id: the id was written in the file.
        was_signed: the file has it with a credential of this node.
        filled: members that were filled in; of a footprint that exists they are as published.
        findings: of the methodology.
        digest: of its content.
    """

    document: dict[str, Any] = field(repr=False)
    place_of: Callable[[str], str] = field(repr=False)
    is_row: bool
    has_own_id: bool
    was_signed: bool
    filled: frozenset[str]
    findings: tuple[Finding, ...] = field(repr=False)
    digest: str

    @property
    def id(self) -> str:
        """In lower case."""
        return str(self.document["id"])

    @property
    def keys(self) -> frozenset[tuple[KeyKind, str]]:
        """By which grants cover it."""
        return _keys(self.id, FootprintIndex.of(self.document))

    @property
    def is_attested(self) -> bool:
        """Whether it carries an attestation, which holds for the salts of one draft only."""
        return is_attested(self.document)


def draft_of(
    source: PlacedDocument,
    file: str,
    identity: Identity,
    now: datetime,
    *,
    new_id: bool = False,
    digits: int | None = None,
) -> Draft | list[Problem]:
    """Complete, round and check a document.

    Args:
        source: from a file.
        file: its name.
        identity: of this node.
        now: aware; the time of creation where none is written.
        new_id: an id that is left out is a fresh one, not that of what the footprint is about.
        digits: significant ones that figures keep; `None`: all.

    Returns:
        the draft, or every reason why there is none.
    """
    written = {name: value for name, value in source.document.items() if value is not None}
    outdated = _version_problem(source, file, written)
    if outdated is not None:
        return [outdated]
    problems = _status_problems(source, file, written) + _company_problems(
        source, file, written, identity
    )
    content = content_of(written) if _has_list_of_extensions(written) else written
    problems += _problems_of(source, file, excesses(content))
    defaults = _defaults(identity, now)
    filled = frozenset(defaults.keys() - content.keys())
    try:
        normal = normalise(defaults | content | {"status": ACTIVE})
    except SchemaError as error:
        return problems + _problems_of(source, file, error.violations)
    if digits is not None:
        normal = round_figures(normal, digits)
    if "id" in filled:
        normal["id"] = str(uuid.uuid4()) if new_id else subject_id(normal, identity)
    try:
        canonical = canonical_bytes(content_of(normal))
    except JsonError as error:
        return [*problems, Problem(file, source.place_of(""), error.message, error.hint)]
    if NUL in canonical:
        problems += _nul_problems(source, file, normal)
    if problems:
        return problems
    return Draft(
        document=normal,
        place_of=source.place_of,
        is_row=source.is_row,
        has_own_id="id" not in filled,
        was_signed=_is_signed_by(written, identity),
        filled=filled,
        findings=tuple(check(normal, today=now.date(), is_normal=True)),
        digest=digest_of_bytes(canonical),
    )


def as_published(draft: Draft, published: Footprint, today: date) -> Draft | None:
    """The draft as a footprint that exists, if it says the same; None if it does not.

    What was filled in, and the predecessors if none are written, count as they were published.
    """
    if draft.digest == published.document_digest:
        return draft
    stored = loads(render(published.segments, Level.FULL, ACTIVE))
    names = draft.filled | (frozenset({"precedingPfIds"}) - draft.document.keys())
    adopted = {name: stored[name] for name in names if name in stored}
    document = normalise(draft.document | adopted)
    if digest_of_bytes(canonical_bytes(content_of(document))) != published.document_digest:
        return None
    findings = tuple(check(document, today=today, is_normal=True))
    return replace(draft, document=document, findings=findings, digest=published.document_digest)


def subject_id(normal: Mapping[str, Any], identity: Identity) -> str:
    """The id of a footprint that was written without one.

    Args:
        normal: the footprint, as `footprint.normalise` writes it.
        identity: of this node.
    """
    subject: Sequence[Any] = [
        identity.first_url or identity.url,
        sorted(map(fold, normal["productIds"])),
        [normal["pcf"].get(name) for name in SUBJECT_PCF_MEMBERS],
    ]
    return str(uuid.uuid5(uuid.NAMESPACE_URL, canonical_bytes(subject).decode()))


def of_fixed(document: Mapping[str, Any], today: date) -> Draft:
    """A document that has been checked and fixed before, ready to be signed.

    Args:
        document: of a `FootprintDraft`, perhaps with what its attestation adds.
        today: for the findings.
    """
    normal = normalise(document)
    return Draft(
        document=normal,
        place_of=lambda pointer: f"/footprint{pointer}",
        is_row=False,
        has_own_id=True,
        was_signed=False,
        filled=frozenset(),
        findings=tuple(check(normal, today=today, is_normal=True)),
        digest=digest_of_bytes(canonical_bytes(content_of(normal))),
    )


def sign(
    draft: Draft,
    *,
    key: SigningKey,
    issuer: str,
    now: datetime,
    disclosures: Mapping[Block, str] | None = None,
    commitment: Commitment | None = None,
    sealed_sum: str | None = None,
) -> NewFootprint:
    """Sign a draft, once and for all who may see it.

    Args:
        draft: checked.
        key: the footprint key.
        issuer: the URL of this node.
        now: aware.
        disclosures: of blocks whose salts have been fixed before.
        commitment: to what it was calculated from; the credential bears its root.
        sealed_sum: of its seal, what the credential bears (`seal.binding.bound_digest`).
    """
    document = draft.document
    credential = issue(
        document,
        key=key,
        issuer=issuer,
        issued_at=now,
        disclosures=disclosures,
        root=None if commitment is None else commitment.disclosure,
        sealed_sum=sealed_sum,
    )
    index = FootprintIndex.of(document)
    return NewFootprint(
        id=draft.id,
        segments=pack(document, credential, issuer),
        document_digest=draft.digest,
        credential_digest=credential.digest,
        valid_from=index.valid_from,
        valid_until=index.valid_until,
        geography=index.geography,
        product_name=document["productNameCompany"],
        summary=summary_of(document),
        keys=_keys(draft.id, index),
        kid=key.kid,
        commitment=commitment,
        is_sealed=sealed_sum is not None,
    )


def _keys(footprint_id: str, index: FootprintIndex) -> frozenset[tuple[KeyKind, str]]:
    """By which grants cover a footprint."""
    return frozenset({(KeyKind.ALL, ""), (KeyKind.FOOTPRINT, footprint_id), *index_keys(index)})


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


def _is_signed_by(document: Mapping[str, Any], identity: Identity) -> bool:
    schemas = {url + CREDENTIAL_SCHEMA_PATH for url in (identity.url, *identity.former_urls)}
    entries = document.get("extensions", ())
    return any(isinstance(one, dict) and one.get("dataSchema") in schemas for one in entries)


# --- problems ---------------------------------------------------------------------------------


def _problems_of(
    source: PlacedDocument, file: str, violations: Iterable[Violation]
) -> list[Problem]:
    return [
        problem_of(one, file, source.place_of(one.pointer), in_sheet=source.is_row)
        for one in violations
    ]


def _version_problem(
    source: PlacedDocument, file: str, written: Mapping[str, Any]
) -> Problem | None:
    """Of another major version everything is different: saying so is enough."""
    version = written.get("specVersion")
    if not isinstance(version, str) or version[:2] not in ("1.", "2."):
        return None
    return Problem(
        file,
        source.place_of("/specVersion"),
        f"the footprint is of version {version[:20]} of the PACT Tech Specs, expected 3",
        "Other figures are reported since version 3, so it cannot be converted by changing this.",
    )


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
    source: PlacedDocument, file: str, written: Mapping[str, Any], identity: Identity
) -> list[Problem]:
    """Companies that this node does not speak for.

    What is no URN at all is left to the schema.
    """
    own = {fold(one) for one in identity.company_ids}
    return [
        Problem(
            file,
            source.place_of(f"/companyIds/{index}"),
            f"{one[:SHOWN_CHARACTERS]!r} is not an id of this node's company",
            f"This node speaks for {', '.join(identity.company_ids)} and signs for nobody else; "
            "leave companyIds out.",
        )
        for index, one in _urns(written, "companyIds")
        if fold(one) not in own
    ]


def _urns(written: Mapping[str, Any], name: str) -> Iterator[tuple[int, str]]:
    """The URNs in a list that may be anything else."""
    values = written.get(name)
    for index, one in enumerate(values if isinstance(values, list) else ()):
        if isinstance(one, str) and one[:4].lower() == "urn:":
            yield index, one


def _nul_problems(source: PlacedDocument, file: str, normal: Mapping[str, Any]) -> list[Problem]:
    """Texts with the character NUL, which not every database stores."""
    return [
        Problem(file, source.place_of(json_pointer(path)), "the text holds a NUL character")
        for path, text in _texts(normal, ())
        if "\0" in text
    ]


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text, names included, with where it is."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield path, name
            yield from _texts(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))
