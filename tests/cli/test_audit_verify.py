"""`underseal audit verify --log`: an exported log, checked without a node."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.protocol.exported_log import NOW, ExportedLog

from underseal_protocol.key_log import first_entry, next_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

Fulfils = Callable[[Any, str], None]
IDENTITY, RECOVERY, FOOTPRINT = (
    SigningKey.generate(purpose)
    for purpose in (KeyPurpose.IDENTITY, KeyPurpose.RECOVERY, KeyPurpose.FOOTPRINT)
)


@pytest.fixture
def log() -> ExportedLog:
    return ExportedLog().grow(3).grow(2)


@pytest.fixture
def file(tmp_path: Path, log: ExportedLog) -> Path:
    return written(tmp_path / "log.jsonl", log.lines())


@pytest.fixture
def keys(tmp_path: Path, log: ExportedLog) -> Path:
    return jwks(tmp_path / "keys.json", *log.keys)


def written(file: Path, lines: list[bytes]) -> Path:
    file.write_bytes(b"".join(lines))
    return file


def jwks(file: Path, *keys: Any) -> Path:
    file.write_text(json.dumps(PublicKeySet(list(keys)).to_jwks()), encoding="utf-8")
    return file


def key_log(file: Path, log: ExportedLog, revoked: SigningKey | None = None) -> Path:
    """Of the node, with the key that it had at first and perhaps the revocation of it."""
    first, *_ = log.keys
    common = [IDENTITY.public_key()]
    entries = [
        first_entry(
            url=log.url,
            keys=PublicKeySet([*common, first]),
            recovery=RECOVERY.public_key(),
            key=IDENTITY,
            issued_at=NOW,
        )
    ]
    if revoked is not None:
        left = [key for key in log.keys if key.kid != revoked.kid]
        since = {revoked.kid: NOW - timedelta(days=1)}
        entries.append(
            next_entry(
                entries[0],
                key=RECOVERY,
                issued_at=NOW,
                keys=PublicKeySet([*common, *left]),
                revoked=since,
            )
        )
    file.write_text(json.dumps([one.token for one in entries]), encoding="utf-8")
    return file


def test_what_was_compared_is_said_and_what_is_open(
    run: Run, log: ExportedLog, file: Path, keys: Path, fulfils: Fulfils
) -> None:
    done = run("audit", "verify", "--log", file, "--keys", keys, "--url", log.url)
    assert done.status == 0, done.err
    sound, _, unproved = done.out.partition("Not proved:")
    assert "5 entries of https://seller.example, checked against 2 signed heads." in sound
    assert "since the newest head was signed, on 2026-03-01T12:00:00Z" in sound
    assert "cut off" not in sound
    assert "whose log" not in unproved
    assert "did not go on after entry 5" in unproved
    result = run("audit", "verify", "--log", file, "--keys", keys, "--json").json
    fulfils(result, "audit-check")
    assert (result["isSound"], result["keysFrom"], result["url"]) == (True, "given", log.url)


def test_keys_of_the_log_prove_nothing_of_whose_it_is(
    run: Run, file: Path, fulfils: Fulfils
) -> None:
    done = run("audit", "verify", "--log", file)
    assert done.status == 0
    assert "  - whose log this is: no keys were given" in done.out.partition("Not proved:")[2]
    result = run("audit", "verify", "--log", file, "--json").json
    fulfils(result, "audit-check")
    assert (result["keysFrom"], len(result["notProved"])) == ("log", 3)


@pytest.mark.parametrize("kept", [2, 0])
@pytest.mark.parametrize("with_keys", [True, False])
def test_a_log_without_heads_fails(
    run: Run, log: ExportedLog, tmp_path: Path, keys: Path, fulfils: Fulfils, kept: int, *,
    with_keys: bool
) -> None:  # fmt: skip
    cut = written(tmp_path / "cut.jsonl", [log.lines()[0], *log.entries[:kept]])
    options = ("--keys", keys) if with_keys else ()
    done = run("audit", "verify", "--log", cut, *options)
    assert done.status == 1
    assert "unsigned: " in done.out
    assert "None of these entries" not in done.out
    assert "not the one that was signed" in done.err
    result = run("audit", "verify", "--log", cut, *options, "--json").json
    fulfils(result, "audit-check")
    assert result["isSound"] is False


@pytest.mark.parametrize("content", ['{"keys": []}', "[]", "", "{}", "null"])
def test_a_file_without_keys_is_no_file_of_keys(
    run: Run, file: Path, tmp_path: Path, content: str
) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text(content, encoding="utf-8")
    done = run("audit", "verify", "--log", file, "--keys", empty)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"Error: {empty}: ")


def test_keys_for_something_else_are_useless(run: Run, file: Path, tmp_path: Path) -> None:
    other = jwks(tmp_path / "other.json", FOOTPRINT.public_key())
    done = run("audit", "verify", "--log", file, "--keys", other)
    assert (done.status, done.out) == (1, "")
    assert "no key in it that signs audit logs" in done.err


def test_a_log_of_another_node_fails(run: Run, log: ExportedLog, tmp_path: Path) -> None:
    other = ExportedLog("https://buyer.example").grow(4)
    swapped = written(tmp_path / "swapped.jsonl", other.lines())
    held = tmp_path / "held.jsonl"
    held.write_text(log.held() + "\n", encoding="utf-8")
    done = run("audit", "verify", "--log", swapped, "--with-receipts", held)
    assert done.status == 1
    assert "other-log: nothing of what others hold is about this log" in done.out
    done = run("audit", "verify", "--log", swapped, "--url", log.url)
    assert done.status == 1
    assert "other-log: no head is signed as 'https://seller.example'" in done.out
    held.write_text(" \n", encoding="utf-8")
    done = run("audit", "verify", "--log", swapped, "--with-receipts", held)
    assert (done.status, done.out) == (1, "")
    assert "holds no receipt and no acknowledgement" in done.err


def test_a_key_log_knows_the_keys_that_were_revoked(
    run: Run, log: ExportedLog, tmp_path: Path
) -> None:
    before = log.rotate()
    file = written(tmp_path / "log.jsonl", log.grow(2).lines())
    known = key_log(tmp_path / "key-log.json", log, revoked=before)
    done = run("audit", "verify", "--log", file, "--keys", known)
    assert done.status == 0, done.out
    assert f"  - anything against whoever had the key {before.kid}, which is revoked" in done.out
    assert "2 of the heads" in done.out
    now = jwks(tmp_path / "now.json", log.key.public_key())
    done = run("audit", "verify", "--log", file, "--keys", now)
    assert done.status == 1
    assert "unknown-signature" in done.out
    assert "A key log as --keys knows the keys that were revoked" in done.err


def test_a_key_log_without_revocations_is_a_set_of_keys(
    run: Run, log: ExportedLog, file: Path, tmp_path: Path
) -> None:
    done = run("audit", "verify", "--log", file, "--keys", key_log(tmp_path / "k.json", log))
    assert done.status == 0, done.out
    assert "revoked" not in done.out


@pytest.mark.parametrize("option", ["--keys", "--url"])
def test_options_for_a_file_need_one(run: Run, option: str) -> None:
    done = run("audit", "verify", option, "https://seller.example")
    assert done.status == 2
    assert "--keys and --url go with --log" in done.err


def forged(line: str) -> str:
    statement = json.loads(line)
    signature = statement["token"].rpartition(".")[0]
    return json.dumps(statement | {"token": f"{signature}.{'A' * 86}"})


def test_statements_that_fail_alone_do_not_blame_the_log(
    run: Run, log: ExportedLog, file: Path, tmp_path: Path, fulfils: Fulfils
) -> None:
    held = tmp_path / "held.jsonl"
    foreign = ExportedLog("https://buyer.example").grow(4).held()
    for line, kind in ((forged(log.held()), "unknown-signature"), (foreign, "other-log")):
        held.write_text(line + "\n", encoding="utf-8")
        done = run("audit", "verify", "--log", file, "--with-receipts", held)
        assert done.status == 1
        assert f"{kind}: " in done.out
        assert f"what is wrong is {held}" in done.err
        assert "not the one that was signed" not in done.err
        told = run("audit", "verify", "--log", file, "--with-receipts", held, "--json").json
        fulfils(told, "audit-check")
        assert (told["isSound"], told["isLogSound"]) == (False, True)
    # With something wrong in the log itself, it is the log.
    cut = written(tmp_path / "cut.jsonl", log.lines()[:-1])
    held.write_text(forged(log.held()) + "\n", encoding="utf-8")
    done = run("audit", "verify", "--log", cut, "--with-receipts", held)
    assert "not the one that was signed" in done.err


@pytest.mark.parametrize(
    ("content", "named"), [("{}\n", "line 1 is no"), ("\n[", "line 2: "), ("\xff", "UTF-8")]
)
def test_a_file_that_cannot_be_read_is_named(
    run: Run, file: Path, tmp_path: Path, content: str, named: str
) -> None:
    held = tmp_path / "held.jsonl"
    held.write_bytes(content.encode("latin-1"))
    done = run("audit", "verify", "--log", file, "--with-receipts", held)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"Error: {held}")
    assert named in done.err
    done = run("audit", "verify", "--log", held)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"Error: {held}: ")
