"""Makes sealed documents. Slow, and not in constant time: off the request path, please.

- All blindings are drawn here, fresh for every document, from the operating system. Two documents
  with the same blinding would tell how their quantities differ.
- What was drawn twice, or is the blinding of an endorsement, is refused: then the source is broken.
- Both proofs refuse what is not true before they prove it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from underseal_protocol.errors import SealError
from underseal_protocol.seal.document import HiddenInput, ListedFactor, ListedInput, SealedDocument
from underseal_protocol.seal.document_format import MAX_DOCUMENT_BYTES, encode_statement
from underseal_protocol.seal.generators import pedersen_commitment
from underseal_protocol.seal.group import ZERO, Point, RandomBytes, Scalar, random_scalar
from underseal_protocol.seal.numbers import NANO
from underseal_protocol.seal.ranges import Report, prove_ranges
from underseal_protocol.seal.sealing import (
    Sealable,
    SealOrder,
    sealable,
)
from underseal_protocol.seal.sigma import prove_compact
from underseal_protocol.seal.statement import (
    LIMB,
    range_statement,
    range_tag,
    sum_relation,
    sum_tag,
)

__all__ = ["QuantityOpening", "Sealed", "seal"]


@dataclass(frozen=True, slots=True)
class QuantityOpening:
    """What opens the commitment to a quantity: for the books, and for the auditor who sees them.

    Attributes:
        commitment: `Q`.
        quantity: `q`, in 10^-9 units.
        blinding: `s`.
    """

    commitment: Point
    quantity: int = field(repr=False)
    blinding: Scalar = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed document, and what its publisher keeps.

    Attributes:
        document: the bytes.
        digest: by which it is known, base64url.
        inputs: for each endorsed input of the order, in the order of the order.
        factors: for each factor, in the order of the document.
    """

    document: bytes
    digest: str
    inputs: tuple[QuantityOpening, ...] = field(repr=False)
    factors: tuple[QuantityOpening, ...] = field(repr=False)


def seal(
    order: SealOrder,
    *,
    used: Collection[Scalar] = (),
    random_bytes: RandomBytes = secrets.token_bytes,
    report: Report | None = None,
) -> Sealed:
    """Seal a footprint.

    Args:
        order: what is to be sealed.
        used: blindings of endorsements in documents that were sealed before.
        random_bytes: of the operating system, but in tests.
        report: is told from time to time how much is done, and of how much; what it raises ends
            the work.

    Raises:
        SealRefusedError: the order does not fit together; the message begins with the part.
        SealEncodingError: the order names something that is not in its form.
        SealError: the randomness repeats itself.
    """
    checked = sealable(order, used)
    secret = _Secrets(checked, random_bytes)
    unsigned = secret.document()
    unsigned = replace(unsigned, statement=encode_statement(unsigned))
    relation = sum_relation(unsigned, checked.total)
    sum_proof = prove_compact(sum_tag(unsigned), relation, secret.witness(), random_bytes)
    statement = range_statement(unsigned, checked.total, checked.mass)
    values, blindings = secret.range_openings()
    range_proof = prove_ranges(
        range_tag(unsigned), statement, values, blindings, random_bytes, report
    )
    data = unsigned.statement + sum_proof + range_proof
    if len(data) > MAX_DOCUMENT_BYTES:
        raise SealError(
            f"the document has {len(data)} bytes, expected at most {MAX_DOCUMENT_BYTES}"
        )
    by_commitment = dict(
        zip((one.endorsement.commitment for one in checked.listed), secret.quantities, strict=False)
    )
    return Sealed(
        data,
        unsigned.digest,
        tuple(by_commitment[one.endorsement.commitment] for one in order.listed),
        tuple(secret.quantities[len(checked.listed) :]),
    )


