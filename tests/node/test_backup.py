"""Backups: complete or refused, without the key unless asked for, restored whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import text

from underseal_node.backup import create_backup, needs_passphrase, restore_backup
from underseal_node.clock import Clock
from underseal_node.errors import ConfigurationError, NodeError, RefusedError
from underseal_node.home import Home
from underseal_node.node import Node, open_node
from underseal_node.settings import Settings, load_settings
from underseal_node.store.backup import CHANGE_NUMBERS_SKIPPED, copy_database
from underseal_node.store.database import next_change
from underseal_node.store.exchange_tables import OutboxEvent, OutboxState
from underseal_node.store.tables import Peer
from underseal_node.trust import passphrase as passphrases
from underseal_node.trust.keyring import VAULT_PURPOSE

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters are checked by their own test; here they would only cost time."""
    monkeypatch.setattr(passphrases, "SCRYPT_N", 2**4)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "node.backup"


@pytest.fixture
def target(tmp_path: Path) -> Home:
    return Home(tmp_path / "restored")


@pytest.fixture
def full_node(node: Node) -> Node:
    """A node with events in its outbox, settings and a certificate of its own."""
    node.store.write_sync(lambda session: add_events(session, node.clock))
    node.home.config_file.write_text('requests_answer = "manual"\n')
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(node.home.tls / "node key.pem")
    certificate.cert_chain_pems[0].write_to_path(node.home.tls / "node.pem")
    return node


def add_events(session: Any, clock: Clock) -> None:
    now = clock()
    session.add(Peer(id=1, name="Cell Works", created_at=now))
    session.flush()
    for number, state in enumerate(OutboxState):
        session.add(
            OutboxEvent(
                event_id=f"event-{number}",
                peer_id=1,
                type="t",
                body=b"{}",
                state=state,
                created_at=now,
                next_attempt_at=now,
                give_up_at=now + timedelta(hours=72),
            )
        )
    next_change(session)


def back_up(node: Node, archive: Path, passphrase: str | None = None) -> None:
    create_backup(node.home, node.settings, archive, now=node.now(), passphrase=passphrase)


def states(node: Node) -> dict[str, str]:
    def read(session: Any) -> dict[str, str]:
        return {
            event.event_id: event.state
            for number in range(len(OutboxState))
            if (event := session.get(OutboxEvent, number + 1))
        }

    return node.store.read_sync(read)


