"""`underseal verify`: offline, with key logs and attestations; what is proved and what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.protocol.attested import (
    DRAFT,
    OWNER,
    OWNER_KEY,
    OWNER_KEYS,
    VERIFIER,
    VERIFIER_KEY,
    attest,
    published,
)

from underseal_protocol import base64url
from underseal_protocol.credential import verify as verify_credential
from underseal_protocol.disclosure import Level
from underseal_protocol.key_log import first_entry, next_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.merkle import leaf_hash
from underseal_protocol.receipt import (
    Head,
    Received,
    issue_acknowledgement,
    issue_receipt,
    read_acknowledgement,
)
from underseal_protocol.status import issue_status

NOW = datetime.now(UTC).replace(microsecond=0)
VALID = attest(DRAFT.subject, issued_at=NOW, valid_until=NOW + timedelta(days=30))
IDENTITY, RECOVERY = (
    SigningKey.generate(purpose) for purpose in (KeyPurpose.IDENTITY, KeyPurpose.RECOVERY)
)

Write = Callable[[Any, str], Path]
Fulfils = Callable[[Any, str], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: Any, name: str) -> Path:
        file = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        file.write_text(text, encoding="utf-8")
        return file

    return written


def keys_of(*keys: SigningKey) -> Any:
    return PublicKeySet([key.public_key() for key in keys]).to_jwks()


@pytest.fixture
def keys(write: Write) -> Path:
    return write(keys_of(OWNER_KEY), "owner.json")


@pytest.fixture
def verifier_keys(write: Write) -> Path:
    return write(keys_of(VERIFIER_KEY), "verifier.json")


@pytest.mark.parametrize("level", [Level.QUALITY, Level.BREAKDOWN, Level.FULL])
def test_an_attestation_in_the_footprint_is_proved(
    run: Run, write: Write, keys: Path, verifier_keys: Path, fulfils: Fulfils, level: Level
) -> None:
    file = write(published(DRAFT, VALID, level), "footprint.json")
    done = run("verify", file, "--keys", keys, "--verifier-keys", verifier_keys)
    assert done.status == 0, done.err
    proved, _, unproved = done.out.partition("Not proved:")
    assert f"  - 中国质量认证中心 ({VERIFIER}) attests it with limited assurance" in proved
    assert "ISO 14067:2018" in proved
    assert "that the figures are right" in unproved
    # A key set says nothing of whose it is, nor of what was revoked after it was fetched.
    assert f"one of the keys in {keys}, signed it; the signature names {OWNER}" in proved
    for file_of_keys, owner in ((keys, OWNER), (verifier_keys, VERIFIER)):
        assert f"that the key is that of {owner}: the keys in {file_of_keys} do not" in unproved
        assert f"that the key of {owner} was not revoked since: the keys in" in unproved
    assert "by the signer's clock alone" in unproved
    assert "its status: the file says Active" in unproved
    assert ("what is not shown" in unproved) == (level is not Level.FULL)
    result = run("verify", file, "--keys", keys, "--verifier-keys", verifier_keys, "--json").json
    fulfils(result, "verification")
    (found,) = result["attestations"]
    assert (found["verifier"], found["level"]) == (VERIFIER, "limited")


@pytest.mark.parametrize("level", list(Level))
def test_an_attestation_beside_the_footprint_is_proved(
    run: Run, write: Write, keys: Path, verifier_keys: Path, level: Level
) -> None:
    file = write(published(DRAFT, None, level), "footprint.json")
    beside = write(VALID.token + "\n", "attestation.jws")
    options = ("--attestation", beside, "--verifier-keys", verifier_keys)
    done = run("verify", file, "--keys", keys, *options)
    assert done.status == 0, done.err
    assert "attests it with limited assurance" in done.out


def test_without_keys_of_the_verifier_nothing_is_said_of_the_attestation(
    run: Run, write: Write, keys: Path, fulfils: Fulfils
) -> None:
    file = write(published(DRAFT, VALID), "footprint.json")
    done = run("verify", file, "--keys", keys)
    assert done.status == 0
    assert (
        f"what 中国质量认证中心 ({VERIFIER}) attests: the keys of the verifier"
        in (done.out.partition("Not proved:")[2])
    )
    result = run("verify", file, "--keys", keys, "--json").json
    fulfils(result, "verification")
    assert result["attestations"] == []


def test_an_attestation_without_keys_to_check_it_with_is_a_misunderstanding(
    run: Run, write: Write, keys: Path
) -> None:
    file = write(published(DRAFT, None), "footprint.json")
    beside = write(VALID.token, "attestation.jws")
    done = run("verify", file, "--keys", keys, "--attestation", beside)
    assert done.status == 2
    assert "--attestation needs --verifier-keys" in done.err


def test_an_attestation_is_about_one_footprint(
    run: Run, write: Write, keys: Path, verifier_keys: Path
) -> None:
    file = write([published(DRAFT, None)] * 2, "footprints.json")
    beside = write(VALID.token, "attestation.jws")
    options = ("--attestation", beside, "--verifier-keys", verifier_keys)
    assert run("verify", file, "--keys", keys, *options).status == 2


def other_verifier() -> Any:
    return keys_of(SigningKey.generate(KeyPurpose.ATTESTATION))


def other_footprint() -> str:
    from underseal_protocol.draft import make_draft

    changed = DRAFT.document | {"comment": "别的"}
    return attest(make_draft(changed, issuer=OWNER).subject).token


@pytest.mark.parametrize(
    ("token", "verifier", "named"),
    [
        (VALID.token, other_verifier(), "is not in the trusted key set"),
        (VALID.token, keys_of(OWNER_KEY), "is not in the trusted key set"),
        (other_footprint(), None, "the block 'quality' is not what was attested"),
        (
            attest(DRAFT.subject, issued_at=NOW - timedelta(9), valid_until=NOW).token,
            None,
            "the attestation was valid until",
        ),
        (VALID.token[:-6] + "AAAAAA", None, "the signature was not made over this content"),
        ("nonsense", None, "a token has three parts"),
        ("", None, "a token has three parts"),
    ],
    ids=["another verifier", "owner", "another footprint", "expired", "altered", "none", "empty"],
)
def test_an_attestation_that_does_not_hold_is_refused(
    run: Run,
    write: Write,
    keys: Path,
    verifier_keys: Path,
    fulfils: Fulfils,
    token: str,
    verifier: Any,
    named: str,
) -> None:
    file = write(published(DRAFT, None), "footprint.json")
    beside = write(token, "attestation.jws")
    used = verifier_keys if verifier is None else write(verifier, "other.json")
    command = ("verify", file, "--keys", keys, "--attestation", beside, "--verifier-keys", used)
    done = run(*command)
    assert (done.status, done.out) == (1, "")
    first = done.err.splitlines()[0]
    assert named in first
    assert f"the attestation in {beside}, checked with the keys in {used}" in first
    assert str(keys) not in first
    told = run(*command, "--json")
    assert told.status == 1
    fulfils(told.json, "verification")


class TestKeyLogs:
    """A node that has moved, and one whose keys were stolen."""

    @staticmethod
    def first(url: str = OWNER, *keys: SigningKey) -> Any:
        held = PublicKeySet([key.public_key() for key in (IDENTITY, *(keys or (OWNER_KEY,)))])
        recovery = RECOVERY.public_key()
        return first_entry(url=url, keys=held, recovery=recovery, key=IDENTITY, issued_at=NOW)

    def verified(self, run: Run, write: Write, entries: list[Any]) -> Any:
        log = write([one.token for one in entries], "log.json")
        return run("verify", write(published(DRAFT, None), "footprint.json"), "--keys", log)

    def test_the_keys_of_the_newest_entry_count(self, run: Run, write: Write) -> None:
        done = self.verified(run, write, [self.first()])
        assert done.status == 0, done.err
        assert "a key log" in done.out
        assert f"  - {OWNER} signed it, with the key {OWNER_KEY.kid}" in done.out
        assert "that the key is that of" not in done.out
        assert f"that the key of {OWNER} was not revoked since" in done.out

    def test_what_was_signed_before_the_node_moved_verifies(self, run: Run, write: Write) -> None:
        first = self.first()
        moved = next_entry(first, key=IDENTITY, issued_at=NOW, url="https://new.example")
        done = self.verified(run, write, [first, moved])
        assert done.status == 0, done.err

    def test_a_log_of_somebody_else_does_not_count(self, run: Run, write: Write) -> None:
        done = self.verified(run, write, [self.first("https://other.example")])
        assert done.status == 1
        assert f"was issued by '{OWNER}', expected 'https://other.example'" in done.err

    def test_what_a_revoked_key_signed_is_refused(self, run: Run, write: Write) -> None:
        first = self.first()
        fresh = SigningKey.generate(KeyPurpose.IDENTITY)
        revoked = next_entry(
            first,
            key=RECOVERY,
            issued_at=NOW,
            keys=PublicKeySet([fresh.public_key()]),
            revoked={IDENTITY.kid: NOW, OWNER_KEY.kid: NOW},
        )
        done = self.verified(run, write, [first, revoked])
        assert done.status == 1
        assert f"the key '{OWNER_KEY.kid}', which its owner has revoked" in done.err

    def test_a_log_with_a_hole_is_refused(self, run: Run, write: Write) -> None:
        first = self.first()
        second = next_entry(first, key=IDENTITY, issued_at=NOW)
        third = next_entry(second, key=IDENTITY, issued_at=NOW)
        done = self.verified(run, write, [first, third])
        assert done.status == 1
        assert "does not follow" in done.err

    @pytest.mark.parametrize("content", [[], [1], ["x"], [{"keys": []}]])
    def test_a_list_that_is_no_log_is_named(self, run: Run, write: Write, content: Any) -> None:
        log = write(content, "log.json")
        done = run("verify", write(published(DRAFT, None), "footprint.json"), "--keys", log)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith(f"Error: {log}: ")

    def test_of_a_verifier_too(self, run: Run, write: Write, keys: Path) -> None:
        log = write([self.first(VERIFIER, VERIFIER_KEY).token], "verifier-log.json")
        file = write(published(DRAFT, VALID), "footprint.json")
        done = run("verify", file, "--keys", keys, "--verifier-keys", log)
        assert done.status == 0, done.err
        other = write([self.first("https://x.example", VERIFIER_KEY).token], "other-log.json")
        done = run("verify", file, "--keys", keys, "--verifier-keys", other)
        assert done.status == 1
        assert f"was issued by '{VERIFIER}', expected 'https://x.example'" in done.err


BUYER = "https://cell.example"
RECEIPT_KEY, BUYER_KEY = (SigningKey.generate(KeyPurpose.RECEIPT) for _ in range(2))
STOLEN_SINCE = NOW - timedelta(days=1)
SHOWN = published(DRAFT, None)


def receipt(given: datetime, *, digest: str | None = None, key: SigningKey = RECEIPT_KEY) -> str:
    """A line of `underseal audit receipts`: the owner gave the footprint to the buyer."""
    shown = verify_credential(SHOWN, keys=OWNER_KEYS, issuer=OWNER)
    token = issue_acknowledgement(
        footprints=[Received(DRAFT.id, digest or shown.digest)],
        head=None,
        known_size=None,
        key=BUYER_KEY,
        issuer=BUYER,
        audience=OWNER,
        issued_at=given,
    )
    acknowledged = read_acknowledgement(token, keys=PublicKeySet([BUYER_KEY.public_key()]))
    leaf = leaf_hash(b"an entry")
    return json.dumps(
        {
            "kind": "receipt",
            "token": issue_receipt(
                acknowledged,
                confirmed={(DRAFT.id, acknowledged.footprints[0].digest): Level.FULL},
                head=Head(1, leaf),
                number=1,
                leaf=leaf,
                inclusion=[],
                consistency=None,
                key=key,
                issued_at=given,
            ),
        }
    )


class TestReceipts:
    """Evidence that a footprint is older than the theft of the key that signed it."""

    OLD, LATE = STOLEN_SINCE - timedelta(days=300), STOLEN_SINCE

    @pytest.fixture
    def check(self, run: Run, write: Write) -> Callable[..., Any]:
        def checked(*lines: str, revoked: tuple[SigningKey, ...] = (OWNER_KEY,)) -> Any:
            entry = TestKeyLogs.first(OWNER, OWNER_KEY, RECEIPT_KEY)
            entries = [entry]
            if revoked:
                kept = [IDENTITY, OWNER_KEY, RECEIPT_KEY]
                held = [one.public_key() for one in kept if one not in revoked]
                since = {one.kid: STOLEN_SINCE for one in revoked}
                entries.append(
                    next_entry(
                        entry,
                        key=RECOVERY,
                        issued_at=NOW,
                        keys=PublicKeySet(held),
                        revoked=since,
                    )
                )
            log = write([one.token for one in entries], "log.json")
            file = write(SHOWN, "footprint.json")
            given = ("--receipts", write("\n".join(lines), "receipts.jsonl")) if lines else ()
            return run("verify", file, "--keys", log, *given, "--json")

        return checked

    def test_without_a_theft_they_say_to_whom_it_was_given(
        self, check: Callable[..., Any], fulfils: Fulfils
    ) -> None:
        done = check(receipt(self.OLD), receipt(NOW), revoked=())
        assert done.status == 0, done.err
        fulfils(done.json, "verification")
        assert [one["issuedAt"] for one in done.json["receipts"]] == [
            f"{when:%Y-%m-%dT%H:%M:%SZ}" for when in (self.OLD, NOW)
        ]
        assert {one["audience"] for one in done.json["receipts"]} == {BUYER}
        assert sum(f"that it gave this to {BUYER}" in one for one in done.json["proved"]) == 2

    def test_what_is_older_than_the_theft_stays_proved(
        self, check: Callable[..., Any], fulfils: Fulfils
    ) -> None:
        done = check(receipt(self.LATE), receipt(self.OLD))
        assert done.status == 0, done.err
        assert f"before {STOLEN_SINCE:%Y-%m-%dT%H:%M:%SZ}, from when on" in done.json["proved"][0]
        fulfils(done.json, "verification")
        assert [one["issuedAt"] for one in done.json["receipts"]] == [
            f"{self.OLD:%Y-%m-%dT%H:%M:%SZ}"
        ]

    def test_what_is_not_shown_to_be_older_is_refused(
        self, check: Callable[..., Any], fulfils: Fulfils
    ) -> None:
        for lines, hint in (
            ((), "--receipts"),
            ((receipt(self.LATE), receipt(NOW)), f"of {self.LATE:%Y-%m-%dT%H:%M:%SZ}, which is"),
            ((receipt(self.OLD, digest="A" * 43),), "No receipt for it"),
            ((receipt(self.OLD, key=SigningKey.generate(KeyPurpose.RECEIPT)),), "No receipt"),
        ):
            done = check(*lines)
            assert done.status == 1
            fulfils(done.json, "verification")
            assert f"the key '{OWNER_KEY.kid}', which its owner has revoked" in done.err
            assert hint in done.err

    def test_a_receipt_with_a_key_that_was_stolen_too_shows_nothing(
        self, check: Callable[..., Any]
    ) -> None:
        done = check(receipt(self.OLD), revoked=(OWNER_KEY, RECEIPT_KEY))
        assert done.status == 1
        assert "with a key that is not revoked" in done.err

    def test_receipts_about_something_else_are_said_to_prove_nothing(
        self, check: Callable[..., Any], fulfils: Fulfils
    ) -> None:
        for line in (
            receipt(self.OLD, digest="A" * 43),
            receipt(self.OLD, key=SigningKey.generate(KeyPurpose.RECEIPT)),
            " ",
        ):
            done = check(line, revoked=())
            assert done.status == 0, done.err
            fulfils(done.json, "verification")
            (said,) = [one for one in done.json["notProved"] if "none of the receipts in" in one]
            assert said.startswith("that anybody was given it: ")
        without = check(revoked=())
        assert not any("none of the receipts" in one for one in without.json["notProved"])

    @pytest.mark.parametrize("revoked", [(), (OWNER_KEY,)])
    def test_a_receipt_that_was_changed_is_refused(
        self, check: Callable[..., Any], revoked: tuple[SigningKey, ...]
    ) -> None:
        line = json.loads(receipt(self.OLD))
        head, body, signature = line["token"].split(".")
        claims = json.loads(base64url.decode(body)) | {"iat": 1}
        line["token"] = f"{head}.{base64url.encode(json.dumps(claims).encode())}.{signature}"
        for wrong, said in (
            (json.dumps(line), "the signature was not made over this content"),
            ("no json", "line 1"),
            ('{"kind": "receipt", "token": "a.b.c"}', "line 1"),
        ):
            done = check(wrong, revoked=revoked)
            assert done.status == 1
            assert "the receipts in " in done.err
            assert "receipts.jsonl: " in done.err
            assert "verify with the keys in" not in done.err
            assert said in done.err


@pytest.mark.parametrize(("status", "is_final"), [("Deprecated", True), ("Active", False)])
def test_what_a_statement_proves_of_the_status(
    run: Run, write: Write, keys: Path, status: str, *, is_final: bool
) -> None:
    from underseal_protocol.credential import verify

    shown = published(DRAFT, None)
    owner_keys = PublicKeySet([OWNER_KEY.public_key()])
    statement = issue_status(
        footprint_id=DRAFT.id,
        status=status,
        credential_digest=verify(shown, keys=owner_keys, issuer=OWNER).digest,
        key=OWNER_KEY,
        issuer=OWNER,
        issued_at=NOW,
    )
    signed = write(statement, "status.jws")
    done = run("verify", write(shown, "footprint.json"), "--keys", keys, "--status", signed)
    proved, _, unproved = done.out.partition("Not proved:")
    assert f"its status was {status} as of" in proved
    assert ("that it is still Active" in unproved) != is_final


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"validityPeriodEnd": "2026-01-02T00:00:00Z"}, "that it is valid now: it was until"),
        (
            {
                "validityPeriodStart": "9998-01-01T00:00:00Z",
                "validityPeriodEnd": "9999-01-01T00:00:00Z",
            },
            "that it is valid now: it is from 9998-01-01T00:00:00Z on",
        ),
    ],
)
def test_outside_of_its_validity(
    run: Run, write: Write, keys: Path, changes: dict[str, str], named: str
) -> None:
    from underseal_protocol.draft import make_draft

    shown = published(make_draft(DRAFT.document | changes, issuer=OWNER), None)
    done = run("verify", write(shown, "footprint.json"), "--keys", keys)
    assert done.status == 0, done.err
    assert named in done.out.partition("Not proved:")[2]
