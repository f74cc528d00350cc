"""Whether a sealed document holds for a footprint, and what it shows to one reader.

The rules, in this order; the message of a refusal begins with the part that does not hold:

1. `file`: it is a document of version 1 and scheme 1 or 2 in its one encoding: no point is the
   identity, no C, factor, endorser or terms stands there twice, no URL of an endorser is that of
   the publisher.
2. `publisher`, `footprint`, `product`, `core`: it is of this publisher, footprint, product, core.
3. `total`: version 1 seals the footprint: nothing is negative, there are no removals, no uptake
   and no capture. T, S and the mass of the product are taken from it.
4. `endorsement N`: the signature is of the key in the document, over C, supplier, customer, context
   and the rest; the footprint was created while it was valid; its GWP is among those of the
   footprint; the key is none of the publisher's and none that the reader knows to be revoked.
   In scheme 2: `roster`, and then each `endorsement N`: `roster.rules` hold, and its GWP is among
   those of the footprint; the reader does not know the key of the roster to be revoked.
5. `mass`: there is a mass balance exactly if the product and an endorsed input have mass.
6. `coverage`: there is a total, and an endorsed input, that it can be of.
7. `sum` and `ranges`: the two proofs hold for the relation and the ranges of `statement`.
8. `attestation`: what is given as such is about this footprint, valid at this time, and not of the
   publisher, whatever URL it has now.

Only endorsers that the reader knows count, or members of a roster that it knows. A mass balance
whose masses somebody else endorsed, or a coverage of a sum that has parts of somebody else, is as
good as none: the grade is `origin`, the coverage 0. That a part of the coverage is of known
endorsers cannot be told from the whole.

Not asked here: whether the publisher stands by the document. Its digest has to be in the verified
credential of the footprint, or in a signed statement of its own (`binding`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from datetime import datetime
from typing import Any

from underseal_protocol import base64url
from underseal_protocol.attestation import Attestation, require_valid
from underseal_protocol.claims import expected_issuers
from underseal_protocol.errors import (
    AttestationError,
    CredentialError,
    EndorsementError,
    RosterError,
    SealEncodingError,
    SealError,
    SealNumberError,
    SealRefusedError,
)
from underseal_protocol.roster.rules import verify_hidden
from underseal_protocol.seal.document import ListedInput, SealedDocument
from underseal_protocol.seal.document_format import read_document
from underseal_protocol.seal.facts import Facts, facts_of, figures_of
from underseal_protocol.seal.numbers import Total
from underseal_protocol.seal.ranges import verify_ranges
from underseal_protocol.seal.sigma import verify_compact
from underseal_protocol.seal.statement import range_statement, range_tag, sum_relation, sum_tag
from underseal_protocol.seal.terms import Terms
from underseal_protocol.seal.trust import Standing, TrustList
from underseal_protocol.seal.verdict import Endorser, Grade, HiddenEndorsers, SealVerdict

__all__ = ["read_sealed", "verify_sealed"]


def verify_sealed(
    data: bytes,
    document: Mapping[str, Any],
    *,
    publisher: str | Collection[str],
    trusted: TrustList,
    time: datetime,
    attestations: Iterable[Attestation] = (),
) -> SealVerdict:
    """Check a sealed document.

    Args:
        data: the sealed document.
        document: the footprint as received, at any level, its credential verified.
        publisher: the URL of the node that published it, or several if it has moved.
        trusted: whom the reader knows; the publisher may be among them.
        time: when the reader got both, aware.
        attestations: of auditors that the reader trusts, their signatures checked.

    Raises:
        SealRefusedError: some part does not hold.
        ValueError: `time` is naive.
    """
    if time.tzinfo is None:
        raise ValueError("the time has no time zone")
    sealed, facts = read_sealed(data), facts_of(document)
    _require_footprint(sealed, facts, publisher)
    try:
        total, mass = figures_of(facts, sealed.header.sealed, sealed.header.decimals)
    except SealNumberError as error:
        raise SealRefusedError(f"total: {error.message}", hint=error.hint) from None
    roster = _hidden(sealed, facts, publisher, trusted, time)
    endorsers = _endorsers(sealed, facts, publisher, trusted, time)
    _require_rows(sealed, total, mass)
    _require_proofs(sealed, total, mass)
    is_attested = _is_attested(sealed, facts, publisher, attestations, time)
    return _verdict(sealed, (total, mass), endorsers, roster, is_attested)


def read_sealed(data: bytes) -> SealedDocument:
    """Read a sealed document, without a check of anything that it says (rule 1).

    Raises:
        SealRefusedError: it is none.
    """
    try:
        return read_document(data)
    except SealEncodingError as error:
        raise SealRefusedError(f"file: {error.message}", hint=error.hint) from None


def _require_footprint(
    sealed: SealedDocument, facts: Facts, publisher: str | Collection[str]
) -> None:
    header, publishers = sealed.header, expected_issuers(publisher) or []
    if header.publisher not in publishers:
        raise _refused("publisher", f"it is {header.publisher}, expected {' or '.join(publishers)}")
    if header.footprint_id != facts.footprint_id:
        raise _refused(
            "footprint", f"it is {header.footprint_id}, this one has the id {facts.footprint_id}"
        )
    if header.product_id not in facts.product_ids:
        raise _refused(
            "product",
            f"it is {header.product_id}, expected one of {', '.join(facts.product_ids)}",
        )
    if header.core != facts.core:
        raise SealRefusedError(
            "core: the core of the footprint is not what was sealed: it has the digest "
            f"{base64url.encode(facts.core)}, expected {base64url.encode(header.core)}",
            hint="Something in it was altered after sealing, the total perhaps.",
        )


def _endorsers(
    sealed: SealedDocument,
    facts: Facts,
    publisher: str | Collection[str],
    trusted: TrustList,
    time: datetime,
) -> tuple[Endorser, ...]:
    publishers = expected_issuers(publisher) or []
    of_publisher = {*publishers, *trusted.kids_of(publishers)}
    found = []
    for number, one in enumerate(sealed.inputs, 1):
        try:
            standing = _standing(one, facts, of_publisher, trusted, time)
        except CredentialError as error:
            raise SealRefusedError(
                f"endorsement {number}: {error.message}", hint=error.hint
            ) from None
        said = one.endorsement
        found.append(Endorser(said.supplier, said.kid, standing, said.credential, said.terms))
    return tuple(found)


def _standing(
    one: ListedInput,
    facts: Facts,
    of_publisher: Set[str],
    trusted: TrustList,
    time: datetime,
) -> Standing:
    said = one.endorsement
    said.require_signed(one.key)
    said.require_valid_for(facts.created)
    _require_reports(said.terms, facts)
    if of_publisher & {said.supplier, said.kid}:
        raise CredentialError("it is of the publisher, or signed with a key of the publisher")
    return trusted.standing(said.supplier, said.kid, time)


def _require_reports(terms: Terms, facts: Facts) -> None:
    foreign = sorted(set(terms.assessment_reports) - facts.assessment_reports)
    if foreign:
        raise CredentialError(
            f"the value is by the GWP of {foreign[0]}, the footprint names "
            f"{', '.join(sorted(facts.assessment_reports))}"
        )


def _hidden(
    sealed: SealedDocument,
    facts: Facts,
    publisher: str | Collection[str],
    trusted: TrustList,
    time: datetime,
) -> HiddenEndorsers | None:
    """The members of a roster; None where endorsers are named."""
    if sealed.roster is None:
        return None
    header, roster, mark = sealed.header, sealed.roster.roster, sealed.roster.mark
    said = [one.endorsement for one in sealed.members]
    try:
        is_known = trusted.knows_roster(roster, time)
        members = verify_hidden(
            roster,
            mark,
            said,
            publisher=header.publisher,
            publishers=expected_issuers(publisher) or [],
            context=header.context,
            sealed=header.sealed,
            created=facts.created,
        )
    except RosterError as error:
        raise SealRefusedError(f"roster: {error.message}", hint=error.hint) from None
    except EndorsementError as error:
        raise SealRefusedError(error.message, hint=error.hint) from None
    for number, one in enumerate(said, 1):
        try:
            _require_reports(one.terms, facts)
        except CredentialError as error:
            raise _refused(f"endorsement {number}", error.message) from None
    entity = mark.member.entity if mark.member else ""
    return HiddenEndorsers(roster.issuer, roster.name, is_known, entity, len(members), len(said))


def _require_rows(sealed: SealedDocument, total: Total, mass: int) -> None:
    """Whether those are there that have to be, and no others."""
    has_balance = sealed.mass_high is not None
    if has_balance != (bool(mass) and sealed.has_masses):
        raise _refused(
            "mass",
            "there is a mass balance, but product or endorsed inputs have no mass"
            if has_balance
            else "product and endorsed inputs have mass, so a mass balance has to be there",
        )
    if sealed.covered is not None and not (total.number and sealed.listed):
        raise _refused("coverage", "there is no total or no endorsed input that it could be of")


def _require_proofs(sealed: SealedDocument, total: Total, mass: int) -> None:
    try:
        verify_compact(sum_tag(sealed), sum_relation(sealed, total), sealed.sum_proof)
    except SealError as error:
        raise _refused("sum", error.message) from None
    try:
        ranges = range_statement(sealed, total, mass)
        verify_ranges(range_tag(sealed), ranges, sealed.range_proof)
    except SealError as error:
        raise _refused("ranges", error.message) from None


def _is_attested(
    sealed: SealedDocument,
    facts: Facts,
    publisher: str | Collection[str],
    attestations: Iterable[Attestation],
    time: datetime,
) -> bool:
    """Whether one of them names the sealed sum."""
    found = False
    for one in attestations:
        try:
            _require_about(one, facts, expected_issuers(publisher) or [])
            require_valid(one, time)
        except AttestationError as error:
            raise _refused("attestation", error.message) from None
        found = found or (one.books is not None and one.books.sealed_sum == sealed.digest)
    return found


def _require_about(one: Attestation, facts: Facts, publishers: Collection[str]) -> None:
    subject = one.subject
    expected = (
        ("footprint", subject.footprint_id, [facts.footprint_id]),
        ("owner", subject.owner, publishers),
        ("core", subject.core, [base64url.encode(facts.core)]),
    )
    for name, said, known in expected:
        if said not in known:
            raise AttestationError(f"it is about the {name} {said}, expected {' or '.join(known)}")
    if one.verifier in publishers:  # where it is now, perhaps, and was not when it published
        raise AttestationError(f"it is of the publisher itself, {one.verifier}")


def _verdict(
    sealed: SealedDocument,
    figures: tuple[Total, int],
    endorsers: tuple[Endorser, ...],
    roster: HiddenEndorsers | None,
    is_attested: bool,
) -> SealVerdict:
    header, count = sealed.header, len(sealed.listed)
    if roster is None:
        unknown = [one.terms for one in endorsers if not one.is_known]
    else:
        unknown = [] if roster.is_known else [one.endorsement.terms for one in sealed.members]
    whom = "the endorsers" if roster is None else "the roster of the endorsers"
    grade, coverage, reductions = Grade.ORIGIN, header.coverage, []
    if sealed.mass_high is not None:
        heavy = sum(bool(terms.mass) for terms in unknown)
        grade = Grade.ORIGIN if heavy else Grade.MASS
        if heavy:
            reductions.append(
                f"the mass balance does not count for you: you do not know {whom} of {heavy} of "
                "the masses in it"
            )
    if coverage and unknown:
        coverage = 0
        reductions.append(
            f"the coverage does not count for you: you do not know {whom} of {len(unknown)} of "
            f"the {count} listed inputs"
        )
    return SealVerdict(
        Grade.ATTESTED if is_attested else grade,
        header.sealed,
        *figures,
        header.footprint_id,
        header.publisher,
        coverage,
        header.coverage,
        endorsers,
        tuple(one.factor for one in sealed.factors),
        sealed.digest,
        tuple(reductions),
        roster,
    )


def _refused(part: str, why: str) -> SealRefusedError:
    return SealRefusedError(f"{part}: {why}")
