"""What suppliers have endorsed for us, as it is stored: encrypted, with its opening."""

from __future__ import annotations

from dataclasses import dataclass, field

from underseal_node.store.seal_tables import HeldEndorsement, HeldState
from underseal_node.trust.vault import Vault, VaultPurpose
from underseal_protocol import base64url
from underseal_protocol.keys import KeyPurpose, PublicKey
from underseal_protocol.roster.hidden import HiddenEndorsement
from underseal_protocol.roster.messages import HiddenAnswer
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.endorsement_exchange import EndorsementAnswer
from underseal_protocol.strict_json import dumps, loads

__all__ = ["Context", "Held", "Supplied", "encrypted", "held_in"]


@dataclass(frozen=True, slots=True)
class Context:
    """What the endorsements for a footprint of ours are bound to.

    Attributes:
        publisher: our URL.
        salt: which the seal shows.
        digest: what suppliers are told.
        roster: whose members endorse; None where suppliers are named.
    """

    publisher: str
    salt: bytes = field(repr=False)
    digest: bytes
    roster: Roster | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """An endorsement that we hold.

    Attributes:
        answer: of the supplier, with the opening.
        key: that has signed it; None of a member of a roster.
    """

    answer: EndorsementAnswer | HiddenAnswer = field(repr=False)
    key: PublicKey | None

    @property
    def opening(self) -> ValueOpening:
        """Of the commitment."""
        if isinstance(self.answer, HiddenAnswer):
            return self.answer.opening.value
        return self.answer.opening

    @property
    def is_usable(self) -> bool:
        """Whether a sealed document can list it."""
        said = self.answer.endorsement
        return isinstance(said, HiddenEndorsement) or said.is_named


@dataclass(frozen=True, slots=True)
class Supplied:
    """A received footprint that goes into ours, and what its supplier says to an endorsement.

    Attributes:
        footprint_id: of the supplier.
        peer_id: the supplier.
        peer: its name.
        product_name: of the footprint.
        state: of the answer.
        reason: why there is none.
        held: the answer with the key, verified when it came; None if there is none.
        can_ask: it may have something to say yet.
    """

    footprint_id: str
    peer_id: int
    peer: str
    product_name: str
    state: HeldState
    reason: str | None = None
    held: Held | None = field(default=None, repr=False)
    can_ask: bool = True

    @property
    def is_listed(self) -> bool:
        """Whether it can be an input of a sealed document."""
        return self.held is not None and self.held.is_usable


def held_in(vault: Vault, row: HeldEndorsement) -> Held | None:
    """The endorsement that is stored; None if there is none.

    Raises:
        CredentialError: what is stored was altered.
        VaultError: it cannot be decrypted.
    """
    if row.answer is None:
        return None
    stored = loads(vault.open(VaultPurpose.SEAL, row.answer, context=_answer_context(row)))
    if "key" not in stored:
        return Held(HiddenAnswer.from_json(stored["answer"]), None)
    key = PublicKey.of_point(base64url.decode(stored["key"]), KeyPurpose.FOOTPRINT)
    return Held(EndorsementAnswer.from_json(stored["answer"]), key)


def encrypted(vault: Vault, row: HeldEndorsement, held: Held) -> bytes:
    """An endorsement as it is stored."""
    stored: dict[str, object] = {"answer": held.answer.to_json()}
    if held.key is not None:
        stored["key"] = base64url.encode(held.key.point())
    return vault.seal(VaultPurpose.SEAL, dumps(stored), context=_answer_context(row))


def _answer_context(row: HeldEndorsement) -> str:
    return (
        f"endorsement {row.footprint_id} {row.peer_id} {row.supplier_footprint_id} {row.property}"
    )