def names_in(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


def test_a_backup_with_the_key_restores_a_node_that_runs(
    full_node: Node, archive: Path, target: Home, clock: Clock
) -> None:
    back_up(full_node, archive, PASSPHRASE)
    assert needs_passphrase(archive)
    restored = restore_backup(archive, target, passphrase=PASSPHRASE)
    assert restored.has_master_key
    assert restored.created_at == "2026-03-01T12:00:00.000000Z"

    node = open_node(target.path, clock=clock)
    for purpose in VAULT_PURPOSE:
        assert node.signing_key(purpose).kid == full_node.signing_key(purpose).kid
    assert node.identity == full_node.identity
    assert load_settings(target).requests_answer == "manual"
    for file in ("node key.pem", "node.pem"):
        assert (target.tls / file).read_bytes() == (full_node.home.tls / file).read_bytes()
    node.close()


def test_a_backup_without_the_key_holds_no_private_key(full_node: Node, archive: Path) -> None:
    back_up(full_node, archive)
    assert not needs_passphrase(archive)
    assert names_in(archive) == ["manifest.json", "underseal.db", "underseal.toml", "tls/node.pem"]
    key = full_node.home.master_key_file.read_bytes().strip()
    token = full_node.home.operator_token().encode()
    tls_key = (full_node.home.tls / "node key.pem").read_bytes().splitlines()[1]
    content = gzip.decompress(archive.read_bytes())
    assert b"node_identity" in content
    for secret in (key, token, tls_key, b"PRIVATE KEY"):
        assert secret not in content


def test_a_backup_with_the_key_holds_it_encrypted(full_node: Node, archive: Path) -> None:
    back_up(full_node, archive, PASSPHRASE)
    content = gzip.decompress(archive.read_bytes())
    assert full_node.home.master_key_file.read_bytes().strip() not in content
    assert b"PRIVATE KEY" not in content
    assert PASSPHRASE.encode() not in content


def test_a_backup_without_the_key_runs_once_the_key_is_put_back(
    full_node: Node, archive: Path, target: Home, clock: Clock
) -> None:
    back_up(full_node, archive)
    assert not restore_backup(archive, target).has_master_key
    with pytest.raises(ConfigurationError, match="master key") as caught:
        open_node(target.path, clock=clock)
    assert "Put the key" in str(caught.value.hint)
    target.master_key_file.write_bytes(full_node.home.master_key_file.read_bytes())
    target.master_key_file.chmod(0o600)
    open_node(target.path, clock=clock).close()


def test_restored_events_wait_for_the_operator(
    full_node: Node, archive: Path, target: Home, clock: Clock
) -> None:
    before = states(full_node)
    back_up(full_node, archive, PASSPHRASE)
    restored = restore_backup(archive, target, passphrase=PASSPHRASE)
    assert restored.paused_events == 1
    node = open_node(target.path, clock=clock)
    expected = {
        event: OutboxState.PAUSED if state == OutboxState.PENDING else state
        for event, state in before.items()
    }
    assert states(node) == expected
    assert OutboxState.PENDING in before.values()
    node.close()
    assert states(full_node) == before


def test_change_numbers_given_after_the_backup_are_not_given_again(
    full_node: Node, archive: Path, target: Home, clock: Clock
) -> None:
    back_up(full_node, archive, PASSPHRASE)
    seen_by_a_peer = [full_node.store.write_sync(next_change) for _ in range(5)][-1]
    restore_backup(archive, target, passphrase=PASSPHRASE)
    node = open_node(target.path, clock=clock)
    after = node.store.write_sync(next_change)
    assert after > seen_by_a_peer
    assert after > CHANGE_NUMBERS_SKIPPED
    node.close()


@pytest.mark.sqlite("it gives ids to what has one already")
def test_ids_of_peers_given_after_the_backup_are_not_given_again(
    full_node: Node, archive: Path, target: Home, clock: Clock
) -> None:
    def add(session: Any) -> int:
        peer = Peer(name="Later", created_at=clock())
        session.add(peer)
        session.flush()
        return peer.id or 0

    back_up(full_node, archive, PASSPHRASE)
    known_elsewhere = full_node.store.write_sync(add)
    restore_backup(archive, target, passphrase=PASSPHRASE)
    node = open_node(target.path, clock=clock)
    assert node.store.write_sync(add) > known_elsewhere
    node.close()


def test_the_operator_token_is_a_new_one(full_node: Node, archive: Path, target: Home) -> None:
    back_up(full_node, archive, PASSPHRASE)
    restore_backup(archive, target, passphrase=PASSPHRASE)
    assert target.operator_token() != full_node.home.operator_token()


def test_what_is_written_is_private(full_node: Node, archive: Path, target: Home) -> None:
    previous = os.umask(0)
    try:
        back_up(full_node, archive, PASSPHRASE)
        restore_backup(archive, target, passphrase=PASSPHRASE)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.path.stat().st_mode) == 0o700
    for path in target.path.rglob("*"):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_nothing_is_left_beside_the_archive_and_the_home(
    full_node: Node, archive: Path, target: Home
) -> None:
    back_up(full_node, archive, PASSPHRASE)
    restore_backup(archive, target, passphrase=PASSPHRASE)
    assert {path.name for path in archive.parent.iterdir()} == {
        "home", "node.backup", "restored",
    }  # fmt: skip
    assert list(full_node.home.backups.iterdir()) == []
    assert not (target.path / "secrets.sealed").exists()


