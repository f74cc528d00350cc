"""What examples/deploy describes is started: command, environment, proxy, health check, backup.

Containers and systemd are not needed for that: places and addresses of theirs are exchanged for
some of this machine, everything else is taken from the files as it stands there.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from tests.examples.test_deploy_files import DEPLOY, ROOT, environment_file, unit
from tests.postgresql import NEEDS_POSTGRESQL, a_database, a_server

from underseal_cli.demo_nodes import Workbench
from underseal_cli.demo_proxy import ReverseProxy

pytestmark = [NEEDS_POSTGRESQL, pytest.mark.xdist_group("deploy"), pytest.mark.timeout(300)]

PATIENCE_SECONDS = 90.0
PORT = "8443"
ROLE = "underseal"
IDENTITY = ("--company", "Wierzbolit Katody", "--company-id", "urn:lei:999900WIERZBOLITKA02")
FOOTPRINTS = ROOT / "examples" / "battery" / "footprints" / "wierzbolit"
HEADER = re.compile(r"proxy_set_header (\S+) (\S+);")


@dataclass
class Deployment:
    """What one of the two ways says, with the places of this machine in it.

    Attributes:
        environment: of the node.
        serve: the command that runs it.
        health: the command that asks whether it answers.
        backup: the command that makes backups.
        stop_seconds: how long it may take to stop.
        exchanged: text of the files -> what it is on this machine.
    """

    environment: dict[str, str]
    serve: list[str]
    health: list[str]
    backup: list[str]
    stop_seconds: float
    exchanged: Mapping[str, str]
    extra: dict[str, str] = field(default_factory=dict)

    def here(self, value: object) -> str:
        """A text of the files as it is on this machine."""
        written = str(value)
        for one, other in self.exchanged.items():
            # A port is not what happens to stand in the name of a backup.
            bounds = r"(?<!\d){}(?!\d)" if one.isdigit() else "{}"
            written = other.join(re.split(bounds.format(re.escape(one)), written))
        return written

    @property
    def variables(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSEAL_")}
        inherited["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
        named = {key: self.here(value) for key, value in self.environment.items()}
        return inherited | named | self.extra

    def command(self, words: list[str]) -> list[str]:
        return [self.here(word) for word in words]

    def run(self, words: list[str], *, check: bool = True) -> str:
        done = subprocess.run(
            self.command(words),
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout

    def underseal(self, *words: str) -> str:
        return self.run(["underseal", *words])

    @contextlib.contextmanager
    def running(self, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """The node, until its health check says that it answers; stopped as the files say."""
        with log.open("ab") as stream:
            process = subprocess.Popen(
                self.command(self.serve),
                env=self.variables,
                stdout=stream,
                stderr=stream,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while subprocess.run(
                self.command(self.health), env=self.variables, capture_output=True, check=False
            ).returncode:
                assert process.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < until, log.read_text("utf-8")
                time.sleep(0.2)
            while not (Path(self.variables["UNDERSEAL_HOME"]) / "run" / "node.json").exists():
                assert time.monotonic() < until, log.read_text("utf-8")
                time.sleep(0.1)
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(self.stop_seconds) == 0, log.read_text("utf-8")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Proxy(ReverseProxy):
    """Does what nginx.conf says: ends TLS, and sets the headers that are set there."""

    def __init__(self, bench: Workbench, port: int, upstream_port: int) -> None:
        values = {
            "$http_host": f"localhost:{port}",
            "$scheme": "https",
            "$remote_addr": "127.0.0.1",
        }
        config = (DEPLOY / "nginx.conf").read_text("utf-8")
        found = {
            name: values.get(value, value.strip('"')) for name, value in HEADER.findall(config)
        }
        assert {"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For"} <= set(found)
        self.request_headers = {name: value for name, value in found.items() if value}
        super().__init__(
            port, upstream_port, server_context=bench.server_context(), client_context=None
        )


@pytest.fixture(scope="module")
def server() -> Iterator[URL]:
    with a_server() as url:
        yield url


@dataclass
class Machine:
    """Places, ports and databases for a deployment."""

    directory: Path
    bench: Workbench
    server: URL
    stack: contextlib.ExitStack
    password: str
    proxy_port: int
    node_port: int

    def database(self) -> str:
        """The URL of a new database of the role, without the password."""
        admin = self.stack.enter_context(a_database(self.server))
        run_as_admin(self.server, f"ALTER DATABASE {make_url(admin).database} OWNER TO {ROLE}")
        url = make_url(admin)
        return URL.create(
            "postgresql", ROLE, None, url.host, url.port, url.database, url.query
        ).render_as_string()

    def exchanged(self, database: str) -> dict[str, str]:
        return {
            f"postgresql://{ROLE}@database/underseal": database,
            f"postgresql://{ROLE}@127.0.0.1/underseal": database,
            "/var/lib/underseal": str(self.directory / "lib"),
            "/var/backups/underseal": str(self.directory / "backups"),
            "/run/secrets": str(self.directory / "secrets"),
            "/etc/underseal": str(self.directory / "secrets"),
            "/opt/underseal/deploy": str(DEPLOY),
            "/opt/underseal/bin": str(Path(sys.executable).parent),
            "172.30.83.0/24": "127.0.0.1",  # where the proxy is, here
            PORT: str(self.node_port),
        }

    @property
    def url(self) -> str:
        return f"https://localhost:{self.proxy_port}"

    def proxied(self) -> Proxy:
        return Proxy(self.bench, self.proxy_port, self.node_port)

    def ask(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        connection = http.client.HTTPSConnection(
            "localhost", self.proxy_port, timeout=30, context=self.bench.client_context()
        )
        connection.request(method, path, **given)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
        connection.close()
        return status, json.loads(body)


def run_as_admin(server: URL, *statements: str) -> None:
    engine = create_engine(
        server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def machine(tmp_path: Path, server: URL) -> Iterator[Machine]:
    password = secrets.token_hex(24)
    run_as_admin(server, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'")
    with contextlib.ExitStack() as stack:
        stack.callback(run_as_admin, server, f"DROP ROLE {ROLE}")
        bench = stack.enter_context(Workbench())
        for name in ("lib", "backups", "secrets"):
            (tmp_path / name).mkdir()
        files = {
            "database-password": password,
            "master-key": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        for name, content in files.items():
            (tmp_path / "secrets" / name).write_text(content + "\n", encoding="utf-8")
        ports = bench.free_port(), bench.free_port()
        yield Machine(tmp_path, bench, server, stack, password, *ports)


def settings_of_the_test(machine: Machine) -> dict[str, str]:
    """Not of the deployment: the node calls itself, on this machine and with a CA of its own."""
    return {
        "UNDERSEAL_MANAGE_PORT": str(machine.bench.free_port()),
        "UNDERSEAL_ALLOW_PRIVATE_NETWORKS": "true",
        "UNDERSEAL_CA_FILE": str(machine.bench.ca_file),
    }


def by_compose(machine: Machine, database: str) -> Deployment:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    node, backup = compose["services"]["node"], compose["services"]["backup"]
    image = (DEPLOY / "Containerfile").read_text("utf-8")
    (home,) = re.findall(r"UNDERSEAL_HOME=(\S+)", image)
    test = node["healthcheck"]["test"]
    assert test[0] == "CMD"
    return Deployment(
        {"UNDERSEAL_HOME": home, **node["environment"]},
        ["underseal", *node["command"]],
        test[1:],
        [*backup["entrypoint"], *backup["command"]],
        float(node["stop_grace_period"].rstrip("s")),
        machine.exchanged(database),
        settings_of_the_test(machine),
    )


def by_systemd(machine: Machine, database: str) -> Deployment:
    service = unit("underseal.service")["Service"]
    return Deployment(
        environment_file(),
        service["ExecStart"].split(),
        service["ExecStartPost"].split(),
        unit("underseal-backup.service")["Service"]["ExecStart"].split(),
        float(service["TimeoutStopSec"]),
        machine.exchanged(database),
        settings_of_the_test(machine),
    )


def sell(machine: Machine, deployment: Deployment) -> None:
    """A customer gets the footprints that it was granted, through the proxy."""
    deployment.underseal("footprint", "import", *map(str, sorted(FOOTPRINTS.glob("*.json"))))
    issued = json.loads(deployment.underseal("peer", "add", "buyer", "--json"))
    deployment.underseal("grant", "add", "buyer", "--all", "--level", "total")
    pair = f"{issued['client_id']}:{issued['client_secret']}"
    headers = {
        "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    status, token = machine.ask(
        "POST", "/auth/token", body="grant_type=client_credentials", headers=headers
    )
    assert status == 200, token
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    status, page = machine.ask("GET", "/3/footprints", headers=bearer)
    assert (status, len(page["data"])) == (200, 4)


@pytest.mark.parametrize("way", [by_compose, by_systemd], ids=["compose", "systemd"])
def test_what_the_files_describe_runs(machine: Machine, way: Any) -> None:
    database = machine.database()
    deployment = way(machine, database)
    log = machine.directory / "node.log"
    deployment.underseal("init", *IDENTITY, "--url", machine.url)
    assert not (machine.directory / "lib" / "node" / "underseal.db").exists()
    with deployment.running(log) as process, machine.proxied():
        status, found = machine.ask("GET", "/.well-known/openid-configuration")
        assert (status, found["issuer"]) == (200, machine.url)
        sell(machine, deployment)
        checks = json.loads(deployment.run(["underseal", "doctor", "--json"], check=False))["data"]
        problems = [one for one in checks if one["result"] == "problem"]
        assert problems == []
        archive = backed_up(machine, deployment)
        assert len(children_of(process.pid)) == 3  # two workers and the management process
    assert machine.password not in log.read_text("utf-8")
    if way is by_compose:
        restored(machine, archive, log)


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def backed_up(machine: Machine, deployment: Deployment) -> Path:
    """A backup made by the command of the files."""
    directory = machine.directory / "backups"
    process = subprocess.Popen(deployment.command(deployment.backup), env=deployment.variables)
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while not list(directory.glob("*.backup")):
            assert time.monotonic() < until
            assert process.poll() in (None, 0)
            time.sleep(0.1)
        if "--every" in deployment.backup:
            time.sleep(0.5)
            assert process.poll() is None  # waits for the next one
            process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
    (archive,) = directory.glob("*.backup")
    return archive


def restored(machine: Machine, archive: Path, log: Path) -> None:
    """As docs/how-to/deploy.md says: restore into new volumes, move, start."""
    (machine.directory / "lib").rename(machine.directory / "lost")
    (machine.directory / "lib").mkdir()
    database = machine.database()
    deployment = by_compose(machine, database)
    deployment.underseal("restore", str(archive))
    deployment.underseal("migrate-store", "--to", database)
    assert machine.password not in (
        machine.directory / "lib" / "node" / "underseal.toml"
    ).read_text("utf-8")
    with deployment.running(log), machine.proxied():
        listed = json.loads(deployment.underseal("footprint", "list", "--json"))["data"]
        assert len(listed) == 4
        status, _ = machine.ask("GET", "/.well-known/did.json")
        assert status == 200


@pytest.mark.parametrize("works", [True, False])
def test_old_backups_go_when_a_new_one_is_there(tmp_path: Path, works: bool) -> None:
    program = tmp_path / "underseal"
    program.write_text(f"#!/bin/sh\n{'echo new > $2' if works else 'exit 1'}\n", encoding="utf-8")
    program.chmod(0o755)
    directory = tmp_path / "backups"
    directory.mkdir()
    days = 24 * 3600
    for name, age in (("old.backup", 30), ("young.backup", 3), ("old.txt", 30)):
        (directory / name).write_text(name, encoding="utf-8")
        moment = time.time() - age * days
        os.utime(directory / name, (moment, moment))
    done = subprocess.run(
        [str(DEPLOY / "backup.sh"), "--keep-days", "14", str(directory)],
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == (0 if works else 1)
    kept = {file.name for file in directory.iterdir()}
    assert ("old.backup" in kept) is not works
    assert {"young.backup", "old.txt"} < kept if works else kept == {
        "old.backup", "young.backup", "old.txt",
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["--other", "1", "x"], ["a", "b", "c"]])
def test_a_backup_that_is_asked_for_wrongly_is_not_made(arguments: list[str]) -> None:
    done = subprocess.run(
        [str(DEPLOY / "backup.sh"), *arguments], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 2
