"""Whether a customer accepts an endorsement that it has asked for.

The rules by which `verify_endorsement` accepts:

1. It is a JWS of exactly the form that `endorsement` describes: one encoding for what it says.
2. It is signed with a trusted footprint key, whose thumbprint `kid` is.
3. Supplier, customer, context and property are those that were asked for.

Then `require_opening` says whether the opening is of its commitment, and `require_about` whether
value, credential and terms are those of the footprint that the customer has received.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from underseal_protocol import base64url
from underseal_protocol.claims import expected_issuers
from underseal_protocol.errors import EndorsementError
from underseal_protocol.keys import KeyPurpose, PublicKey, PublicKeySet
from underseal_protocol.roster.hidden import HiddenEndorsement
from underseal_protocol.seal.endorsed_value import ValueOpening, value_in
from underseal_protocol.seal.endorsement import Endorsement, read_endorsement
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.terms import Terms

__all__ = ["require_about", "require_opening", "verify_endorsement"]


def verify_endorsement(
    token: str,
    *,
    keys: PublicKeySet,
    supplier: str | Collection[str],
    customer: str,
    context: bytes,
    sealed: SealedProperty,
) -> tuple[Endorsement, PublicKey]:
    """Check an endorsement as the customer that has asked for it.

    Args:
        token: as received.
        keys: pinned for the supplier; the only ones trusted.
        supplier: the URL of its node, or several if it has moved.
        customer: the URL of the customer's node.
        context: that it has asked for.
        sealed: the property that it has asked for.

    Returns:
        what it says, and the key that has signed it.

    Raises:
        KeySetError: the key is not trusted, or not for footprints.
        SignatureMismatchError: the signature is not of this key.
        CredentialError: it is malformed, or says something else than was asked for.
    """
    found = read_endorsement(token)
    key = PublicKey(found.kid, KeyPurpose.FOOTPRINT, keys.get(found.kid, KeyPurpose.FOOTPRINT))
    found.require_signed(key)
    _require_asked_for(found, supplier, customer, context, sealed)
    return found, key


def require_opening(endorsement: Endorsement | HiddenEndorsement, opening: ValueOpening) -> None:
    """Whether an opening is that of the commitment of an endorsement.

    Raises:
        EndorsementError: it is another one; the message tells nothing of it.
    """
    if opening.commitment != endorsement.commitment:
        raise EndorsementError(
            "value and blinding do not open the commitment of the endorsement",
            hint="Ask the supplier for another endorsement.",
        )


def require_about(
    endorsement: Endorsement,
    opening: ValueOpening,
    document: Mapping[str, Any],
    credential_digest: str,
) -> None:
    """Whether an endorsement is of the very footprint that the customer has received.

    Args:
        endorsement: verified.
        opening: of its commitment (`require_opening`).
        document: the supplier's footprint as received, at any level.
        credential_digest: of its credential, which is verified.

    Raises:
        EndorsementError: it is of another one; the message says what differs.
        SealNumberError: the footprint is none that is sealed.
    """
    if endorsement.credential != credential_digest:
        raise EndorsementError(
            f"the endorsement is of the credential {endorsement.credential}, the footprint that "
            f"was received has {credential_digest}",
            hint="Pull the footprint again, then ask for another endorsement.",
        )
    said = endorsement.terms.to_json()
    for name, value in Terms.of_footprint(document).to_json().items():
        if said[name] != value:
            raise EndorsementError(
                f"the endorsement has {name} = {said[name]!r}, the footprint {value!r}"
            )
    if opening.value != value_in(document, endorsement.sealed):
        raise EndorsementError(
            f"the endorsed value is not {endorsement.sealed} of the footprint that was received",
            hint="Ask the supplier for another endorsement.",
        )


def _require_asked_for(
    found: Endorsement,
    supplier: str | Collection[str],
    customer: str,
    context: bytes,
    sealed: SealedProperty,
) -> None:
    suppliers = expected_issuers(supplier) or []
    if found.supplier not in suppliers:
        raise _other("supplier", found.supplier, " or ".join(suppliers))
    if found.customer != customer.rstrip("/"):
        raise _other("customer", found.customer, customer.rstrip("/"))
    if found.context != context:
        raise _other("context", base64url.encode(found.context), base64url.encode(context))
    if found.sealed is not sealed:
        raise _other("property", found.sealed, sealed)


def _other(name: str, found: str, expected: str) -> EndorsementError:
    return EndorsementError(f"the {name} of the endorsement is {found}, expected {expected}")
