"""Migrations: they make the tables of the code, once, and keep a copy of what was there."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store import (
    attestation_tables,
    audit_tables,
    commitment_tables,
    energy_tables,
    identity_tables,
    migrate,
    spend_tables,
    tables,
)
from underseal_node.store.database import next_change, open_store
from underseal_node.store.migrations import HEAD

VERSIONS = Path(migrate.SCRIPTS) / "versions"


UPGRADE = migrate._upgrade


@pytest.fixture(autouse=True)
def _migrates_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the copies that other tests take."""
    monkeypatch.setattr(migrate, "_upgrade", UPGRADE)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def create(home: Home) -> None:
    store = open_store(Settings(), home)
    store.write_sync(next_change)
    store.close()


def test_migrations_make_exactly_the_tables_of_the_code(home: Home) -> None:
    assert tables.Peer.metadata is attestation_tables.DraftRow.metadata is SQLModel.metadata
    assert audit_tables.Receipt.metadata is SQLModel.metadata
    assert commitment_tables.CommitmentRow.metadata is SQLModel.metadata
    assert identity_tables.Invitation.metadata is SQLModel.metadata
    assert energy_tables.EnergyMeter.metadata is SQLModel.metadata
    assert spend_tables.SpendRow.metadata is SQLModel.metadata
    store = open_store(Settings(), home)
    with store.read_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        differences = compare_metadata(context, SQLModel.metadata)
    store.close()
    assert differences == []


def test_a_difference_would_be_found(home: Home) -> None:
    store = open_store(Settings(), home)
    with store.write_engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE peer DROP COLUMN scope")
    with store.read_engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    store.close()
    assert len(differences) == 1


def test_head_is_the_newest_script() -> None:
    scripts = ScriptDirectory.from_config(migrate.alembic_configuration())
    assert scripts.get_heads() == [HEAD]


def test_scripts_import_nothing_of_the_code_they_outlive() -> None:
    for script in VERSIONS.glob("*.py"):
        content = script.read_text(encoding="utf-8")
        imports = re.findall(r"^(?:import|from) (\w+)", content, re.MULTILINE)
        assert set(imports) <= {"__future__", "alembic", "sqlalchemy"}


def test_a_new_database_needs_no_copy(home: Home) -> None:
    create(home)
    create(home)
    assert list(home.backups.iterdir()) == []


@pytest.mark.sqlite("the copy that is made of it")
def test_an_existing_database_is_copied_before_the_first_change(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create(home)
    add_revision(monkeypatch, tmp_path, "op.add_column('peer', sa.Column('extra', sa.String()))")
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    open_store(Settings(), home, clock=lambda: noon).close()

    assert "extra" in columns(home.database)
    (copy,) = home.backups.iterdir()
    assert copy.name == "20260301T120000Z-before-9998.db"
    assert "extra" not in columns(copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT last FROM change_counter").fetchone() == (1,)
    open_store(Settings(), home).close()
    assert list(home.backups.iterdir()) == [copy]


@pytest.mark.sqlite("read from its file")
def test_a_migration_that_fails_changes_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create(home)
    add_revision(
        monkeypatch,
        tmp_path,
        "op.add_column('peer', sa.Column('extra', sa.String())); raise RuntimeError('stop')",
    )
    with pytest.raises(RuntimeError, match="stop"):
        open_store(Settings(), home)
    assert "extra" not in columns(home.database)
    assert revision(home.database) == HEAD


@pytest.mark.sqlite("read from its file")
def test_the_database_of_a_newer_version_is_refused_and_left_alone(home: Home) -> None:
    create(home)
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match=f"schema 9999, .* knows up to {HEAD}"):
        open_store(Settings(), home)
    assert revision(home.database) == "9999"
    assert list(home.backups.iterdir()) == []


@pytest.mark.sqlite("the copy that is made of it")
def test_no_migration_without_a_copy(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    create(home)
    add_revision(monkeypatch, tmp_path, "op.add_column('peer', sa.Column('extra', sa.String()))")
    home.backups.rmdir()
    with pytest.raises(Exception, match="cannot be copied"):
        open_store(Settings(), home)
    assert "extra" not in columns(home.database)


def add_revision(monkeypatch: pytest.MonkeyPatch, directory: Path, change: str) -> None:
    """Let the code believe that there is a revision 9998."""
    scripts = directory / "scripts"
    (scripts / "versions").mkdir(parents=True)
    for file in (migrate.SCRIPTS / "env.py", *VERSIONS.glob("revision_*.py")):
        target = scripts / file.relative_to(migrate.SCRIPTS)
        target.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (scripts / "versions" / "revision_9998_test.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = '9998'\ndown_revision = '{HEAD}'\n"
        f"def upgrade():\n    {change}\n"
    )
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    monkeypatch.setattr(migrate, "HEAD", "9998")


def columns(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(peer)")}


def revision(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_instants_are_plain_fixed_width_text_in_the_history() -> None:
    initial = next(VERSIONS.glob("revision_0001*.py")).read_text(encoding="utf-8")
    assert re.search(r'"created_at", sa\.String\(length=27\)', initial)
    assert "UtcText" not in initial


@pytest.mark.sqlite("it changes a table by making it anew")
def test_what_refers_to_peers_survives_their_new_table(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the first version: ids could be given again, and foreign keys held."""
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "HEAD", "0001")
        engine = create_engine(f"sqlite:///{home.database}")
        configuration = migrate.alembic_configuration()
        with engine.begin() as connection:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "0001")
            connection.exec_driver_sql(
                "INSERT INTO peer (id, name, state, created_at, is_underseal, accept_unsigned, "
                "signed_before) VALUES (7, 'old', 'active', 'x', 0, 1, 0)"
            )
            connection.exec_driver_sql(
                "INSERT INTO client_credential (client_id, peer_id, secret_hash, created_at) "
                "VALUES ('c', 7, 'h', '2026-01-01T00:00:00.000000Z')"
            )
        engine.dispose()
    create(home)
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        confirmed = connection.execute("SELECT confirmed_at = created_at FROM client_credential")
        assert confirmed.fetchall() == [(1,)]
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("DELETE FROM peer")
        connection.execute("DELETE FROM client_credential")
        connection.execute("DELETE FROM peer")
        columns = "name, state, created_at, is_underseal, accept_unsigned, signed_before"
        connection.execute(f"INSERT INTO peer ({columns}) VALUES ('n', 'active', 'x', 0, 1, 0)")
        assert connection.execute("SELECT id FROM peer").fetchall() == [(8,)]
