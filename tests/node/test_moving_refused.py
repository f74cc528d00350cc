"""What a move to PostgreSQL refuses, and how a home finds its new database."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url
from tests.node.test_moving import move, run_sql, the_home_is_as_it_was
from tests.postgresql import NEEDS_POSTGRESQL, a_database

from underseal_node import moving
from underseal_node.errors import ConfigurationError, RefusedError
from underseal_node.home import Home, only_one
from underseal_node.moving import DATABASE_VARIABLE, move_store, without_database
from underseal_node.node import create_node, open_node
from underseal_node.settings import load_settings
from underseal_node.store.database import next_change
from underseal_node.store.moving import Stage

pytestmark = [
    NEEDS_POSTGRESQL,
    pytest.mark.xdist_group("moving"),
    pytest.mark.sqlite("what is moved is its file"),
]


def other_node(tmp_path: Path) -> Home:
    return create_node(
        tmp_path / "other",
        company_name="Other Works",
        company_ids=["urn:uuid:3f6c1b7e-5d2a-4c7b-9b1e-0a4d2f6e8c91"],
        url="https://other.example",
    )


def test_a_target_with_the_data_of_another_node_is_refused(
    home: Home, database: str, tmp_path: Path
) -> None:
    move(other_node(tmp_path), database)
    with pytest.raises(RefusedError, match=r"another node: Other Works, https://other\.example"):
        move(home, database)
    the_home_is_as_it_was(home)


def test_a_target_with_part_of_another_node_is_refused(
    home: Home, database: str, tmp_path: Path
) -> None:
    def interrupted(stage: Stage, *_given: object) -> None:
        if stage is Stage.COPYING:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_store(other_node(tmp_path), database, look=interrupted)
    with pytest.raises(RefusedError, match="part of the data of another node"):
        move(home, database)
    the_home_is_as_it_was(home)


def test_a_target_with_anything_else_is_refused(home: Home, database: str) -> None:
    run_sql(database, "CREATE TABLE something (id INTEGER)")
    with pytest.raises(RefusedError, match="is not empty"):
        move(home, database)
    the_home_is_as_it_was(home)
    assert run_sql(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [
        ("something",)
    ]


def test_a_running_node_is_not_moved(home: Home, database: str) -> None:
    with only_one(home), pytest.raises(ConfigurationError, match="is running already"):
        move(home, database)
    the_home_is_as_it_was(home)


def test_a_move_that_was_killed_before_its_last_step_takes_it(
    home: Home, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(moving, "_use", lambda *_given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            move(home, database)
    the_home_is_as_it_was(home)
    assert move(home, database).rows.was_complete
    assert not home.database.exists()
    node = open_node(home.path)
    assert node.store.write_engine.dialect.name == "postgresql"
    node.close()


def test_a_move_that_was_killed_before_the_old_file_was_put_aside_does_it(
    home: Home, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(database).set(password="secret").render_as_string(hide_password=False)
    with monkeypatch.context() as patch:
        patch.setattr(moving, "_put_aside", lambda *_given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            move(home, url)
    assert home.database.exists()
    config = home.config_file.read_text(encoding="utf-8")
    assert move(home, url).rows.was_complete
    assert not home.database.exists()
    assert home.config_file.read_text(encoding="utf-8").split() == config.split()


def test_a_home_that_was_used_after_its_move_is_not_mixed_with_it(
    home: Home, database: str, tmp_path: Path
) -> None:
    shutil.copytree(home.path, tmp_path / "copy")
    move(home, database)
    copy = Home(tmp_path / "copy")
    node = open_node(copy.path)
    node.store.write_sync(next_change)
    node.close()
    with pytest.raises(RefusedError, match="already, and not the same: the table change_counter"):
        move(copy, database)
    the_home_is_as_it_was(copy)


def test_a_home_that_has_moved_has_nothing_to_move(home: Home, database: str, server: URL) -> None:
    move(home, database)
    with pytest.raises(RefusedError, match="uses that database already"):
        move(home, database)
    with a_database(server) as another, pytest.raises(ConfigurationError, match="not in its home"):
        move(home, another)
    open_node(home.path).close()


def test_the_environment_may_name_the_target_and_nothing_else(
    home: Home, database: str, server: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_database(server) as another:
        monkeypatch.setenv(DATABASE_VARIABLE, another)
        with pytest.raises(ConfigurationError, match="database_url names another"):
            move(home, database)
    monkeypatch.setenv(DATABASE_VARIABLE, database)
    assert move(home, database).is_in_environment


def test_a_text_that_postgresql_does_not_hold_is_written_with_another_character(
    home: Home, database: str
) -> None:
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute("UPDATE node_identity SET company_name = 'a' || char(0) || 'b'")
    move(home, database)
    node = open_node(home.path)
    assert node.identity.company_name == "a\N{REPLACEMENT CHARACTER}b"
    node.close()


def test_the_password_is_kept_in_a_file_of_its_own(home: Home, database: str) -> None:
    url = make_url(database).set(password="c@nary").render_as_string(hide_password=False)
    moved = move(home, url)
    config = home.config_file.read_text(encoding="utf-8")
    assert "nary" not in config + moved.database + repr(moved)
    file = home.secrets / "database.password"
    assert file.read_text(encoding="utf-8") == "c@nary\n"
    assert file.stat().st_mode & 0o077 == 0
    node = open_node(home.path)
    assert node.store.write_engine.url.password == "c@nary"
    node.close()


def test_the_password_may_stay_where_it_is(home: Home, database: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("c@nary\n", encoding="utf-8")
    move(home, database, password_file=file)
    assert not (home.secrets / "database.password").exists()
    assert load_settings(home).database_password_file == file
    file.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        open_node(home.path)


@pytest.mark.parametrize(
    ("to", "named"),
    [
        ("sqlite:///x.db", "not a database of a PostgreSQL"),
        ("postgresql://u:canary@db", "not a database of a PostgreSQL"),
        ("postgresql://u@db/x?password=canary", "behind its"),
        ("nonsense canary", "not a database URL"),
        ("postgresql://u:canary@127.0.0.1:1/x", "target database failed"),
    ],
)
def test_a_target_that_cannot_be_used_is_refused(home: Home, to: str, named: str) -> None:
    with pytest.raises((ConfigurationError, RefusedError), match=named) as caught:
        move(home, to)
    assert "canary" not in caught.value.diagnosis()
    the_home_is_as_it_was(home)


def test_settings_around_that_of_the_database_stay(tmp_path: Path) -> None:
    file = tmp_path / "underseal.toml"
    config = '# mine\nport = 1\ndatabase_url = "x"\ndatabase_password_file="y"\nworkers = 2\n'
    assert without_database(config, file) == "# mine\nport = 1\nworkers = 2\n"
    with pytest.raises(RefusedError, match="on one line"):
        without_database('database_url = """\nx"""\n', file)
