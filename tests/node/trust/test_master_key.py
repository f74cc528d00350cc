"""Where the master key may be: the node runs, and is backed up and restored, with each place."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from tests.node.conftest import StandingClock

from underseal_node.backup import create_backup, restore_backup
from underseal_node.doctor import inside
from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.node import Node, create_node, open_node
from underseal_node.settings import load_settings
from underseal_node.trust.master_key import MASTER_KEY_VARIABLE, create_master_key, read_master_key

KEY = bytes(range(100, 132))
TEXT = base64.b64encode(KEY).decode()
OTHER_TEXT = base64.b64encode(bytes(32)).decode()
PASSPHRASE = "correct horse battery"
KEYRING_VARIABLE = "UNDERSEAL_MASTER_KEY_KEYRING"

FILE_BACKEND = """
import json, os
from keyring.backend import KeyringBackend

class FileKeyring(KeyringBackend):
    priority = 1
    file = os.environ["TEST_KEYRING_FILE"]

    def read(self):
        return json.load(open(self.file)) if os.path.exists(self.file) else {}

    def get_password(self, service, entry):
        return self.read().get(f"{service} {entry}")

    def set_password(self, service, entry, password):
        entries = self.read() | {f"{service} {entry}": password}
        with open(self.file, "w") as stream:
            json.dump(entries, stream)
"""


class MemoryKeyring(KeyringBackend):
    """Keeps what it is given."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


class ForgetfulKeyring(MemoryKeyring):
    def set_password(self, service: str, username: str, password: str) -> None: ...


class LockedKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(TEXT)


@pytest.fixture
def backend() -> Iterator[MemoryKeyring]:
    """The keyring of the system."""
    before = keyring.get_keyring()
    used = MemoryKeyring()
    keyring.set_keyring(used)
    yield used
    keyring.set_keyring(before)


def create(path: Path) -> Home:
    return create_node(
        path, company_name="Node AG", company_ids=["urn:a:b"], url="https://node.example"
    )


