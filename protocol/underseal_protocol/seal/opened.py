"""What an owner opens of a sealed sum for an auditor: quantities and endorsed values.

A part of an opening (`opening`), which signs its digest:

    {"document": base64url,
     "quantities": [{"line": ID, "quantity": DIGITS, "blinding": BASE64URL,
                     "commitment": BASE64URL, "value": DIGITS, "valueBlinding": BASE64URL}]}

`document` is the sealed document; `line` names a line of the books, and may be empty if none is
meant. The last three members are there for endorsed inputs, and not for factors. Quantities are
integers of 10^-9 declared units, values of 10^-9 kg CO2e, blindings scalars, big-endian.

The rules by which `read_sealed_opening` accepts:

1. It has exactly this form, and the document can be read.
2. Each quantity with its blinding opens the commitment Q of an input or factor of the document, of
   each at most once; each value with its blinding opens the commitment C of that input.
3. Where the line that is named has been opened and bears commitments, they are these.

That an auditor compares the quantities with the books is no part of this: it is what the lines are
opened for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from underseal_protocol import base64url
from underseal_protocol.commitment import Leaf
from underseal_protocol.errors import CommitmentError, SealError
from underseal_protocol.seal.binding import bound_digest
from underseal_protocol.seal.document import SealedDocument
from underseal_protocol.seal.document_format import read_document
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.generators import pedersen_commitment
from underseal_protocol.seal.group import SCALAR_BYTES, Point, Scalar
from underseal_protocol.seal.numbers import SealedProperty

__all__ = [
    "LEAF_MEMBER",
    "OpenedInput",
    "OpenedQuantity",
    "OpenedSeal",
    "leaf_commitments",
    "read_sealed_opening",
    "sealed_opening_json",
    "without_seal",
]

LEAF_MEMBER = "sealed"
"""Of a line of the books: the commitments of what is sealed of it."""

MAX_DIGITS = 20
_QUANTITY = frozenset({"line", "quantity", "blinding"})
_INPUT = _QUANTITY | {"commitment", "value", "valueBlinding"}


@dataclass(frozen=True, slots=True)
class OpenedInput:
    """The endorsed value of an input.

    Attributes:
        commitment: C.
        opening: of it.
    """

    commitment: Point
    opening: ValueOpening = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedQuantity:
    """A quantity that opens a commitment of a sealed document.

    Attributes:
        line: of the books; empty if none is meant.
        quantity: in 10^-9 declared units.
        blinding: of it.
        endorsed: the value that it is multiplied by; None for a factor.
    """

    line: str
    quantity: int = field(repr=False)
    blinding: Scalar = field(repr=False)
    endorsed: OpenedInput | None = None

    @property
    def commitment(self) -> Point:
        """`Q`."""
        return pedersen_commitment(Scalar(self.quantity), self.blinding)


@dataclass(frozen=True, slots=True)
class OpenedSeal:
    """What was opened of a sealed sum.

    Attributes:
        digest: by which the sealed sum is known.
        bound: what the credential of the footprint bears if it was sealed before it was signed.
        sealed: the property.
        quantities: that were opened.
        is_whole: every quantity of the document.
        in_books: how many of them stand in lines that were opened, with their commitments.
    """

    digest: str
    bound: str
    sealed: SealedProperty
    quantities: tuple[OpenedQuantity, ...] = field(repr=False)
    is_whole: bool
    in_books: int


def leaf_commitments(quantity: Point, endorsed: Point | None) -> dict[str, str]:
    """What a line of the books bears of a sealed quantity (`LEAF_MEMBER`).

    Args:
        quantity: Q.
        endorsed: C; None for a factor.
    """
    shown = {"quantityCommitment": _text(quantity)}
    return shown if endorsed is None else {"commitment": _text(endorsed), **shown}


def without_seal(leaves: Iterable[Leaf]) -> list[Leaf]:
    """Lines of the books as they are where nothing is sealed.

    Args:
        leaves: in their order.
    """
    return [{name: one for name, one in leaf.items() if name != LEAF_MEMBER} for leaf in leaves]


def sealed_opening_json(document: bytes, quantities: Iterable[OpenedQuantity]) -> dict[str, Any]:
    """What is opened, for `opening.issue_opening`; a secret.

    Args:
        document: the sealed document.
        quantities: to be opened.
    """
    return {
        "document": base64url.encode(document),
        "quantities": [_to_json(one) for one in quantities],
    }


def read_sealed_opening(value: Any, lines: Sequence[Leaf]) -> OpenedSeal:
    """Check what was opened of a sealed sum.

    Args:
        value: of an opening whose signature holds.
        lines: that it opens.

    Raises:
        CommitmentError: a rule is broken; the message tells no quantity and no value.
    """
    if not isinstance(value, Mapping) or value.keys() != {"document", "quantities"}:
        raise CommitmentError(
            "what is opened of a sealed sum does not have the members document and quantities"
        )
    given = value["quantities"]
    if not isinstance(given, list) or not given:
        raise CommitmentError("no quantity of the sealed sum is opened")
    try:
        document = read_document(_bytes(value["document"], "the sealed document"))
    except SealError as error:
        raise CommitmentError(f"the sealed document: {error.message}") from None
    opened = [_of_json(one) for one in given]
    _check_all(opened, document)
    by_line = {str(one["id"]): one.get(LEAF_MEMBER) for one in lines}
    in_books = sum(_is_in_books(one, by_line) for one in opened)
    count = len(document.listed) + len(document.factors)
    return OpenedSeal(
        document.digest,
        bound_digest(document),
        document.header.sealed,
        tuple(opened),
        len(opened) == count,
        in_books,
    )


def _check_all(opened: Sequence[OpenedQuantity], document: SealedDocument) -> None:
    """Each opens another commitment of the document."""
    inputs = {one.endorsement.commitment: one.quantity for one in document.listed}
    factors = {one.quantity for one in document.factors}
    done: set[Point] = set()
    for one in opened:
        commitment, where = one.commitment, f"the quantity of {one.line or 'no line'}"
        if one.endorsed is None:
            is_right = commitment in factors
        else:
            is_right = inputs.get(one.endorsed.commitment) == commitment
            if one.endorsed.opening.commitment != one.endorsed.commitment:
                raise CommitmentError(f"{where}: the value does not open what was endorsed")
        if not is_right:
            raise CommitmentError(f"{where} does not open what is sealed")
        if commitment in done:
            raise CommitmentError(f"{where} is opened twice")
        done.add(commitment)


def _is_in_books(one: OpenedQuantity, by_line: Mapping[str, Any]) -> bool:
    """Whether the line that it names is opened, and bears these commitments.

    Raises:
        CommitmentError: it bears others.
    """
    shown = by_line.get(one.line)
    if shown is None:
        return False
    endorsed = None if one.endorsed is None else one.endorsed.commitment
    if shown != leaf_commitments(one.commitment, endorsed):
        raise CommitmentError(
            f"the line {one.line!r} of the books bears other commitments than the sealed sum",
            hint="The quantities that were sealed are not those of these books.",
        )
    return True


def _to_json(one: OpenedQuantity) -> dict[str, str]:
    members = {
        "line": one.line,
        "quantity": str(one.quantity),
        "blinding": base64url.encode(one.blinding.encode()),
    }
    if one.endorsed is not None:
        members |= {
            "commitment": _text(one.endorsed.commitment),
            "value": str(one.endorsed.opening.value),
            "valueBlinding": base64url.encode(one.endorsed.opening.blinding.encode()),
        }
    return members


def _of_json(value: Any) -> OpenedQuantity:
    if not isinstance(value, Mapping) or value.keys() not in (_QUANTITY, _INPUT):
        raise CommitmentError("a quantity that is opened does not have the members that it needs")
    line = value["line"]
    if not isinstance(line, str):
        raise CommitmentError("a quantity that is opened names no line")
    endorsed = None
    try:
        if "value" in value:
            opening = ValueOpening(_number(value["value"]), _scalar(value["valueBlinding"]))
            commitment = Point.decode(_bytes(value["commitment"], "a commitment"))
            endorsed = OpenedInput(commitment, opening)
        return OpenedQuantity(
            line, _number(value["quantity"]), _scalar(value["blinding"]), endorsed
        )
    except SealError:  # whose messages may show it
        raise CommitmentError(
            f"what is opened of {line!r:.80} is out of range, or not in its one form"
        ) from None


def _number(text: Any) -> int:
    is_number = isinstance(text, str) and text.isascii() and text.isdigit()
    if not is_number or len(text) > MAX_DIGITS or str(int(text)) != text:
        raise SealError("a number is none")
    return int(text)


def _scalar(text: Any) -> Scalar:
    data = _bytes(text, "a blinding")
    if len(data) != SCALAR_BYTES:
        raise SealError("a blinding has another length")
    return Scalar.decode(data)


def _bytes(text: Any, what: str) -> bytes:
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if not data or base64url.encode(data) != text:
        raise CommitmentError(f"{what} is no base64url in its one form")
    return data


def _text(point: Point) -> str:
    return base64url.encode(point.encode())
