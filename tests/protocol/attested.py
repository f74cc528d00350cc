"""A footprint, its owner and its verifier, for the tests of drafts and attestations."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.protocol.samples import sample

from underseal_protocol import segments, strict_json
from underseal_protocol.assurance import AssuranceLevel
from underseal_protocol.attestation import attestation_entry, issue_attestation
from underseal_protocol.attestation_claims import Attestation, Statement
from underseal_protocol.credential import issue
from underseal_protocol.disclosure import Level
from underseal_protocol.draft import FootprintDraft, Subject, make_draft
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

OWNER = "https://wire.example"
VERIFIER = "https://verifier.example"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWNER_KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
OWNER_KEYS = PublicKeySet([OWNER_KEY.public_key()])
VERIFIER_KEY = SigningKey.generate(KeyPurpose.ATTESTATION)
VERIFIER_KEYS = PublicKeySet([VERIFIER_KEY.public_key()])
VERIFICATION = {
    "coverage": "product level",
    "providerName": "中国质量认证中心",
    "completedAt": "2026-02-27T00:00:00Z",
    "standardName": "ISO 14067:2018",
}

Document = dict[str, Any]


def document(**changes: Any) -> Document:
    """A footprint that can be drafted, with something in every block that can be attested."""
    unknown = {"x-plant": "宁德 2", "extensions": [_extension()]}
    return sample(pcf={"x-furnace": "7"}, **(unknown | changes))


def _extension() -> Document:
    return {"specVersion": "2.0.0", "dataSchema": "https://a.example/b.json", "data": {"c": "d"}}


def attest(subject: Subject, **changes: Any) -> Attestation:
    arguments: dict[str, Any] = {
        "key": VERIFIER_KEY,
        "issuer": VERIFIER,
        "verifier_ids": ["urn:lei:529900T8BM49AURSDO55"],
        "verification": VERIFICATION,
        "level": AssuranceLevel.LIMITED,
        "statement": Statement(text="核查声明: nothing has come to our attention."),
        "issued_at": NOW,
        "valid_until": NOW + timedelta(days=365),
    }
    return issue_attestation(subject, **(arguments | changes))


def published(
    draft: FootprintDraft, found: Attestation | None, level: Level = Level.FULL
) -> Document:
    """What a peer of a level gets of a draft that was published with an attestation."""
    complete = copy.deepcopy(draft.document)
    if found is not None:
        complete["pcf"]["verification"] = dict(found.verification)
        complete["extensions"] = [attestation_entry(found), *complete.get("extensions", [])]
    credential = issue(
        complete, key=OWNER_KEY, issuer=OWNER, issued_at=NOW, disclosures=draft.disclosures
    )
    packed = segments.pack(complete, credential, OWNER)
    value = strict_json.loads(segments.render(packed, level, "Active"))
    assert isinstance(value, dict)
    return value


DRAFT = make_draft(document(), issuer=OWNER)
