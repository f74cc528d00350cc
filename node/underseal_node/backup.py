"""Backing a node up into one file, and restoring it into an empty home.

The archive is a gzipped tar. Its first entry, `manifest.json`, names every other entry with its
size and SHA-256: the database as one consistent snapshot, the settings, the certificates. The
snapshot is a SQLite file, also of a node on PostgreSQL, whatever version that has. Private
keys in the database stay encrypted under the master key, which is left out unless a passphrase is
given; then the master key and TLS private keys are in `secrets.sealed`, encrypted under it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from underseal_node.clock import Clock, utc_now
from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.home import Home, sync_directory, write_private
from underseal_node.moving import without_database
from underseal_node.settings import Settings, load_settings
from underseal_node.store import engines
from underseal_node.store.backup import (
    check_database,
    copy_database,
    export_database,
    prepare_restored,
)
from underseal_node.store.migrate import refuse_unknown
from underseal_node.store.types import utc_text
from underseal_node.trust.master_key import keep_master_key, read_master_key
from underseal_node.trust.passphrase import check_passphrase, open_sealed, seal

__all__ = ["Restored", "create_backup", "needs_passphrase", "restore_backup"]

FORMAT = 1
MANIFEST = "manifest.json"
SEALED = "secrets.sealed"
MASTER_KEY = "master.key"
PRIVATE_KEY_MARK = b"PRIVATE KEY-----"

MAX_MANIFEST_BYTES = 1024 * 1024
MAX_FILES = 1000
CHUNK_BYTES = 1024 * 1024
MIN_PASSPHRASE_CHARACTERS = 8

# Every name that an archive may hold; nothing else is ever written.
FILE_NAME = re.compile(
    r"underseal\.(?:db|toml)|secrets\.sealed|tls/[^./\\\x00-\x1f][^/\\\x00-\x1f]*"
)


@dataclass(frozen=True)
class Restored:
    """What a restored node has, and what it lacks.

    Attributes:
        created_at: when the backup was made, UTC text.
        paused_events: outgoing events that wait for the operator instead of being sent again.
        has_master_key: otherwise the master key has to be put in place before the node can run.
    """

    created_at: str
    paused_events: int
    has_master_key: bool


def create_backup(
    home: Home, settings: Settings, destination: Path, *, now: datetime, passphrase: str | None
) -> None:
    """Write a backup of a node, which may be running.

    Args:
        home: of the node.
        settings: in force.
        destination: the archive; it appears whole or not at all, readable by its owner only.
        now: aware; goes into the manifest.
        passphrase: with it the archive holds the master key and TLS private keys, encrypted.

    Raises:
        RefusedError: the passphrase is short, the disk is full, or the database cannot be read.
        ConfigurationError: the master key is wanted and cannot be read.
    """
    if passphrase is not None:
        check_passphrase(passphrase)  # before the work, not after it
    try:
        with tempfile.TemporaryDirectory(dir=home.backups, prefix=".backup-") as directory:
            snapshot = Path(directory) / home.database.name
            _snapshot(home, settings, snapshot)
            files = {
                home.database.name: snapshot,
                home.config_file.name: _config(home, Path(directory)),
                **_certificates(home),
            }
            if passphrase is not None:
                sealed = Path(directory) / SEALED
                sealed.write_bytes(_seal(_secret_files(home, settings), passphrase))
                files[SEALED] = sealed
            _write_archive(destination, files, utc_text(now), check_database(snapshot))
    except OSError as error:
        raise RefusedError(
            f"the backup {destination} cannot be written: {error.strerror or error}",
            hint="Check the free space and the permissions; nothing was left behind.",
        ) from error


def needs_passphrase(archive: Path) -> bool:
    """Whether a backup was made with the key, so that restoring asks for the passphrase.

    Raises:
        RefusedError: the file is not a backup.
    """
    with _reading(archive) as tar:
        manifest = _read_manifest(tar, archive)
    return any(entry["name"] == SEALED for entry in manifest["files"])


def restore_backup(
    archive: Path, home: Home, *, passphrase: str | None = None, clock: Clock = utc_now
) -> Restored:
    """Restore a backup into a home that is absent or empty.

    Everything is written and checked beside the home and then renamed, so that the home is complete
    or untouched. Outgoing events that were waiting are paused.

    Args:
        archive: what `create_backup` wrote.
        home: where to.
        passphrase: of a backup with the key.
        clock: what time it is.

    Raises:
        RefusedError: the home is not empty; the archive is damaged, not complete, from a newer
            version or has entries it must not have; the passphrase is wrong or missing.
        ConfigurationError: the schema is newer than this version.
    """
    _require_empty(home.path)
    try:
        with _staging(home.path) as staging:
            manifest = _extract(archive, staging)
            staged = Home(staging)
            staged.make_directories()
            has_key = _unseal_into(staged, home, passphrase)
            refuse_unknown(check_database(staged.database))
            paused = prepare_restored(staged.database, str(manifest["createdAt"]), clock())
            staged.new_operator_token()
            sync_directory(staging)
            staging.rename(home.path)
            sync_directory(home.path.parent)
    except OSError as error:
        raise RefusedError(
            f"the backup cannot be restored into {home.path}: {error.strerror or error}",
            hint="Check the free space and the permissions; nothing was left behind.",
        ) from error
    return Restored(str(manifest["createdAt"]), paused, has_key)


def _snapshot(home: Home, settings: Settings, destination: Path) -> None:
    """Write the whole database as it is at this moment into a SQLite file, wherever it is."""
    url = engines.database_url(settings, home)
    if url.get_backend_name() == "sqlite":
        copy_database(Path(str(url.database)).absolute(), destination)
        return
    reader = engines.make_engine(url, settings, read_only=True)
    try:
        export_database(reader, destination)
    finally:
        reader.dispose()


def _config(home: Home, directory: Path) -> Path:
    """The settings as they go into a backup: what is restored is in its home, as a SQLite file."""
    text = home.config_file.read_text(encoding="utf-8")
    copy = directory / home.config_file.name
    copy.write_text(without_database(text, home.config_file), encoding="utf-8")
    return copy


def _certificates(home: Home) -> dict[str, Path]:
    files = {}
    for file in _tls_files(home):
        if PRIVATE_KEY_MARK not in file.read_bytes():
            files[f"tls/{file.name}"] = file
    return files


def _secret_files(home: Home, settings: Settings) -> dict[str, bytes]:
    files = {MASTER_KEY: read_master_key(home, settings)}
    for file in _tls_files(home):
        content = file.read_bytes()
        if PRIVATE_KEY_MARK in content:
            files[f"tls/{file.name}"] = content
    return files


def _tls_files(home: Home) -> list[Path]:
    candidates = sorted(home.tls.iterdir()) if home.tls.is_dir() else []
    return [file for file in candidates if file.is_file() and not file.name.startswith(".")]


def _write_archive(
    destination: Path, files: dict[str, Path], created_at: str, revision: str
) -> None:
    entries: list[dict[str, Any]] = [
        {"name": name, "bytes": file.stat().st_size, "sha256": _sha256_of(file)}
        for name, file in files.items()
    ]
    manifest = {"format": FORMAT, "createdAt": created_at, "schema": revision, "files": entries}
    descriptor, name = tempfile.mkstemp(dir=destination.parent, prefix=f".{destination.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w:gz") as tar:
                document = json.dumps(manifest, indent=1).encode()
                _add(tar, MANIFEST, io.BytesIO(document), len(document))
                for entry in entries:
                    with files[entry["name"]].open("rb") as content:
                        _add(tar, entry["name"], content, entry["bytes"])
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(destination)
        sync_directory(destination.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    tar.addfile(member, content)


def _sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _require_empty(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RefusedError(
            f"{path} is not empty",
            hint="Restore into a new directory with --home; this one stays as it is.",
        )


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """A private directory beside the home; gone afterwards unless it was renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.restoring-"))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _reading(archive: Path) -> Iterator[tarfile.TarFile]:
    """An archive whose damage is reported as such."""
    try:
        with tarfile.open(archive, "r|gz") as tar:
            yield tar
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(archive, f"it cannot be read to its end ({error})") from error
    except FileNotFoundError as error:
        if error.filename not in (archive, str(archive)):
            raise
        raise RefusedError(f"there is no backup {archive}") from error


