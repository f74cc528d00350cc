"""Whatever a thief of all online keys does with the log, and whoever believes him for a while: the
owner's recovery ends it, for every reader, from whatever he has pinned."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from underseal_protocol.errors import KeyLogError
from underseal_protocol.key_log import KeyLogEntry, advance, first_entry, next_entry
from underseal_protocol.keys import KeyPurpose, PublicKey, PublicKeySet, SigningKey

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RECOVERY = SigningKey.generate(KeyPurpose.RECOVERY)
# Made once: which keys they are does not matter.
IDENTITIES = [SigningKey.generate(KeyPurpose.IDENTITY) for _ in range(20)]
FOOTPRINTS = [SigningKey.generate(KeyPurpose.FOOTPRINT) for _ in range(20)]
STEPS = st.lists(st.sampled_from(["identity", "footprint", "move"]), max_size=4)


@dataclass
class Writer:
    """Somebody who has an identity key of the log."""

    log: list[KeyLogEntry]
    key: SigningKey
    name: str
    identities: list[SigningKey]
    footprints: list[SigningKey]
    own: set[str] = field(default_factory=set)

    def go_on(self, step: str) -> None:
        newest = self.log[-1]
        keys: list[PublicKey] = list(newest.keys)
        signer, url = self.key, newest.url
        if step == "move":
            url = f"https://{self.name}-{newest.number}.example"
        else:
            new = (self.identities if step == "identity" else self.footprints).pop()
            keys.append(new.public_key())
            self.own.add(new.kid)
            if step == "identity":
                self.key = new
        entry = next_entry(newest, key=signer, issued_at=NOW, url=url, keys=PublicKeySet(keys))
        self.log.append(entry)


@settings(max_examples=60, deadline=None)
@given(before=STEPS, meanwhile=STEPS, theirs=STEPS, after=STEPS, data=st.data())
def test_the_owner_has_the_last_word(
    before: list[str],
    meanwhile: list[str],
    theirs: list[str],
    after: list[str],
    data: st.DataObject,
) -> None:
    start = first_entry(
        url="https://owner.example",
        keys=PublicKeySet([IDENTITIES[0].public_key(), FOOTPRINTS[0].public_key()]),
        recovery=RECOVERY.public_key(),
        key=IDENTITIES[0],
        issued_at=NOW,
    )
    owner = Writer([start], IDENTITIES[0], "owner", IDENTITIES[1:14], FOOTPRINTS[1:14])
    for step in before:
        owner.go_on(step)
    stolen = owner.key
    thief = Writer(list(owner.log), stolen, "thief", IDENTITIES[14:], FOOTPRINTS[14:])
    for step in theirs:
        thief.go_on(step)
    for step in meanwhile:
        owner.go_on(step)
    # The reader has pinned something from before the theft, and hears from both in any order.
    pinned = data.draw(st.integers(0, len(before)))
    known = [owner.log[pinned]]
    for voice in data.draw(st.permutations([owner, thief])):
        try:
            known = advance(known, voice.log)
        except KeyLogError:
            continue
    # Nobody knows which of the keys were seen: all of them are revoked.
    lost = [key.kid for key in owner.log[-1].keys]
    fresh = SigningKey.generate(KeyPurpose.IDENTITY)
    recovered = next_entry(
        owner.log[-1],
        key=RECOVERY,
        issued_at=NOW,
        keys=PublicKeySet([fresh.public_key()]),
        revoked=dict.fromkeys(lost, NOW),
    )
    owner.log.append(recovered)
    owner.key = fresh
    for step in after:
        owner.go_on(step)
    known = advance(known, owner.log)
    assert known[-1].digest == owner.log[-1].digest
    assert not thief.own & {key.kid for key in known[-1].keys}
    # And the thief has nothing to say any more.
    thief.go_on("move")
    for number in range(len(thief.log)):
        try:
            heard = advance(known, thief.log[number:])
        except KeyLogError:
            continue
        assert heard[-1].digest == owner.log[-1].digest