@pytest.mark.sqlite("how its file is copied; for the other: test_backup_postgresql")
def test_a_backup_during_writes_is_one_snapshot(
    full_node: Node, archive: Path, target: Home, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    def copy_while_writing(source: Path, destination: Path) -> None:
        full_node.store.write_sync(next_change)
        copy_database(source, destination)
        full_node.store.write_sync(next_change)

    monkeypatch.setattr("underseal_node.backup.copy_database", copy_while_writing)
    back_up(full_node, archive, PASSPHRASE)
    restore_backup(archive, target, passphrase=PASSPHRASE)
    node = open_node(target.path, clock=clock)
    assert node.store.write_sync(next_change) == 2 + CHANGE_NUMBERS_SKIPPED + 1
    node.close()


@pytest.mark.parametrize("given", [None, "", "correct horse batter", PASSPHRASE + " "])
def test_another_passphrase_restores_nothing(
    full_node: Node, archive: Path, target: Home, given: str | None
) -> None:
    back_up(full_node, archive, PASSPHRASE)
    with pytest.raises(RefusedError, match="passphrase") as caught:
        restore_backup(archive, target, passphrase=given)
    assert PASSPHRASE not in caught.value.diagnosis()
    nothing_was_restored(target)


def test_a_short_passphrase_is_refused_before_anything_is_written(
    full_node: Node, archive: Path
) -> None:
    with pytest.raises(RefusedError, match="shorter than 8"):
        back_up(full_node, archive, "1234567")
    assert not archive.exists()


def nothing_was_restored(target: Home) -> None:
    assert not target.path.exists()
    leftovers = [path for path in target.path.parent.iterdir() if path.name.startswith(".")]
    assert leftovers == []


def test_a_truncated_archive_restores_nothing(full_node: Node, archive: Path, target: Home) -> None:
    back_up(full_node, archive)
    content = archive.read_bytes()
    for length in (0, 1, 20, 600, len(content) // 2, len(content) - 9000):
        archive.write_bytes(content[: max(length, 0)])
        with pytest.raises(RefusedError, match="not a complete backup"):
            restore_backup(archive, target)
        nothing_was_restored(target)
    archive.write_bytes(content)
    restore_backup(archive, target)


def test_any_flipped_byte_restores_nothing_or_all(
    full_node: Node, archive: Path, target: Home
) -> None:
    """Bytes of the headers that mean nothing (such as a time) may change; contents may not."""
    back_up(full_node, archive)
    content = archive.read_bytes()
    refused = 0
    for position in range(0, len(content), len(content) // 40):
        changed = bytearray(content)
        changed[position] ^= 0x10
        archive.write_bytes(changed)
        try:
            restore_backup(archive, target)
        except RefusedError:
            nothing_was_restored(target)
            refused += 1
        else:
            target.path.rename(target.path.parent / f"restored-{position}")
    assert refused > 30


@pytest.mark.parametrize(
    "content", [b"", b"not an archive", b"PK\x03\x04", gzip.compress(b"text", mtime=0)]
)
def test_another_file_is_no_backup(archive: Path, target: Home, content: bytes) -> None:
    archive.write_bytes(content)
    with pytest.raises(RefusedError, match="not a complete backup"):
        restore_backup(archive, target)
    with pytest.raises(RefusedError, match="not a complete backup"):
        needs_passphrase(archive)
    nothing_was_restored(target)


def test_a_missing_archive_is_named(archive: Path, target: Home) -> None:
    with pytest.raises(RefusedError, match=r"there is no backup .*node\.backup"):
        restore_backup(archive, target)
    nothing_was_restored(target)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir])
def test_a_home_that_is_not_empty_is_left_alone(
    full_node: Node, archive: Path, target: Home, make: Callable[[Path], None]
) -> None:
    back_up(full_node, archive)
    target.path.mkdir()
    make(target.path / "something")
    with pytest.raises(RefusedError, match="is not empty"):
        restore_backup(archive, target)
    assert [path.name for path in target.path.iterdir()] == ["something"]


def test_an_empty_directory_is_restored_into(full_node: Node, archive: Path, target: Home) -> None:
    back_up(full_node, archive)
    target.path.mkdir()
    restore_backup(archive, target)
    assert target.exists


Entry = tuple[tarfile.TarInfo, bytes]


def rewrite(archive: Path, change: Callable[[dict[str, Any], list[Entry]], None]) -> None:
    """Change an archive the way somebody would who also corrects the manifest."""
    with tarfile.open(archive) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
    manifest = json.loads(members[0][1])
    entries = members[1:]
    change(manifest, entries)
    document = json.dumps(manifest).encode()
    first = tarfile.TarInfo("manifest.json")
    first.size = len(document)
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(first, io.BytesIO(document))
        for member, content in entries:
            tar.addfile(member, io.BytesIO(content))


def add_entry(
    name: str, *, listed: bool = True, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> Callable[[dict[str, Any], list[Entry]], None]:
    def change(manifest: dict[str, Any], entries: list[Entry]) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        content = b"" if link else b"attack"
        member.size = len(content)
        entries.append((member, content))
        if listed:
            digest = hashlib.sha256(content).hexdigest()
            manifest["files"].append({"name": name, "bytes": len(content), "sha256": digest})

    return change


def drop_database(_manifest: dict[str, Any], entries: list[Entry]) -> None:
    entries[:] = [entry for entry in entries if entry[0].name != "underseal.db"]


def drop_database_and_its_line(manifest: dict[str, Any], entries: list[Entry]) -> None:
    drop_database(manifest, entries)
    manifest["files"] = [file for file in manifest["files"] if file["name"] != "underseal.db"]


def change_content(_manifest: dict[str, Any], entries: list[Entry]) -> None:
    member, content = entries[1]
    entries[1] = (member, content[:-1] + b"#")


def change_size(manifest: dict[str, Any], _entries: list[Entry]) -> None:
    manifest["files"][1]["bytes"] += 1


def repeat_entry(_manifest: dict[str, Any], entries: list[Entry]) -> None:
    entries.append(entries[1])


def repeat_line(manifest: dict[str, Any], _entries: list[Entry]) -> None:
    manifest["files"].append(manifest["files"][0])


def replace_database(manifest: dict[str, Any], entries: list[Entry]) -> None:
    content = b"SQLite format 3\0" + b"garbage" * 1000
    entries[0][0].size = len(content)
    entries[0] = (entries[0][0], content)
    manifest["files"][0] |= {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


@pytest.mark.parametrize(
    "change",
    [
        add_entry("../escaped"),
        add_entry("tls/../../escaped"),
        add_entry("tls/../escaped"),
        add_entry("/tmp/escaped"),
        add_entry("tls/.hidden"),
        add_entry("tls/a/b"),
        add_entry("tls\\..\\escaped"),
        add_entry("tls/a\x07"),
        add_entry("secrets/operator.token"),
        add_entry("run/node.json"),
        add_entry("escaped", listed=False),
        add_entry("tls/unlisted.pem", listed=False),
        add_entry("tls/link", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        add_entry("tls/link", kind=tarfile.LNKTYPE, link="underseal.toml"),
        add_entry("tls/device", kind=tarfile.CHRTYPE, link=" "),
        drop_database,
        drop_database_and_its_line,
        change_content,
        change_size,
        repeat_entry,
        repeat_line,
        replace_database,
        lambda manifest, _entries: manifest.update(format=2),
        lambda manifest, _entries: manifest.update(files=[]),
        lambda manifest, _entries: manifest.update(files={"name": 1}),
        lambda manifest, _entries: manifest.pop("createdAt"),
    ],
)
def test_an_archive_with_anything_else_in_it_restores_nothing(
    full_node: Node,
    archive: Path,
    target: Home,
    change: Callable[[dict[str, Any], list[Entry]], None],
) -> None:
    back_up(full_node, archive)
    rewrite(archive, change)
    with pytest.raises(RefusedError):
        restore_backup(archive, target)
    nothing_was_restored(target)
    assert not (target.path.parent / "escaped").exists()
    assert not Path("/tmp/escaped").exists()


def test_the_control_for_changed_archives_is_restored(
    full_node: Node, archive: Path, target: Home
) -> None:
    back_up(full_node, archive)
    rewrite(archive, add_entry("tls/other.pem"))
    restore_backup(archive, target)
    assert (target.tls / "other.pem").read_bytes() == b"attack"


@pytest.mark.sqlite("the other refuses to be copied then")
def test_the_backup_of_a_newer_version_is_refused(
    full_node: Node, archive: Path, target: Home
) -> None:
    full_node.store.write_sync(
        lambda session: session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )
    back_up(full_node, archive)
    with pytest.raises(NodeError, match="schema 9999"):
        restore_backup(archive, target)
    nothing_was_restored(target)


def no_space(*_arguments: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_the_previous_backup(
    full_node: Node, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(full_node, archive)
    previous = archive.read_bytes()
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(RefusedError, match="No space left on device"):
        back_up(full_node, archive, PASSPHRASE)
    assert archive.read_bytes() == previous
    assert {path.name for path in archive.parent.iterdir()} == {"home", "node.backup"}
    assert list(full_node.home.backups.iterdir()) == []


def test_a_full_disk_restores_nothing(
    full_node: Node, archive: Path, target: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(full_node, archive)
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(RefusedError, match="No space left on device"):
        restore_backup(archive, target)
    nothing_was_restored(target)


def test_a_postgresql_that_does_not_answer_leaves_nothing_behind(
    home: Home, archive: Path, clock: Clock
) -> None:
    settings = load_settings(home, database_url="postgresql://u:canary@127.0.0.1:1/x")
    with pytest.raises(RefusedError, match="cannot be copied") as caught:
        create_backup(home, settings, archive, now=clock(), passphrase=None)
    assert "canary" not in caught.value.diagnosis()
    assert not archive.exists()
    assert list(home.backups.iterdir()) == []


def test_the_key_can_come_from_elsewhere(
    full_node: Node, archive: Path, target: Home, tmp_path: Path, clock: Clock
) -> None:
    elsewhere = tmp_path / "elsewhere.key"
    full_node.home.master_key_file.rename(elsewhere)
    settings = Settings(master_key_file=elsewhere)
    create_backup(full_node.home, settings, archive, now=clock(), passphrase=PASSPHRASE)
    restore_backup(archive, target, passphrase=PASSPHRASE)
    assert target.master_key_file.read_bytes() == elsewhere.read_bytes()
