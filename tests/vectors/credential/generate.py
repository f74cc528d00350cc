"""Write `signed.json`: one footprint as a node signs and serves it, at every level.

Run only when the format changes on purpose, from the root of the repository:

    .venv/bin/python tests/vectors/credential/generate.py

The key is made, used and forgotten. What was signed with it once must verify for ever.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from underseal_protocol import segments
from underseal_protocol.credential import issue
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.status import issue_status

HERE = Path(__file__).parent
ISSUER = "https://pcf.kathodenwerk.example"
ISSUED_AT = datetime(2025, 7, 1, 9, 30, 15, tzinfo=UTC)


def main() -> None:
    document = json.loads((HERE / "footprint.json").read_text("utf-8"))
    key = SigningKey.generate(KeyPurpose.FOOTPRINT)
    credential = issue(document, key=key, issuer=ISSUER, issued_at=ISSUED_AT)
    packed = segments.pack(document, credential, ISSUER)
    vector = {
        "issuer": ISSUER,
        "issuedAt": "2025-07-01T09:30:15Z",
        "keys": PublicKeySet([key.public_key()]).to_jwks(),
        "credentialDigest": credential.digest,
        "served": {
            level.value: segments.render(packed, level, "Active").decode() for level in Level
        },
        "status": issue_status(
            footprint_id=document["id"],
            status="Deprecated",
            credential_digest=credential.digest,
            key=key,
            issuer=ISSUER,
            issued_at=datetime(2026, 1, 15, 8, 0, tzinfo=UTC),
        ),
    }
    text = json.dumps(vector, indent=2, ensure_ascii=False)
    (HERE / "signed.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
