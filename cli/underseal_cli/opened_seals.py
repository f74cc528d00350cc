"""What an auditor is shown, of the books and of a sealed sum, for `underseal verify --opening`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from underseal_protocol.credential import VerifiedCredential
    from underseal_protocol.opening import Opening
    from underseal_protocol.seal.opened import OpenedQuantity

__all__ = ["add_quantities", "opening_members", "quantity_line"]

NANO = Decimal("1e-9")


def add_quantities(
    opening: Opening,
    proven: VerifiedCredential,
    sealed: Mapping[str, Any],
    proved: list[str],
    unproved: list[str],
) -> dict[str, Any]:
    """Check what is opened of a sealed sum, if anything is; the members of the result.

    Args:
        opening: whose signature and lines hold.
        proven: what the credential of the footprint proves.
        sealed: the members of the result about the sealed sum that was given beside it.
        proved, unproved: sentences, which are added to.

    Raises:
        CommitmentError: it does not open what is sealed, or opens another sealed sum.
    """
    from underseal_protocol.errors import CommitmentError
    from underseal_protocol.seal.opened import read_sealed_opening

    if opening.sealed is None:
        return {}
    found = read_sealed_opening(opening.sealed, opening.lines)
    if proven.sealed_sum is not None and proven.sealed_sum != found.bound:
        raise CommitmentError(
            f"it opens the sealed sum {found.digest}, and the signature of the footprint bears "
            "another one"
        )
    shown = sealed.get("sealedSum", {}).get("digest")
    if shown is not None and shown != found.digest:
        raise CommitmentError(
            f"it opens the sealed sum {found.digest}, and the one that is given is {shown}"
        )
    count = len(found.quantities)
    extent = "all" if found.is_whole else "not all"
    proved.append(
        f"{count} quantities of the sealed sum {found.digest} are opened, {extent} that it has; "
        f"{found.in_books} stand in lines that are opened, which bear their commitments"
    )
    if proven.sealed_sum is None and shown is None:
        unproved.append(
            "that this is the sealed sum that others are shown: the signature of the footprint "
            "does not bear it (--sealed)"
        )
    if found.in_books < count:
        unproved.append(
            f"that the quantities are those of the books: {count - found.in_books} of them stand "
            "in no line that is opened"
        )
    members = {
        "digest": found.digest,
        "property": found.sealed.value,
        "isWhole": found.is_whole,
        "inBooks": found.in_books,
        "quantities": [_members(one) for one in found.quantities],
    }
    return {"sealedSum": members}


def opening_members(found: Opening) -> dict[str, Any]:
    """What is opened of the books, as members of the result."""
    from underseal_protocol.times import format_time

    return {
        "verifier": found.verifier,
        "issuer": found.issuer,
        "kid": found.kid,
        "issuedAt": format_time(found.issued_at),
        "root": found.root,
        "size": found.size,
        "isWhole": found.is_whole,
        "lines": [
            {
                "id": one["id"],
                "kind": one["kind"],
                "content": {name: one[name] for name in one if name not in ("id", "kind")},
            }
            for one in found.lines
        ],
    }


def quantity_line(one: Mapping[str, Any]) -> str:
    """An opened quantity, for a person.

    Args:
        one: as JSON.
    """
    text = f"{one['line'] or 'a factor'} (sealed quantity): {one['quantity']} units"
    return f"{text}, {one['value']} kg CO2e for each" if "value" in one else text


def _members(one: OpenedQuantity) -> dict[str, str]:
    members = {"line": one.line, "quantity": _decimal(one.quantity)}
    if one.endorsed is None:
        return members
    return members | {"value": _decimal(one.endorsed.opening.value)}


def _decimal(nano: int) -> str:
    """An amount that is counted in 10^-9."""
    return format((Decimal(nano) * NANO).normalize(), "f")
