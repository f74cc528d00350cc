"""The bytes of what scheme 2 has in place of suppliers and signatures: a roster, and its members.

| bytes | what |
|---|---|
| text | the URL of the issuer of the roster, shortened |
| text | the name of the roster |
| 96 | its key, a point of G2, compressed |
| 5 and 5 | the epoch: not before and not after, in seconds |
| text | the legal entity of the publisher |
| point | the pseudonym of the publisher |
| 336 | the proof of its mark |
| table of points | the pseudonyms of the endorsers |

and of each input: which pseudonym, which terms, C, the origin (32 bytes), the proof (368), and Q.
"""

from __future__ import annotations

from functools import partial

from underseal_protocol.bbs.proof import Proof
from underseal_protocol.roster.hidden import ORIGIN_BYTES, HiddenEndorsement
from underseal_protocol.roster.mark import bound_of_mark
from underseal_protocol.roster.presentation import (
    HIDDEN_PROOF_BYTES,
    NAMED_PROOF_BYTES,
    Presentation,
)
from underseal_protocol.roster.roster import SECOND_BYTES, Member, Roster
from underseal_protocol.seal import codec
from underseal_protocol.seal.byte_reader import Reader, located
from underseal_protocol.seal.document import Header, HiddenInput, RosterUse
from underseal_protocol.seal.group import POINT_2_BYTES, Point, Point2
from underseal_protocol.seal.terms import Terms
from underseal_protocol.seal.texts import shortened, text_bytes, whole

__all__ = ["hidden_input_bytes", "read_hidden_input", "read_roster", "roster_bytes"]


def roster_bytes(use: RosterUse) -> bytes:
    """The roster, and the mark of the publisher."""
    roster, mark = use.roster, use.mark
    return b"".join(
        (
            text_bytes(shortened(roster.issuer)),
            text_bytes(roster.name),
            roster.key.encode(),
            codec.little_endian(roster.not_before, SECOND_BYTES),
            codec.little_endian(roster.not_after, SECOND_BYTES),
            text_bytes("" if mark.member is None else mark.member.entity),
            mark.pseudonym.encode(),
            mark.proof.encode(),
        )
    )


def read_roster(reader: Reader, header: Header) -> RosterUse:
    """The inverse.

    Args:
        reader: at the roster.
        header: for which footprint it is.

    Raises:
        SealEncodingError: it is none.
    """
    return located("the roster", partial(_read_roster, reader, header))


def _read_roster(reader: Reader, header: Header) -> RosterUse:
    issuer, name = whole(reader.text("its issuer")), reader.text("its name")
    key = Point2.decode(reader.take(POINT_2_BYTES, "its key"))
    first = reader.integer(SECOND_BYTES, "its epoch")
    last = reader.integer(SECOND_BYTES, "its epoch")
    member = Member(header.publisher, reader.text("the legal entity of the publisher"))
    pseudonym = reader.point("the pseudonym of the publisher")
    proof = Proof.decode(reader.take(NAMED_PROOF_BYTES, "the proof of the publisher"))
    context = header.context
    mark = Presentation(header.publisher, context, bound_of_mark(context), pseudonym, proof, member)
    return RosterUse(Roster(issuer, name, key, first, last), mark)


def hidden_input_bytes(one: HiddenInput) -> bytes:
    """An input, without pseudonym and terms."""
    said = one.endorsement
    return b"".join(
        (said.commitment.encode(), said.origin, said.proof.encode(), one.quantity.encode())
    )


def read_hidden_input(
    reader: Reader, header: Header, pseudonym: Point, terms: Terms
) -> HiddenInput:
    """The inverse.

    Args:
        reader: at the input.
        header: for which footprint it is.
        pseudonym, terms: of the input.

    Raises:
        SealEncodingError: it is none.
    """
    commitment = reader.point("C")
    origin = reader.take(ORIGIN_BYTES, "the origin")
    proof = located("the proof", lambda: Proof.decode(reader.take(HIDDEN_PROOF_BYTES, "the proof")))
    endorsement = HiddenEndorsement(
        commitment,
        header.publisher,
        header.context,
        origin,
        header.sealed,
        terms,
        pseudonym,
        proof,
    )
    return HiddenInput(endorsement, reader.point("Q"))
