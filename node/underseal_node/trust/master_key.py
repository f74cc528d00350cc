"""Where the master key is: in a file, in the environment or in the keyring of the system.

In the home it is beside what it encrypts, which protects backups and copies of the database; in one
of the other places it also protects a disk that is lost (docs/adr/0012-master-key-places.md).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from underseal_node.errors import ConfigurationError
from underseal_node.home import Home, write_private
from underseal_node.settings import Settings

__all__ = [
    "KEY_BYTES",
    "MASTER_KEY_VARIABLE",
    "KeyPlace",
    "Place",
    "create_master_key",
    "format_master_key",
    "keep_master_key",
    "parse_master_key",
    "place_of",
    "read_master_key",
]

KEY_BYTES = 32
# Not a setting: settings are written into files, and handed to every process.
MASTER_KEY_VARIABLE = "UNDERSEAL_MASTER_KEY"
KEYRING_SERVICE = "underseal"
NO_KEYRING_HINT = (
    "`keyring diagnose` shows which backend is used. On a server without a desktop session there "
    "may be none: put the key into a file or into the environment then."
)
# Backends are plug-ins, some of them without care for what they raise.
BACKEND_ERRORS = (AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)


class KeyPlace(StrEnum):
    """What kind of place it is."""

    FILE = "file"
    ENVIRONMENT = "environment"
    KEYRING = "keyring"


@dataclass(frozen=True)
class Place:
    """Where a master key is.

    Attributes:
        kind: of place.
        file: of a key that is in a file; `None` otherwise.
        entry: the name of the entry in the keyring.
    """

    kind: KeyPlace
    file: Path | None
    entry: str

    def __str__(self) -> str:
        if self.file is not None:
            return str(self.file)
        if self.kind is KeyPlace.ENVIRONMENT:
            return f"the environment variable {MASTER_KEY_VARIABLE}"
        return f"the entry {self.entry!r} of {KEYRING_SERVICE!r} in the keyring"


def place_of(home: Home, settings: Settings) -> Place:
    """Where the master key of a node is.

    Raises:
        ConfigurationError: two places are named.
    """
    named = {
        f"the environment variable {MASTER_KEY_VARIABLE}": MASTER_KEY_VARIABLE in os.environ,
        "the setting master_key_keyring": settings.master_key_keyring,
        "the setting master_key_file": settings.master_key_file is not None,
    }
    given = [name for name, is_given in named.items() if is_given]
    if len(given) > 1:
        raise ConfigurationError(
            f"the master key is named twice: by {' and by '.join(given)}",
            hint="Leave one of them; a wrong key opens nothing.",
        )
    entry = str(home.path)
    if MASTER_KEY_VARIABLE in os.environ:
        return Place(KeyPlace.ENVIRONMENT, None, entry)
    if settings.master_key_keyring:
        return Place(KeyPlace.KEYRING, None, entry)
    return Place(KeyPlace.FILE, settings.master_key_file or home.master_key_file, entry)


def create_master_key(home: Home, settings: Settings) -> None:
    """Put a fresh master key where none is; one that was put there is taken as it is.

    Raises:
        ConfigurationError: the place cannot be used, or what is there is no master key.
    """
    place = place_of(home, settings)
    if place.file is not None:
        if not place.file.exists():
            write_private(place.file, format_master_key(secrets.token_bytes(KEY_BYTES)))
    elif place.kind is KeyPlace.KEYRING and _from_keyring(place) is None:
        _into_keyring(place, secrets.token_bytes(KEY_BYTES))


def keep_master_key(home: Home, settings: Settings, key: bytes, *, written: Home) -> None:
    """Put the master key of a restored node where its settings say.

    Args:
        home: where the node will be.
        settings: of the restored node.
        key: the 32 bytes.
        written: where its files are at this moment.

    Raises:
        ConfigurationError: there is another key already, or the place cannot be used.
    """
    place = place_of(home, settings)
    file = place.file
    if file is not None and (file == home.master_key_file or not file.exists()):
        inside = file == home.master_key_file
        write_private(written.master_key_file if inside else file, format_master_key(key))
        return
    if place.kind is KeyPlace.KEYRING and _from_keyring(place) is None:
        _into_keyring(place, key)
    if not hmac.compare_digest(_read(place), key):
        raise ConfigurationError(
            f"{place} holds another master key than the backup",
            hint="Take it away, or restore elsewhere; nothing was restored.",
        )


def read_master_key(home: Home, settings: Settings) -> bytes:
    """The 32 bytes of the master key.

    Raises:
        ConfigurationError: it is not where it should be, readable by others, or malformed.
    """
    place = place_of(home, settings)
    key = _read(place)
    if place.file == home.master_key_file and place.file.stat().st_mode & 0o077:
        raise ConfigurationError(
            f"the master key {place} can be read by other users",
            hint=f"Run `chmod 600 {place}`.",
        )
    return key


def format_master_key(key: bytes) -> bytes:
    """The content of a master key file."""
    return base64.b64encode(key) + b"\n"


def parse_master_key(text: bytes, place: object) -> bytes:
    """Decode a master key as it is written in a file, the environment or a keyring.

    Args:
        text: base64.
        place: for the message.

    Raises:
        ConfigurationError: it is not the base64 form of 32 bytes; it is not shown.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{place} is not a master key: {KEY_BYTES} bytes in base64 are expected",
            hint=f"`openssl rand -base64 {KEY_BYTES}` makes one for a new node.",
        )
    return key


