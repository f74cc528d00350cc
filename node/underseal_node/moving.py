"""Moving a node from the SQLite file in its home to a PostgreSQL, and its home with it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from underseal_node.clock import Clock, utc_now
from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.home import Home, only_one, sync_directory, write_private
from underseal_node.settings import ENV_PREFIX, Settings, load_settings
from underseal_node.store.backup import close_database
from underseal_node.store.engines import database_url, make_engine, parse_url, with_password
from underseal_node.store.migrate import migrate
from underseal_node.store.moving import Look, Moved, move_rows

__all__ = ["DATABASE_VARIABLE", "Look", "StoreMoved", "move_store", "without_database"]

DATABASE_VARIABLE = f"{ENV_PREFIX}DATABASE_URL"
PASSWORD_NAME = "database.password"
DATABASE_SETTINGS = ("database_url", "database_password_file")


@dataclass(frozen=True)
class StoreMoved:
    """A node whose data is elsewhere now.

    Attributes:
        database: the URL without its password.
        rows: what was moved and compared.
        kept: the SQLite file, under its new name.
        is_in_environment: the environment names the database, too, and wins over the home.
    """

    database: str
    rows: Moved
    kept: Path
    is_in_environment: bool


def move_store(
    home: Home,
    to: str,
    *,
    look: Look,
    password_file: Path | None = None,
    clock: Clock = utc_now,
) -> StoreMoved:
    """Copy the database of a node that does not run, verify the copy, and let the home use it.

    An interrupted move goes on where it was. Until all rows were compared nothing of the home
    changes.

    Args:
        home: of the node.
        to: `postgresql://USER@HOST/DATABASE`.
        look: is told how far it has come.
        password_file: absolute; its first line is the password, and the home will read it there.
        clock: names the file that the SQLite database is kept as.

    Raises:
        ConfigurationError: the node runs, the URL is none, or the home is at another database.
        RefusedError: the target has other data, cannot be used, or has not what was copied.
    """
    home.require()
    target = _target(to)
    settings = load_settings(home)
    _require_at_home(home, settings, target)
    home.make_directories()
    with only_one(home):
        if not (password_file or target.password or settings.database_password_file is None):
            password_file = home.path / settings.database_password_file
        at = target if password_file is None else with_password(target, password_file)
        moved = _move(home, settings, at, look, clock)
        _use(home, at, password_file)
        kept = _put_aside(home, clock)
    return StoreMoved(_shown(at), moved, kept, DATABASE_VARIABLE in os.environ)


def without_database(config: str, file: Path) -> str:
    """The text of `underseal.toml` without where the database is.

    Raises:
        RefusedError: these settings are written in a way that is not understood.
    """
    lines = config.splitlines(keepends=True)
    kept = [line for line in lines if line.split("=")[0].strip() not in DATABASE_SETTINGS]
    text = "".join(kept)
    try:
        expected = {
            key: value
            for key, value in tomllib.loads(config).items()
            if key not in DATABASE_SETTINGS
        }
        is_understood = tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        is_understood = False
    if not is_understood:
        raise RefusedError(
            f"{file} does not have database_url on one line of its own",
            hint='Write it as database_url = "postgresql://USER@HOST/DATABASE".',
        )
    return text


def _target(to: str) -> URL:
    target = parse_url(to, name="the target")
    hint = "Write it as postgresql://USER:PASSWORD@HOST/DATABASE."
    if target.get_backend_name() != "postgresql" or not target.database:
        raise ConfigurationError("the target is not a database of a PostgreSQL", hint=hint)
    if "password" in target.query:
        raise ConfigurationError("the password of the target is behind its `?`", hint=hint)
    return target.set(drivername="postgresql+psycopg")


def _require_at_home(home: Home, settings: Settings, target: URL) -> None:
    """Refuse to move a node whose data is elsewhere already."""
    if settings.database_url is None:
        return
    present = database_url(settings, home)
    if _place(present) == _place(target):
        return
    raise ConfigurationError(
        "the data of this node is not in its home: database_url names another database",
        hint=f"Only what is in {home.database} can be moved. If that is meant, unset "
        f"{DATABASE_VARIABLE}, or take database_url out of {home.config_file}.",
    )


def _place(url: URL) -> tuple[Any, Any, str | None]:
    """Server and database; a socket is named behind the `?`."""
    host, port = url.host or url.query.get("host"), url.port or url.query.get("port", "5432")
    return host, str(port), url.database


def _shown(url: URL) -> str:
    """A URL without its password."""
    return URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string()


def _move(home: Home, settings: Settings, target: URL, look: Look, clock: Clock) -> Moved:
    local = settings.model_copy(update={"database_url": None, "database_password_file": None})
    if not home.database.exists():
        if settings.database_url is not None:
            raise RefusedError(
                "this home uses that database already",
                hint="There is nothing left to move: start the node.",
            )
        raise RefusedError(f"there is no database {home.database}")
    url = database_url(local, home)
    writer = make_engine(url, local, read_only=False)
    try:
        migrate(writer, home, clock)
    finally:
        writer.dispose()
    engines = [
        make_engine(url, local, read_only=True),
        make_engine(target, local, read_only=False),
        make_engine(target, local, read_only=True),
    ]
    try:
        with engines[0].connect() as source:
            return move_rows(source, engines[1], engines[2], look)
    finally:
        for engine in engines:
            engine.dispose()


def _use(home: Home, target: URL, password_file: Path | None) -> None:
    """Write where the database is into the settings of the home, the password into its secrets."""
    place: str | None = None
    if password_file is not None:
        place = str(password_file)
    elif target.password:
        file = home.secrets / PASSWORD_NAME
        write_private(file, str(target.password).encode() + b"\n")
        place = str(file.relative_to(home.path))
    config = without_database(home.config_file.read_text(encoding="utf-8"), home.config_file)
    lines = [config.rstrip("\n"), "", f"database_url = {_quoted(_shown(target))}"]
    if place is not None:
        lines.append(f"database_password_file = {_quoted(place)}")
    write_private(home.config_file, "\n".join([*lines, ""]).encode())


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _put_aside(home: Home, clock: Clock) -> Path:
    """Take the SQLite file away, so that no node can go on with it by mistake."""
    kept = home.backups / f"{clock():%Y%m%dT%H%M%SZ}-before-move.db"
    close_database(home.database)
    home.database.rename(kept)
    for directory in (home.path, home.backups):
        sync_directory(directory)
    return kept
