"""What was signed once verifies for ever: the stored vectors pin the format."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from underseal_protocol import strict_json
from underseal_protocol.canonical import digest
from underseal_protocol.credential import ContentMismatchError, credential_of, verify
from underseal_protocol.disclosure import Block, Level, split
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.status import verify_status

VECTORS = Path(__file__).parents[1] / "vectors" / "credential"
VECTOR = json.loads((VECTORS / "signed.json").read_text("utf-8"))
KEYS = PublicKeySet.from_jwks(VECTOR["keys"])


@pytest.mark.parametrize("level", list(Level))
def test_a_stored_footprint_verifies(level: Level) -> None:
    document = strict_json.loads(VECTOR["served"][level])
    assert isinstance(document, dict)
    verified = verify(document, keys=KEYS, issuer=VECTOR["issuer"])
    assert verified.digest == VECTOR["credentialDigest"]
    assert verified.issued_at == datetime(2025, 7, 1, 9, 30, 15, tzinfo=UTC)
    assert verified.disclosed == set(level.blocks)
    document["companyName"] = "Other GmbH"
    with pytest.raises(ContentMismatchError):
        verify(document, keys=KEYS, issuer=VECTOR["issuer"])


def test_a_stored_status_verifies() -> None:
    statement = verify_status(
        VECTOR["status"],
        keys=KEYS,
        issuer=VECTOR["issuer"],
        footprint_id=json.loads(VECTOR["served"]["total"])["id"],
        credential_digest=VECTOR["credentialDigest"],
    )
    assert statement.status == "Deprecated"
    assert statement.issued_at == datetime(2026, 1, 15, 8, 0, tzinfo=UTC)


def test_the_digests_of_the_parts() -> None:
    """Numbers for whoever writes a second implementation."""
    parts = split(json.loads((VECTORS / "footprint.json").read_text("utf-8")))
    assert digest(parts.core) == "m8daeFvzWWyI5vdyqpjlFAxcSgzNoMEi6tSLePJO7lw"
    assert {block.value: digest(parts.blocks[block]) for block in Block} == {
        "quality": "gLfFc8UUwyp_8OtfOj-w4QjjDpb1Vx2b1nWIdj6be7Y",
        "verification": "4cHkJfNYDx1_bvm0kxEaOIjKtsr-TTaJBiELi3qbV-o",
        "emissions": "7IG6dLEkGGOgiCAvXcbw3vnVKexPoCX2Z-1xDMFrGJc",
        "carbon": "louULI4exB-wBdx5GUcvJZvP8UqpvT8oAKqP0SpGRA0",
        "method": "LGiyUilSJou9rKft2bbHrg3sMkL9FSg42xqqcUa9bk4",
        "other": "4CQvDyDJXM_qFpLzjjoxw_mNWI76uIQtMV-YI_7gi-c",
    }


def test_the_levels_differ_in_their_disclosures_only() -> None:
    texts = [credential_of(json.loads(VECTOR["served"][level])) or "" for level in Level]
    for shorter, longer in itertools.pairwise(texts):
        assert longer.startswith(shorter)
    assert [text.count("~") for text in texts] == [1, 3, 5, 7]
