"""The home directory of a node: where its files are, and who may read them (nobody else)."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from underseal_node.errors import ConfigurationError

__all__ = ["HOME_VARIABLE", "Home", "default_home", "only_one", "write_private"]

HOME_VARIABLE = "UNDERSEAL_HOME"
PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600
SERVE_LOCK = "serve.lock"

CONFIG_TEMPLATE = """\
# Settings of this node; docs/reference/settings.md lists them all with their units.
# An environment variable UNDERSEAL_<NAME> wins over a line in this file.

# requests_answer = "assist"
# pull_on_published = true
"""


def default_home() -> Path:
    """The directory named by `UNDERSEAL_HOME`, else `~/.underseal`."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else Path.home() / ".underseal"


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read: whole, or not at all, and on disk on return.

    Args:
        file: where; an existing file is replaced.
        content: all of it.
    """
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:  # mkstemp creates with mode 0600
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(file.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Home:
    """The paths of one node.

    Args:
        path: the home directory; it need not exist yet.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser().absolute()

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    @property
    def config_file(self) -> Path:
        """`underseal.toml`; its presence makes a directory the home of a node."""
        return self.path / "underseal.toml"

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.path / "underseal.db"

    @property
    def secrets(self) -> Path:
        """The directory of the master key and the operator token."""
        return self.path / "secrets"

    @property
    def master_key_file(self) -> Path:
        """The key that encrypts the private keys and peer secrets in the database."""
        return self.secrets / "master.key"

    @property
    def operator_token_file(self) -> Path:
        """The bearer token of the management listener."""
        return self.secrets / "operator.token"

    @property
    def tls(self) -> Path:
        """The directory of certificates that the node made for itself."""
        return self.path / "tls"

    @property
    def backups(self) -> Path:
        """The directory of copies of the database made before migrations."""
        return self.path / "backups"

    @property
    def run(self) -> Path:
        """The directory of what belongs to the running node."""
        return self.path / "run"

    @property
    def run_file(self) -> Path:
        """`{"pid", "manage_url", "public_url"}` of the running node, as JSON."""
        return self.run / "node.json"

    @property
    def lock_file(self) -> Path:
        """Held while the database is created or migrated."""
        return self.run / "store.lock"

    @property
    def exists(self) -> bool:
        """Whether this is the home of a node."""
        return self.config_file.exists()

    def prepare(self) -> None:
        """Make the directories and an operator token; `finish` makes it the home of a node.

        Raises:
            ConfigurationError: there is a node already, or the directory cannot be made.
        """
        if self.exists:
            raise ConfigurationError(
                f"{self.path} is the home of a node already",
                hint="Choose another directory with --home.",
            )
        try:
            self.make_directories()
            self.new_operator_token()
        except OSError as error:
            raise ConfigurationError(
                f"the home {self.path} cannot be created: {error.strerror}",
                hint="Choose a directory that you may write to with --home.",
            ) from error

    def finish(self, *, has_keyring: bool = False) -> None:
        """Write the configuration file, last of all: what was interrupted before is no node.

        Args:
            has_keyring: the master key was put into the keyring, and has to be found again.
        """
        chosen = "\nmaster_key_keyring = true\n" if has_keyring else ""
        write_private(self.config_file, (CONFIG_TEMPLATE + chosen).encode())

    def make_directories(self) -> None:
        """Make the directories that are missing, readable by their owner only."""
        for directory in (self.path, self.secrets, self.tls, self.backups, self.run):
            directory.mkdir(mode=PRIVATE_DIRECTORY, parents=directory == self.path, exist_ok=True)
            directory.chmod(PRIVATE_DIRECTORY)

    def require(self) -> None:
        """Refuse to go on without a home.

        Raises:
            ConfigurationError: there is no node here.
        """
        if not self.exists:
            raise ConfigurationError(
                f"there is no node in {self.path}",
                hint="Create one with `underseal init`, or name its home with --home or "
                f"{HOME_VARIABLE}.",
            )

    def new_operator_token(self) -> None:
        """Write a fresh operator token of 256 random bits."""
        write_private(self.operator_token_file, secrets.token_urlsafe(32).encode() + b"\n")

    def operator_token(self) -> str:
        """The bearer token of the management listener.

        Raises:
            ConfigurationError: the file is missing, empty or unreadable.
        """
        try:
            token = self.operator_token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"the operator token {self.operator_token_file} cannot be read",
                hint="Run the command as the user that runs the node.",
            ) from error
        if not token:
            raise ConfigurationError(f"the operator token {self.operator_token_file} is empty")
        return token


@contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the lock of a running node; the kernel releases it when the process dies.

    Raises:
        ConfigurationError: the node runs already.
    """
    with (home.run / SERVE_LOCK).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"the node in {home.path} is running already",
                hint="Stop it first, or use another home.",
            ) from None
        yield
