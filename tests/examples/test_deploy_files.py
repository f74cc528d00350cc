"""examples/deploy: what the files say, held against what the program knows and what is safe."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from underseal_cli.main import app
from underseal_node.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
SYSTEMD = DEPLOY / "systemd"
PINNED = re.compile(r"[a-z0-9./-]+:[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z0-9.-]+)?")
SECRET = re.compile("password|secret|token|_key", re.IGNORECASE)
NOT_SETTINGS = {"UNDERSEAL_HOME"}
BUILD_SECONDS = 1_500.0


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return content


def unit(name: str) -> ConfigParser:
    """A unit; of keys that are there several times, the last one."""
    found = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string((SYSTEMD / name).read_text("utf-8"))
    return found


def environment_file() -> dict[str, str]:
    lines = (SYSTEMD / "underseal.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def containerfile() -> list[str]:
    """The instructions, each in a line."""
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()


def environments(compose: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            yield name, key, value
    for key, value in environment_file().items():
        yield "systemd", key, value


def test_every_setting_is_one(compose: dict[str, Any]) -> None:
    names = {key for _, key, _ in environments(compose) if key.startswith(ENV_PREFIX)}
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert names - NOT_SETTINGS <= known
    assert len(names) >= 5


def test_secrets_are_in_files(compose: dict[str, Any]) -> None:
    for place, key, value in environments(compose):
        assert key.endswith("_FILE") or not SECRET.search(key), (place, key)
        assert not re.search(r"//[^/@]*:[^/@]*@", value), (place, key)
    for name, secret in compose["secrets"].items():
        assert secret["file"].startswith("./secrets/"), name
    used = {one for service in compose["services"].values() for one in service.get("secrets", ())}
    assert used == set(compose["secrets"])
    assert "/examples/deploy/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_every_image_has_a_version(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values()]
    images += [line.split()[1] for line in containerfile() if line.startswith("FROM ")]
    assert len(images) == 6
    for image in images:
        assert PINNED.fullmatch(image), image
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"underseal:{version}" in images


def test_every_package_has_a_version() -> None:
    lines = (DEPLOY / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {line.split("==")[0] for line in lines if not line.startswith("#")}
    assert all("==" in line for line in lines if not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    assert {re.split(r"[\[<>=~]", one)[0] for one in wanted} <= pinned


def test_every_container_may_do_little(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
        user = service["user"].split(":")[0]
        assert user.isdecimal(), name
        assert int(user) > 0, name


def test_everything_that_runs_is_watched_and_stops_in_time(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["restart"] == "unless-stopped", name
        if name != "backup":
            assert service["healthcheck"]["test"][0] == "CMD", name
    grace = Settings.model_fields["shutdown_grace_seconds"].default
    assert int(compose["services"]["node"]["stop_grace_period"].rstrip("s")) > 2 * grace
    assert float(unit("underseal.service")["Service"]["TimeoutStopSec"]) > 2 * grace


def test_only_the_proxy_can_be_reached(compose: dict[str, Any]) -> None:
    assert [name for name, one in compose["services"].items() if "ports" in one] == ["proxy"]
    assert compose["networks"]["back"]["internal"] is True
    assert compose["services"]["database"]["networks"] == ["back"]
    assert "back" not in compose["services"]["proxy"]["networks"]
    command = compose["services"]["node"]["command"]
    assert not any("manage" in str(one) for one in command)
    service = unit("underseal.service")["Service"]["ExecStart"].split()
    assert service[service.index("--host") + 1] == "127.0.0.1"


def test_the_proxy_leads_to_the_node(compose: dict[str, Any]) -> None:
    config = (DEPLOY / "nginx.conf").read_text("utf-8")
    command = compose["services"]["node"]["command"]
    port = command[command.index("--port") + 1]
    assert f"proxy_pass http://node:{port};" in config
    ((published, inside),) = (one.split(":") for one in compose["services"]["proxy"]["ports"])
    assert published == "443"
    assert f"listen {inside} ssl;" in config
    for secret in compose["services"]["proxy"]["secrets"]:
        assert f"/run/secrets/{secret};" in config
    front = compose["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert compose["services"]["node"]["environment"]["UNDERSEAL_TRUSTED_PROXIES"] == front
    assert config.count("{") == config.count("}")


def test_what_the_files_need_is_there(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file(), source
    for line in containerfile():
        if line.startswith("COPY") and "--from" not in line:
            for source in [part for part in line.split()[1:-1] if not part.startswith("--")]:
                assert (ROOT / source).exists() or (DEPLOY / source).exists(), line
    for script in ("backup.sh", "health.py", "systemd/underseal-node"):
        assert (DEPLOY / script).stat().st_mode & 0o111 == 0o111
    table = (DEPLOY / "README.md").read_text("utf-8")
    for file in DEPLOY.rglob("*.*"):
        assert file.name == "README.md" or file.name in table or file.suffix in table, file


def test_the_image_is_that_of_a_user_without_rights() -> None:
    lines = containerfile()
    user = [line.split()[1] for line in lines if line.startswith("USER ")][-1]
    assert user == "10001:10001"
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert 'ENTRYPOINT ["underseal"]' in lines


def test_every_option_is_one(compose: dict[str, Any]) -> None:
    commands = [
        [str(one) for one in compose["services"]["node"]["command"]],
        ["serve", "--behind-proxy"],  # the CMD of the image
        unit("underseal.service")["Service"]["ExecStart"].split()[1:],
    ]
    assert 'CMD ["serve", "--behind-proxy"]' in containerfile()
    root: Any = typer.main.get_command(app)
    for command, *arguments in commands:
        parsed = root.commands[command].make_context(command, list(arguments))
        assert parsed.params["behind_proxy"] is True


def test_the_service_may_do_little() -> None:
    for name in ("underseal.service", "underseal-backup.service"):
        service = unit(name)["Service"]
        assert service["User"] == "underseal"
        assert service["ProtectSystem"] == "strict"
        assert service["NoNewPrivileges"] == "yes"
        assert service["CapabilityBoundingSet"] == ""
        assert service["EnvironmentFile"] == "/etc/underseal/underseal.env"
    home = environment_file()["UNDERSEAL_HOME"]
    assert home.startswith(f"/var/lib/{unit('underseal.service')['Service']['StateDirectory']}/")
    assert unit("underseal-backup.timer")["Timer"]["Persistent"] == "true"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for program in ("bin/underseal", "bin/python", "deploy/backup.sh", "deploy/health.py"):
        file = tmp_path / "opt" / program
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n", encoding="utf-8")
        file.chmod(0o755)
    units = [file for file in SYSTEMD.iterdir() if file.suffix in {".service", ".timer"}]
    for file in units:
        text = file.read_text("utf-8").replace("/opt/underseal", str(tmp_path / "opt"))
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    assert len(units) == 3
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / file.name) for file in units)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "underseal" in line]
    assert ours == []


def engine() -> str | None:
    """A container engine whose daemon answers."""
    for name in ("docker", "podman"):
        if shutil.which(name) is None:
            continue
        found = subprocess.run([name, "info"], capture_output=True, timeout=60, check=False)
        if found.returncode == 0:
            return name
    return None


@pytest.mark.timeout(2 * BUILD_SECONDS)
def test_the_image_can_be_built_and_says_its_version() -> None:
    name = engine()
    if name is None:
        pytest.skip("neither docker nor podman answers here")
    tag = "underseal-test:0"
    file = str(DEPLOY / "Containerfile")
    subprocess.run(
        [name, "build", "--file", file, "--tag", tag, str(ROOT)], timeout=BUILD_SECONDS, check=True
    )
    hardened = ("--rm", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp", tag)
    done = subprocess.run(
        [name, "run", *hardened, "--version"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.startswith("underseal ")