def use(place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Say where the key is to be."""
    if place == "environment":
        monkeypatch.setenv(MASTER_KEY_VARIABLE, TEXT)
    elif place == "keyring":
        monkeypatch.setenv(KEYRING_VARIABLE, "1")
    elif place == "elsewhere":
        monkeypatch.setenv("UNDERSEAL_MASTER_KEY_FILE", str(tmp_path / "elsewhere.key"))


PLACES = ["home", "elsewhere", "environment", "keyring"]


@pytest.mark.parametrize("place", PLACES)
def test_a_node_is_created_opened_backed_up_and_restored(
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    backend: MemoryKeyring,
    clock: StandingClock,
) -> None:
    use(place, monkeypatch, tmp_path)
    home = create(tmp_path / "home")
    node = open_node(home.path)
    key = read_master_key(home, node.settings)
    assert home.master_key_file.exists() == (place == "home")
    assert (tmp_path / "elsewhere.key").exists() == (place == "elsewhere")
    assert list(backend.entries) == ([("underseal", str(home.path))] if place == "keyring" else [])
    assert (key == KEY) == (place == "environment")

    for passphrase in (None, PASSPHRASE):
        archive, target = tmp_path / f"{passphrase}.backup", Home(tmp_path / f"to-{passphrase}")
        create_backup(home, node.settings, archive, now=clock(), passphrase=passphrase)
        restored = restore_backup(archive, target, passphrase=passphrase)
        has_key = passphrase is not None or place in ("elsewhere", "environment")
        assert restored.has_master_key == has_key
        if has_key:
            assert read_master_key(target, load_settings(target)) == key
            assert target.master_key_file.exists() == (place == "home")
            opened = open_node(target.path)
            assert opened.public_keys.thumbprints() == node.public_keys.thumbprints()
            opened.close()
        else:
            with pytest.raises(ConfigurationError, match="master key"):
                open_node(target.path)
    node.close()


def test_a_key_in_the_keyring_is_found_again_without_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: MemoryKeyring
) -> None:
    monkeypatch.setenv(KEYRING_VARIABLE, "1")
    home = create(tmp_path / "home")
    monkeypatch.delenv(KEYRING_VARIABLE)
    assert load_settings(home).master_key_keyring
    open_node(home.path).close()


def test_a_key_that_is_there_is_taken_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: MemoryKeyring
) -> None:
    monkeypatch.setenv(KEYRING_VARIABLE, "1")
    backend.entries["underseal", str(tmp_path / "home")] = TEXT
    home = create(tmp_path / "home")
    assert read_master_key(home, load_settings(home)) == KEY


@pytest.mark.parametrize("place", ["environment", "keyring"])
def test_a_restore_does_not_replace_another_key(
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    backend: MemoryKeyring,
    clock: StandingClock,
) -> None:
    home = create(tmp_path / "home")
    archive = tmp_path / "archive"
    create_backup(home, load_settings(home), archive, now=clock(), passphrase=PASSPHRASE)
    use(place, monkeypatch, tmp_path)
    target = Home(tmp_path / "target")
    backend.entries["underseal", str(target.path)] = OTHER_TEXT
    with pytest.raises(ConfigurationError, match="another master key than the backup"):
        restore_backup(archive, target, passphrase=PASSPHRASE)
    assert not target.path.exists()
    assert set(backend.entries.values()) == {OTHER_TEXT}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({MASTER_KEY_VARIABLE: TEXT, KEYRING_VARIABLE: "1"}, "MASTER_KEY and by the setting"),
        ({MASTER_KEY_VARIABLE: TEXT, "UNDERSEAL_MASTER_KEY_FILE": "/x"}, "named twice"),
        ({KEYRING_VARIABLE: "1", "UNDERSEAL_MASTER_KEY_FILE": "/x"}, "named twice"),
    ],
)
def test_two_places_are_one_too_many(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        create(tmp_path / "home")
    assert TEXT not in refused.value.diagnosis()


@pytest.mark.parametrize("text", ["", "cAnArY", TEXT[:-4], TEXT + TEXT, "ü" * 44, "c" * 44])
def test_a_malformed_key_in_the_environment_is_not_shown(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(MASTER_KEY_VARIABLE, text)
    with pytest.raises(ConfigurationError, match="MASTER_KEY is not a master key") as refused:
        create(tmp_path / "home")
    shown = refused.value.diagnosis() + "".join(traceback.format_exception(refused.value))
    assert not text or text not in shown
    assert not (tmp_path / "home" / "underseal.toml").exists()


def test_the_key_is_no_setting_of_a_file(tmp_path: Path) -> None:
    home = create(tmp_path / "home")
    home.config_file.write_text(f'master_key = "{TEXT}"\n')
    with pytest.raises(ConfigurationError, match="unknown setting `master_key`") as refused:
        open_node(home.path)
    assert TEXT not in refused.value.diagnosis()


def test_a_missing_package_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEYRING_VARIABLE, "1")
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match="not installed") as refused:
        create(tmp_path / "home")
    assert "underseal[keyring]" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("used", "sentence"),
    [
        (
            keyring.backends.fail.Keyring(),  # type: ignore[no-untyped-call]
            "cannot be used: NoKeyringError",
        ),
        (ForgetfulKeyring(), "did not keep"),
        (LockedKeyring(), "cannot be used: KeyringLocked"),
    ],
)
def test_a_keyring_that_does_not_work_is_told_without_a_secret(
    used: KeyringBackend,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    backend: MemoryKeyring,
) -> None:
    monkeypatch.setenv(KEYRING_VARIABLE, "1")
    keyring.set_keyring(used)
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        create(tmp_path / "home")
    shown = refused.value.diagnosis() + "".join(traceback.format_exception(refused.value))
    assert TEXT not in shown
    assert "keyring diagnose" in (refused.value.hint or "")


def test_an_entry_that_is_gone_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: MemoryKeyring
) -> None:
    monkeypatch.setenv(KEYRING_VARIABLE, "1")
    home = create(tmp_path / "home")
    backend.entries.clear()
    with pytest.raises(ConfigurationError, match="there is no master key in the entry"):
        open_node(home.path)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("home", "home/secrets/master.key"),
        ("elsewhere", "elsewhere.key"),
        ("environment", "the environment variable UNDERSEAL_MASTER_KEY"),
        ("keyring", "in the keyring"),
    ],
)
def test_the_doctor_says_where_the_key_is(
    place: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    backend: MemoryKeyring,
) -> None:
    use(place, monkeypatch, tmp_path)
    home = create(tmp_path / "home")
    node = open_node(home.path)
    (check,) = inside._master_key(node)
    assert (check.result, sentence in check.message) == ("ok", True)
    assert TEXT not in check.message
    node.close()


def test_the_doctor_warns_of_a_key_that_was_left_and_of_one_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = create(tmp_path / "home")
    node: Node = open_node(home.path)
    monkeypatch.setenv(MASTER_KEY_VARIABLE, TEXT)
    assert [check.result for check in inside._master_key(node)] == ["ok", "warning"]
    monkeypatch.delenv(MASTER_KEY_VARIABLE)
    home.master_key_file.unlink()
    assert [check.result for check in inside._master_key(node)] == ["problem"]
    node.close()


def test_a_real_process_with_a_keyring(tmp_path: Path) -> None:
    """The command, with a backend chosen as an operator chooses one."""
    (tmp_path / "file_backend.py").write_text(FILE_BACKEND)
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "file_backend.FileKeyring",
        "TEST_KEYRING_FILE": str(tmp_path / "entries.json"),
        KEYRING_VARIABLE: "1",
    }
    home = tmp_path / "home"
    command = [sys.executable, "-m", "underseal_cli.main", "--home", str(home), "init"]
    command += ["--company", "Node AG", "--company-id", "urn:a:b", "--url", "https://n.example"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    ((entry, text),) = json.loads((tmp_path / "entries.json").read_text()).items()
    assert entry == f"underseal {home}"
    assert len(base64.b64decode(text)) == 32
    assert text not in done.stdout + done.stderr
    assert not Home(home).master_key_file.exists()
    del environment[KEYRING_VARIABLE]
    script = f"from underseal_node.node import open_node; open_node({str(home)!r}).close()"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)


def test_nothing_is_created_for_a_key_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(MASTER_KEY_VARIABLE, TEXT)
    home = Home(tmp_path / "home")
    home.prepare()
    create_master_key(home, load_settings(home))
    assert not home.master_key_file.exists()