def _read(place: Place) -> bytes:
    if place.kind is KeyPlace.ENVIRONMENT:
        return parse_master_key(os.environb[MASTER_KEY_VARIABLE.encode()], place)
    if place.file is None:
        text = _from_keyring(place)
        if text is None:
            raise ConfigurationError(
                f"there is no master key in {place}",
                hint="Unlock the keyring of the user that runs the node, or put the key that "
                "belongs to this database there: `keyring set SERVICE ENTRY`.",
            )
        return parse_master_key(text.encode(), place)
    try:
        return parse_master_key(place.file.read_bytes(), place)
    except OSError as error:
        raise ConfigurationError(
            f"the master key {place} cannot be read: {error.strerror}",
            hint="Put the key that belongs to this database there, or say where it is: with "
            f"UNDERSEAL_MASTER_KEY_FILE, {MASTER_KEY_VARIABLE} or UNDERSEAL_MASTER_KEY_KEYRING.",
        ) from error


def _from_keyring(place: Place) -> str | None:
    with _keyring() as keyring:
        found: str | None = keyring.get_password(KEYRING_SERVICE, place.entry)
    return found


def _into_keyring(place: Place, key: bytes) -> None:
    text = format_master_key(key).decode().strip()
    with _keyring() as keyring:
        keyring.set_password(KEYRING_SERVICE, place.entry, text)
        kept = keyring.get_password(KEYRING_SERVICE, place.entry)
    if kept != text:  # a backend that takes everything and keeps nothing
        raise ConfigurationError("the keyring did not keep the master key", hint=NO_KEYRING_HINT)


@contextmanager
def _keyring() -> Iterator[ModuleType]:
    """The package `keyring`, whose backends fail in ways of their own.

    Raises:
        ConfigurationError: it is not installed, or the keyring cannot be used.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise ConfigurationError(
            "master_key_keyring needs the package keyring, which is not installed",
            hint="Run `pip install 'underseal[keyring]'`.",
        ) from None
    try:
        yield keyring
    except (KeyringError, *BACKEND_ERRORS) as error:
        # Only the kind: what a backend says may contain what it was given.
        raise ConfigurationError(
            f"the keyring cannot be used: {type(error).__name__}", hint=NO_KEYRING_HINT
        ) from None
