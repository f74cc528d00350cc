"""The key log: its owner can change keys and address; the thief of a key cannot keep it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from underseal_protocol import jws, key_log
from underseal_protocol.errors import KeyLogError
from underseal_protocol.key_log import (
    KEY_LOG_TYPE,
    KeyLogEntry,
    first_entry,
    next_entry,
    read_entry,
)
from underseal_protocol.keys import PURPOSE_MEMBER, KeyPurpose, PublicKeySet, SigningKey

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STOLEN = datetime(2026, 2, 1, tzinfo=UTC)
URL = "https://cathode.example"
IDENTITY, OTHER_IDENTITY, FOOTPRINT, OTHER_FOOTPRINT, RECOVERY, OTHER_RECOVERY = (
    SigningKey.generate(purpose)
    for purpose in (
        KeyPurpose.IDENTITY,
        KeyPurpose.IDENTITY,
        KeyPurpose.FOOTPRINT,
        KeyPurpose.FOOTPRINT,
        KeyPurpose.RECOVERY,
        KeyPurpose.RECOVERY,
    )
)


def advance(known: list[KeyLogEntry], tokens: list[str]) -> list[KeyLogEntry]:
    """As a reader gets them: over the wire."""
    return key_log.advance(known, [read_entry(token) for token in tokens])


def key_set(*keys: SigningKey) -> PublicKeySet:
    return PublicKeySet([key.public_key() for key in keys])


FIRST = first_entry(
    url=URL + "/",
    keys=key_set(IDENTITY, FOOTPRINT),
    recovery=RECOVERY.public_key(),
    key=IDENTITY,
    issued_at=NOW,
)


def after(before: KeyLogEntry, key: SigningKey = IDENTITY, **changes: Any) -> KeyLogEntry:
    return next_entry(before, key=key, issued_at=NOW, **changes)


def rotated(before: KeyLogEntry = FIRST) -> KeyLogEntry:
    return after(before, keys=key_set(IDENTITY, FOOTPRINT, OTHER_FOOTPRINT))


def recovered(before: KeyLogEntry = FIRST, **changes: Any) -> KeyLogEntry:
    """The identity key was stolen: another one in its place."""
    return after(
        before,
        RECOVERY,
        keys=key_set(FOOTPRINT, OTHER_IDENTITY),
        revoked={IDENTITY.kid: STOLEN},
        **changes,
    )


def stolen(before: KeyLogEntry = FIRST) -> KeyLogEntry:
    """What the thief of the identity key makes of it."""
    thief = SigningKey.generate(KeyPurpose.FOOTPRINT)
    return after(before, keys=key_set(IDENTITY, FOOTPRINT, thief))


def test_an_entry_says_everything_and_survives_the_wire() -> None:
    read = read_entry(FIRST.token)
    assert read == FIRST
    assert (read.number, read.recoveries, read.url, read.previous) == (1, 0, URL, None)
    assert read.recovery is not None
    assert read.recovery.kid == RECOVERY.kid
    assert read.current(KeyPurpose.FOOTPRINT).kid == FOOTPRINT.kid


def test_a_rotated_key_stays_and_the_new_one_is_in_use() -> None:
    accepted = advance([FIRST], [rotated().token])
    assert accepted[-1].current(KeyPurpose.FOOTPRINT).kid == OTHER_FOOTPRINT.kid
    assert accepted[-1].keys.get(FOOTPRINT.kid, KeyPurpose.FOOTPRINT)


def test_a_whole_log_may_be_sent_again() -> None:
    second = rotated()
    moved = after(second, url="https://new.example")
    log = [FIRST.token, second.token, moved.token]
    assert advance([FIRST], log)[-1] == moved
    assert advance([moved], log) == [moved]
    assert advance(advance([FIRST], log), log)[-1] == moved


def test_an_identity_key_can_be_rotated_by_itself_and_the_old_one_signs_no_more_than_before() -> (
    None
):
    second = after(FIRST, keys=key_set(IDENTITY, FOOTPRINT, OTHER_IDENTITY))
    third = after(second, OTHER_IDENTITY, url="https://new.example")
    assert advance([FIRST], [second.token, third.token])[-1].url == "https://new.example"


def test_the_recovery_key_revokes_and_replaces() -> None:
    entry = advance([FIRST], [recovered().token])[-1]
    assert entry.is_recovery
    assert entry.revoked == {IDENTITY.kid: STOLEN}
    assert entry.current(KeyPurpose.IDENTITY).kid == OTHER_IDENTITY.kid


def test_after_a_recovery_the_stolen_key_signs_nothing() -> None:
    entry = recovered()
    with pytest.raises(KeyLogError, match="not signed with an identity key"):
        after(entry, IDENTITY)
    assert after(entry, OTHER_IDENTITY).number == 3


def test_the_owner_has_the_last_word_over_the_thief() -> None:
    theft = stolen()
    known = advance([FIRST], [theft.token])
    entry = advance(known, [recovered().token])
    assert [one.number for one in entry] == [1, 2]
    assert entry[-1].is_recovery
    with pytest.raises(KeyLogError, match="undo a recovery"):
        advance(entry, [theft.token])


def test_a_recovery_is_believed_by_those_who_first_saw_what_the_thief_made() -> None:
    theft = stolen()
    entry = recovered()
    assert advance([theft], [FIRST.token, entry.token]) == [entry]


def test_an_old_recovery_cannot_be_replayed() -> None:
    old = recovered()
    newer = after(
        old,
        OTHER_IDENTITY,
        keys=key_set(FOOTPRINT, OTHER_IDENTITY, OTHER_FOOTPRINT),
    )
    assert advance([newer], [old.token]) == [newer]
    another = recovered(recovery=OTHER_RECOVERY.public_key())
    with pytest.raises(KeyLogError, match="undo a recovery"):
        advance([FIRST, old, newer], [another.token])
    second = after(newer, RECOVERY)
    assert advance([FIRST, old, newer], [second.token])[-1] == second
    with pytest.raises(KeyLogError, match="undo a recovery"):
        advance([FIRST, old, second], [after(old, OTHER_IDENTITY).token])


def test_the_thief_cannot_replace_the_recovery_key() -> None:
    with pytest.raises(KeyLogError, match="replaces the recovery key"):
        after(FIRST, recovery=OTHER_RECOVERY.public_key())
    entry = recovered(recovery=OTHER_RECOVERY.public_key())
    assert advance([FIRST], [entry.token])[-1].recovery == OTHER_RECOVERY.public_key()
    with pytest.raises(KeyLogError, match="not signed with the recovery key"):
        after(entry, RECOVERY)


def test_a_log_without_recovery_key_gets_one() -> None:
    bare = first_entry(url=URL, keys=key_set(IDENTITY), recovery=None, key=IDENTITY, issued_at=NOW)
    entry = after(bare, recovery=RECOVERY.public_key())
    assert advance([bare], [entry.token])[-1].recovery == RECOVERY.public_key()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"revoked": {FOOTPRINT.kid: STOLEN}, "keys": key_set(IDENTITY)}, "without the recovery"),
        ({"keys": key_set(IDENTITY)}, "leaves out the key"),
        ({"key": OTHER_IDENTITY}, "not signed with an identity key"),
        ({"key": OTHER_RECOVERY}, "not signed with the recovery key"),
        ({"key": FOOTPRINT}, "a key for footprint was used"),
    ],
)
def test_what_an_owner_may_not_do_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(KeyLogError, match=reason):
        after(FIRST, **changes)


def test_what_is_revoked_stays_revoked() -> None:
    entry = recovered()
    with pytest.raises(KeyLogError, match="takes back what was revoked"):
        after(entry, RECOVERY, revoked={})
    with pytest.raises(KeyLogError, match="which is revoked"):
        after(entry, RECOVERY, keys=key_set(IDENTITY, FOOTPRINT, OTHER_IDENTITY))


def test_two_entries_in_one_place_are_noticed() -> None:
    known = advance([FIRST], [rotated().token])
    with pytest.raises(KeyLogError, match="not the only one that follows entry 1"):
        advance(known, [stolen().token])


def test_an_entry_of_another_log_is_refused() -> None:
    other = first_entry(url=URL, keys=key_set(IDENTITY), recovery=None, key=IDENTITY, issued_at=NOW)
    with pytest.raises(KeyLogError, match="does not follow from what is pinned"):
        advance([FIRST], [after(after(other)).token])


def test_a_bad_entry_leaves_nothing_behind() -> None:
    known = [FIRST]
    with pytest.raises(KeyLogError):
        advance(known, [rotated().token, "a.b.c"])
    assert known == [FIRST]


def claims(**changes: Any) -> dict[str, Any]:
    payload = jws.parse(FIRST.token).payload | changes
    return {name: value for name, value in payload.items() if value is not ...}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": ...}, "has the claims"),
        ({"extra": 1}, "has the claims"),
        ({"number": 0}, "has the number 0"),
        ({"number": True}, "has the number True"),
        ({"number": 2}, "has the number 2"),
        ({"recoveries": 1}, "counts 1 recoveries"),
        ({"recoveries": -1}, "counts -1 recoveries"),
        ({"iss": 5}, "names no address"),
        ({"iat": "now"}, "iat is 'now'"),
        ({"revoked": []}, "which keys are revoked"),
        ({"revoked": {"kid": "x"}}, "iat is 'x'"),
        ({"jwks": {}}, 'an array "keys"'),
        ({"signer": FOOTPRINT.public_jwk()}, "signed with a key for footprint"),
        ({"signer": OTHER_IDENTITY.public_jwk()}, "not in the trusted key set"),
        ({"signer": "x"}, "is not an object"),
        ({"recovery": OTHER_IDENTITY.public_jwk()}, "a key for identity"),
    ],
)
def test_malformed_entries_are_refused(changes: dict[str, Any], reason: str) -> None:
    token = jws.sign(claims(**changes), typ=KEY_LOG_TYPE, key=IDENTITY)
    with pytest.raises(KeyLogError, match=reason):
        read_entry(token)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-8] + "AAAAAAAA",
        lambda token: token.replace(".", "", 1),
        lambda token: "x" * 200_000,
        lambda token: jws.sign(claims(), typ="other+jwt", key=IDENTITY),
    ],
)
def test_what_was_altered_is_refused(spoil: Callable[[str], str]) -> None:
    with pytest.raises(KeyLogError):
        read_entry(spoil(FIRST.token))


def test_a_log_has_a_length() -> None:
    with pytest.raises(KeyLogError, match="at most 1000"):
        advance([FIRST], [FIRST.token] * 1001)


def test_a_rotated_key_for_tokens_may_be_left_out_and_one_for_footprints_may_not() -> None:
    token = SigningKey.generate(KeyPurpose.ACCESS_TOKEN)
    both = after(FIRST, keys=key_set(IDENTITY, FOOTPRINT, token))
    without = after(both, keys=key_set(IDENTITY, FOOTPRINT))
    assert advance([both], [without.token])[-1].digest == without.digest
    with pytest.raises(KeyLogError, match="leaves out the key"):
        after(both, keys=key_set(IDENTITY, token))


def by_identity(before: KeyLogEntry, *jwks: Any) -> str:
    """What the thief of the identity key signs, with these keys beside it."""
    payload = jws.parse(before.token).payload | {
        "number": before.number + 1,
        "previous": before.digest,
        "signer": IDENTITY.public_jwk(),
        "jwks": {"keys": [IDENTITY.public_jwk(), *jwks]},
    }
    return jws.sign(payload, typ=KEY_LOG_TYPE, key=IDENTITY)


def without_purpose(key: SigningKey, **changes: str) -> dict[str, str]:
    """A key as another make shows it: with any name, and without a purpose."""
    jwk = key.public_jwk() | changes
    del jwk[PURPOSE_MEMBER]
    return jwk


def test_another_key_cannot_take_the_name_of_a_pinned_one() -> None:
    token = by_identity(FIRST, without_purpose(OTHER_FOOTPRINT, kid=FOOTPRINT.kid))
    with pytest.raises(KeyLogError, match="does not say what it is for"):
        advance([FIRST], [token])


def test_a_revoked_key_cannot_come_back_under_another_name() -> None:
    entry = after(FIRST, RECOVERY, keys=key_set(IDENTITY), revoked={FOOTPRINT.kid: STOLEN})
    token = by_identity(entry, without_purpose(FOOTPRINT, kid="again"))
    with pytest.raises(KeyLogError, match="does not say what it is for"):
        advance([entry], [token])
    with pytest.raises(KeyLogError, match="has the kid 'again', its thumbprint is"):
        advance([entry], [by_identity(entry, FOOTPRINT.public_jwk() | {"kid": "again"})])
    with pytest.raises(KeyLogError, match="which is revoked"):
        advance([entry], [by_identity(entry, FOOTPRINT.public_jwk())])


@pytest.mark.parametrize("purpose", ["receipt", "access-token"])
def test_a_pinned_key_keeps_its_purpose(purpose: str) -> None:
    token = by_identity(FIRST, FOOTPRINT.public_jwk() | {PURPOSE_MEMBER: purpose})
    with pytest.raises(KeyLogError, match=f"is for {purpose}; it was for footprint"):
        advance([FIRST], [token])


def test_a_pinned_key_cannot_be_hidden_as_one_of_a_later_version() -> None:
    token = by_identity(FIRST, FOOTPRINT.public_jwk() | {PURPOSE_MEMBER: "later"})
    with pytest.raises(KeyLogError, match="leaves out the key"):
        advance([FIRST], [token])


def test_a_key_of_a_later_version_is_left_out() -> None:
    later = OTHER_FOOTPRINT.public_jwk() | {PURPOSE_MEMBER: "later"}
    accepted = advance([FIRST], [by_identity(FIRST, FOOTPRINT.public_jwk(), later)])
    assert {key.kid for key in accepted[-1].keys} == {IDENTITY.kid, FOOTPRINT.kid}