class _Secrets:
    """The blindings of one document, and what is made of them."""

    def __init__(self, checked: Sealable, random_bytes: RandomBytes) -> None:
        self._checked = checked
        inputs, factors = checked.listed, checked.factors
        count = len(inputs) + len(factors)
        drawn = [random_scalar(random_bytes) for _ in range(count + 5)]
        given = [one.opening.blinding for one in inputs]
        if len({*drawn, *given}) < len(drawn) + len(given) or not all(drawn):
            raise SealError("the random bytes repeat themselves, expected fresh ones for each use")
        *of_quantities, self._own, self._remainder, self._high, self._covered, self._whole = drawn
        amounts = [one.quantity for one in inputs] + [one.quantity for one in factors]
        self.quantities = [
            QuantityOpening(_committed(amount, blinding), amount, blinding)
            for amount, blinding in zip(amounts, of_quantities, strict=True)
        ]

    def document(self) -> SealedDocument:
        """With the commitments, without the proofs."""
        checked, n = self._checked, len(self._checked.listed)
        listed = zip(checked.inputs, self.quantities, strict=False)
        hidden = zip(checked.members, self.quantities, strict=False)
        named = zip(checked.factors, self.quantities[n:], strict=True)
        high = None
        if checked.excess is not None:
            high = _committed(checked.excess // LIMB, self._high)
        covered = None
        if checked.header.coverage:
            covered = (
                _committed(checked.covered, self._covered),
                _committed(checked.covered // checked.total.step, self._whole),
            )
        return SealedDocument(
            checked.header,
            tuple(ListedInput(one.endorsement, one.key, q.commitment) for one, q in listed),
            tuple(ListedFactor(one.factor, q.commitment) for one, q in named),
            _committed(checked.own, self._own),
            _committed(checked.remainder, self._remainder),
            high,
            covered,
            b"",
            roster=checked.roster,
            members=tuple(HiddenInput(one.endorsement, q.commitment) for one, q in hidden),
        )

    def witness(self) -> list[Scalar]:
        """Of `statement.sum_relation`."""
        found: list[Scalar] = []
        for one in self.quantities:
            found += Scalar(one.quantity), one.blinding
        hidden = self._of_products()
        found.append(self._remainder - Scalar(NANO) * self._own - hidden)
        if self._checked.header.coverage:
            found.append(self._covered - hidden)
        return found

    def range_openings(self) -> tuple[list[int], list[Scalar]]:
        """Of `statement.range_statement`: values and blindings."""
        checked, inputs = self._checked, self._checked.listed
        n, step = len(inputs), self._checked.total.step
        pairs = [(one.quantity, one.blinding) for one in self.quantities[:n]]
        pairs += [(one.opening.value, one.opening.blinding) for one in inputs]
        pairs += [(one.quantity, one.blinding) for one in self.quantities[n:]]
        pairs += [
            (checked.own, self._own),
            (checked.remainder, self._remainder),
            (step - 1 - checked.remainder, -self._remainder),
        ]
        if checked.excess is not None:
            high, low = divmod(checked.excess, LIMB)
            pairs += [(high, self._high), (low, self._of_masses() - Scalar(LIMB) * self._high)]
        if checked.header.coverage:
            whole, left = divmod(checked.covered, step)
            of_left = self._covered - Scalar(step) * self._whole
            enough = 100 * whole - checked.header.coverage * checked.total.number
            pairs += [
                (whole, self._whole),
                (left, of_left),
                (step - 1 - left, -of_left),
                (enough, Scalar(100) * self._whole),
            ]
        return [value for value, _ in pairs], [blinding for _, blinding in pairs]

    def _of_products(self) -> Scalar:
        """The blinding of `sum q C`."""
        return _sum(Scalar(one.quantity) * one.opening.blinding for one in self._checked.listed)

    def _of_masses(self) -> Scalar:
        """The blinding of `sum w Q`."""
        return _sum(
            Scalar(one.endorsement.terms.mass) * q.blinding
            for one, q in zip(self._checked.listed, self.quantities, strict=False)
        )


def _committed(value: int, blinding: Scalar) -> Point:
    return pedersen_commitment(Scalar(value), blinding)


def _sum(scalars: Iterable[Scalar]) -> Scalar:
    return sum(scalars, ZERO)