def _damaged(archive: Path, reason: str) -> RefusedError:
    return RefusedError(
        f"{archive} is not a complete backup: {reason}",
        hint="Use another copy of the backup; nothing was restored.",
    )


def _read_manifest(tar: tarfile.TarFile, archive: Path) -> dict[str, Any]:
    member = tar.next()
    if member is None or member.name != MANIFEST or not member.isreg():
        raise _damaged(archive, f"it does not begin with {MANIFEST}")
    if member.size > MAX_MANIFEST_BYTES:
        raise _damaged(archive, f"{MANIFEST} is larger than {MAX_MANIFEST_BYTES} bytes")
    content = tar.extractfile(member)
    try:
        manifest = json.loads(content.read() if content else b"")
        version, files = manifest["format"], manifest["files"]
        named = {str(entry["name"]) for entry in files}
        sizes = [int(entry["bytes"]) for entry in files]
        complete = all(isinstance(entry["sha256"], str) for entry in files)
        str(manifest["createdAt"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise _damaged(archive, f"{MANIFEST} is malformed") from error
    if version != FORMAT:
        raise RefusedError(
            f"{archive} has the backup format {version!r}, this version reads {FORMAT}",
            hint="Restore it with the version of Underseal that made it, or a newer one.",
        )
    if len(named) != len(sizes) or len(sizes) > MAX_FILES or min(sizes, default=-1) < 0:
        raise _damaged(archive, f"{MANIFEST} lists files twice, too many or none")
    for name in named:
        if not FILE_NAME.fullmatch(name):
            raise _damaged(archive, f"an entry {name!r} has no place in a backup")
    if not complete or not {"underseal.db", "underseal.toml"} <= named:
        raise _damaged(archive, f"{MANIFEST} does not list the database and the settings")
    return dict(manifest)


def _extract(archive: Path, staging: Path) -> dict[str, Any]:
    """Write every listed entry, and refuse any that is missing, changed or not listed."""
    (staging / "tls").mkdir(mode=0o700)
    with _reading(archive) as tar:
        manifest = _read_manifest(tar, archive)
        expected = {str(entry["name"]): entry for entry in manifest["files"]}
        for member in tar:
            if member.name == MANIFEST and member.offset == 0:
                continue
            entry = expected.pop(member.name, None)
            if entry is None or not member.isreg():
                raise _damaged(archive, f"the entry {member.name!r} is not in its manifest")
            if member.size != entry["bytes"]:
                raise _damaged(archive, f"the entry {member.name!r} has another size")
            content = tar.extractfile(member)
            if content is None or _write_entry(content, staging / member.name) != entry["sha256"]:
                raise _damaged(archive, f"the entry {member.name!r} has been changed")
    if expected:
        raise _damaged(archive, f"{min(expected)!r} is missing")
    return manifest


def _write_entry(content: IO[bytes], file: Path) -> str:
    """Write one entry and return its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()


def _unseal_into(staged: Home, home: Home, passphrase: str | None) -> bool:
    """Put the secrets of a backup with the key in their places; whether the node has its key."""
    sealed = staged.path / SEALED
    if not sealed.exists():
        return _has_key_elsewhere(staged, home)
    if passphrase is None:
        raise RefusedError(
            "this backup holds the encryption key of the node, protected by a passphrase",
            hint="Give the passphrase that was chosen when the backup was made.",
        )
    files = _unseal(sealed.read_bytes(), passphrase)
    sealed.unlink()
    keep_master_key(home, load_settings(staged), files.pop(MASTER_KEY), written=staged)
    for name, content in files.items():
        if not FILE_NAME.fullmatch(name) or not name.startswith("tls/"):
            raise RefusedError(f"a secret {name!r} has no place in a backup")
        write_private(staged.path / name, content)
    return True


def _has_key_elsewhere(staged: Home, home: Home) -> bool:
    """Whether a key is where the settings of the node, and the environment, say."""
    try:
        read_master_key(home, load_settings(staged))
    except ConfigurationError:
        return False
    return True


def _seal(files: dict[str, bytes], passphrase: str) -> bytes:
    document = {name: base64.b64encode(content).decode() for name, content in files.items()}
    return seal(json.dumps(document).encode(), passphrase)


def _unseal(sealed: bytes, passphrase: str) -> dict[str, bytes]:
    document: dict[str, str] = json.loads(open_sealed(sealed, passphrase))
    return {name: base64.b64decode(content) for name, content in document.items()}
