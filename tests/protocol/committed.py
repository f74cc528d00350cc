"""A footprint with a commitment, for the tests of openings."""

from __future__ import annotations

from typing import Any

from tests.protocol.attested import NOW, OWNER, OWNER_KEY, document

from underseal_protocol import segments, strict_json
from underseal_protocol.commitment import Commitment, commit
from underseal_protocol.credential import IssuedCredential, issue
from underseal_protocol.disclosure import Level
from underseal_protocol.opening import issue_opening

AUDITOR = "中国质量认证中心"
DOCUMENT = document()


def leaf(number: int, **changes: Any) -> dict[str, Any]:
    """A line of a bill, with a small figure."""
    made = {"kind": "line", "id": f"line-{number}", "name": "碳酸锂", "quantity": f"0.{number:02}"}
    return made | changes


LEAVES = [
    {"kind": "product", "id": "product", "name": "NMC811", "unit": "kilogram"},
    *(leaf(number) for number in range(1, 8)),
    {"kind": "factor", "id": "factor-1", "value": "0.05", "database": "ecoinvent 3.11"},
    {"kind": "reading", "id": "meter-7", "value": "1.00", "unit": "kWh"},
]
COMMITMENT = commit(LEAVES)


def signed(commitment: Commitment | None) -> IssuedCredential:
    root = None if commitment is None else commitment.disclosure
    return issue(DOCUMENT, key=OWNER_KEY, issuer=OWNER, issued_at=NOW, root=root)


CREDENTIAL = signed(COMMITMENT)


def shown(level: Level = Level.FULL, credential: IssuedCredential = CREDENTIAL) -> dict[str, Any]:
    """The footprint as a peer of a level gets it."""
    packed = segments.pack(DOCUMENT, credential, OWNER)
    value = strict_json.loads(segments.render(packed, level, "Active"))
    assert isinstance(value, dict)
    return value


def opened(*ids: str, commitment: Commitment = COMMITMENT, **changes: Any) -> dict[str, Any]:
    """An opening of these lines; of all without any."""
    arguments: dict[str, Any] = {
        "verifier": AUDITOR,
        "footprint_id": DOCUMENT["id"],
        "credential_digest": CREDENTIAL.digest,
        "key": OWNER_KEY,
        "issuer": OWNER,
        "issued_at": NOW,
    }
    return issue_opening(commitment, ids or None, **(arguments | changes))
