"""Whatever is done to the bytes of a signed footprint is noticed, or changes nothing.

Random mutations, thousands in the normal run and a quarter of a million in `make soak`. A mutated
text either cannot be read, or does not verify, or says exactly what the original says.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.credential import issue, verify
from underseal_protocol.disclosure import Level, content_of
from underseal_protocol.errors import ProtocolError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.segments import pack, render
from underseal_protocol.strict_json import loads

FOOTPRINT = Path(__file__).parents[1] / "vectors" / "credential" / "footprint.json"
ISSUER = "https://node.example"
KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)
KEYS = PublicKeySet([KEY.public_key()])

Mutation = Callable[[random.Random, bytearray], None]


def replace(chance: random.Random, text: bytearray) -> None:
    text[chance.randrange(len(text))] = chance.randrange(256)


def flip(chance: random.Random, text: bytearray) -> None:
    text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)


def delete(chance: random.Random, text: bytearray) -> None:
    start = chance.randrange(len(text))
    del text[start : start + chance.randrange(1, 40)]


def insert(chance: random.Random, text: bytearray) -> None:
    at = chance.randrange(len(text))
    text[at:at] = chance.choice([b" ", b"\n", b"0", b"1", b"-", b'"', b",", b"\\u0000", b"null"])


def repeat(chance: random.Random, text: bytearray) -> None:
    start = chance.randrange(len(text))
    part = text[start : start + chance.randrange(1, 200)]
    at = chance.randrange(len(text))
    text[at:at] = part


def swap_digits(chance: random.Random, text: bytearray) -> None:
    places = [at for at, byte in enumerate(text) if 0x30 <= byte <= 0x39]
    first, second = chance.choice(places), chance.choice(places)
    text[first], text[second] = text[second], text[first]


def swap_members(chance: random.Random, text: bytearray) -> None:
    """Two members of an object in another order: nothing else is said."""
    document = json.loads(text)
    inside = document["pcf"] if chance.random() < 0.5 else document
    names = list(inside)
    chance.shuffle(names)
    shuffled = {name: inside[name] for name in names}
    changed = {**document, "pcf": shuffled} if inside is document["pcf"] else shuffled
    text[:] = json.dumps(changed, ensure_ascii=False).encode()


MUTATIONS: list[Mutation] = [
    replace,
    flip,
    delete,
    insert,
    repeat,
    swap_digits,
    swap_members,
]


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize(
    "count",
    [800, pytest.param(60_000, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])],
)
def test_no_mutation_verifies_unless_it_says_the_same(level: Level, count: int) -> None:
    document = loads(FOOTPRINT.read_bytes())
    issued = issue(document, key=KEY, issuer=ISSUER, issued_at=datetime(2026, 3, 1, tzinfo=UTC))
    original = render(pack(document, issued, ISSUER), level, "Active")
    verify(loads(original), keys=KEYS, issuer=ISSUER)
    said = canonical_bytes(content_of(loads(original)))
    chance = random.Random(f"{level} {count}")
    outcomes = {"unreadable": 0, "refused": 0, "the same": 0}
    for _ in range(count):
        text = bytearray(original)
        chance.choice(MUTATIONS)(chance, text)
        outcomes[outcome(bytes(text), said)] += 1
    # Each of the three does happen, so each is tested.
    assert all(outcomes.values()), outcomes


def outcome(text: bytes, said: bytes) -> str:
    """What becomes of a mutated text; it must not verify and say something else."""
    try:
        document = loads(text)
    except ProtocolError:
        return "unreadable"
    if not isinstance(document, dict):
        return "unreadable"
    try:
        verify(document, keys=KEYS, issuer=ISSUER)
    except ProtocolError:
        return "refused"
    assert canonical_bytes(content_of(document)) == said
    return "the same"
