"""Real nodes on this machine: processes of their own, throw-away certificates, free ports.

Used by `underseal demo` and by the tests that need more than one company.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme

__all__ = ["DemoError", "NodeProcess", "Workbench"]

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.05
COMMAND_TIMEOUT_SECONDS = 90.0
LOG_TAIL_CHARACTERS = 2_000
HOST = "localhost"


class DemoError(Exception):
    """Something in the demo is not as it should be; the message says what."""


class NodeProcess:
    """One company's node in a process of its own.

    Attributes:
        run_process: runs its commands, as `subprocess.run`.
        start_process: starts it, as `subprocess.Popen`.

    Args:
        name: a short name, used for the home directory and the log file.
        directory: where home directory and log go.
        port: the public port on 127.0.0.1.
        manage_port: the management port on 127.0.0.1.
        environment: the environment of the processes.
        public_port: the port that peers are told, when something stands in front of the node.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        port: int,
        manage_port: int,
        environment: Mapping[str, str],
        public_port: int | None = None,
    ) -> None:
        self.name = name
        self.home = directory / name
        self.port = port
        self.manage_port = manage_port
        self.url = f"https://{HOST}:{public_port or port}"
        self.log_file = directory / f"{name}.log"
        self.environment = dict(environment)
        self.run_process: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run
        self.start_process: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"NodeProcess({self.name!r}, {self.url!r})"

    @property
    def pid(self) -> int:
        """The process id of the running node.

        Raises:
            DemoError: it is not running.
        """
        if self._process is None:
            raise DemoError(f"the node {self.name} is not running")
        return self._process.pid

    @property
    def tls_cert(self) -> Path:
        return self._directory / "tls-cert.pem"

    @property
    def tls_key(self) -> Path:
        return self._directory / "tls-key.pem"

    @property
    def ca_file(self) -> Path:
        return self._directory / "ca.pem"

    def init(self, company: str, company_ids: Sequence[str]) -> None:
        """Create the home directory with `underseal init`."""
        ids = [part for urn in company_ids for part in ("--company-id", urn)]
        self.run("init", "--company", company, *ids, "--url", self.url)

    def command(self, *arguments: str) -> list[str]:
        """The command line of `underseal` for this node."""
        return [sys.executable, "-m", "underseal_cli.main", "--home", str(self.home), *arguments]

    def run(
        self, *arguments: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one `underseal` command for this node.

        Args:
            arguments: what follows `--home DIR`.
            check: whether another exit status than 0 is an error.
            stdin: what the command reads.

        Raises:
            DemoError: the command failed and `check` is set.
        """
        done = self.run_process(
            self.command(*arguments),
            env=self.environment,
            cwd=self._directory,
            input=stdin or "",
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )
        if check and done.returncode != 0:
            words = " ".join(arguments)
            raise DemoError(f"`underseal {words}` failed: {(done.stderr or done.stdout).strip()}")
        return done

    def json(self, *arguments: str) -> Any:
        """Run a command with `--json` and return what it prints."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def look(self, path: str) -> Any:
        """`GET` from the management listener: quicker than a command when something is awaited.

        Raises:
            DemoError: the answer is an error.
        """
        token = (self.home / "secrets" / "operator.token").read_text(encoding="utf-8").strip()
        connection = http.client.HTTPConnection("127.0.0.1", self.manage_port, timeout=30)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise DemoError(f"GET {path} at {self.name}: {answer.status} {body}")
        return json.loads(body)

    def start(self, *options: str) -> None:
        """Start `underseal serve` and wait until it answers.

        Args:
            options: further options of `serve`.

        Raises:
            DemoError: it stopped, or did not answer in time; with the end of its log.
        """
        self.launch(*options)
        self.wait()

    def launch(self, *options: str) -> None:
        """Start `underseal serve` without waiting."""
        command = self.command(
            *("serve", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--manage-port", str(self.manage_port)),
            *("--tls-cert", str(self.tls_cert), "--tls-key", str(self.tls_key)),
            *options,
        )
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C reaches the demo, which then stops its nodes in order,
            # and everything a node started can be ended with it.
            self._process = self.start_process(
                command,
                env=self.environment,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until both listeners answer."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not (self._answers() and self._manageable()):
            if self._process is None or self._process.poll() is not None:
                raise DemoError(f"the node {self.name} stopped while starting\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise DemoError(f"the node {self.name} does not answer\n{self.log_tail()}")
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(HOST, self.port)
        try:
            # Wrapped before it is connected: around a connection that is reset at this moment,
            # `ssl` leaves a socket open that nobody has.
            connection.sock = context.wrap_socket(socket.socket(), server_hostname=HOST)
            connection.sock.settimeout(5)
            connection.sock.connect((HOST, self.port))
            # The Host is the one that peers use, also when something stands in front.
            connection.request("GET", "/health", headers={"Host": self.url.split("//")[1]})
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    def _manageable(self) -> bool:
        if not (self.home / "run" / "node.json").exists():
            return False
        try:
            socket.create_connection(("127.0.0.1", self.manage_port), timeout=5).close()
        except OSError:
            return False
        return True

    def log_tail(self) -> str:
        """The end of what the node wrote."""
        if not self.log_file.exists():
            return ""
        return self.log_file.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARACTERS:]

    def kill(self) -> None:
        """End the node and everything it started at once, as a power cut would."""
        if self._process is not None:
            _signal_session(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def ask_to_stop(self) -> None:
        """Ask the node to end, without waiting for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """Ask the node to end, and make sure that nothing of it is left."""
        if self._process is None:
            return
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_SECONDS)
        _signal_session(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


class Workbench:
    """A temporary directory with a certificate authority, and the nodes that run in it.

    Leaving it stops every node and removes the directory.

    Args:
        keep_directory: whether the directory stays.
    """

    def __init__(self, *, keep_directory: bool = False) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="underseal-"))
        self.nodes: dict[str, NodeProcess] = {}
        self._keep_directory = keep_directory
        self._reserved: set[int] = set()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        leaf = authority.issue_cert(HOST, "127.0.0.1", "::1")
        leaf.private_key_pem.write_to_path(self.directory / "tls-key.pem")
        with (self.directory / "tls-cert.pem").open("wb") as file:
            for certificate in leaf.cert_chain_pems:
                file.write(certificate.bytes())

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.pem"

    def environment(self) -> dict[str, str]:
        """The environment of the nodes: nothing of the caller's own Underseal settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSEAL_")}
        return inherited | {
            "UNDERSEAL_ALLOW_PRIVATE_NETWORKS": "true",
            "UNDERSEAL_CA_FILE": str(self.ca_file),
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
        }

    def server_context(self) -> ssl.SSLContext:
        """TLS for another server on localhost."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "tls-cert.pem", self.directory / "tls-key.pem")
        return context

    def client_context(self) -> ssl.SSLContext:
        """TLS for a client that trusts this authority and no other."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def free_port(self) -> int:
        """A port on 127.0.0.1 that nobody listens on, never the same one twice."""
        for port in _free_ports():
            if port not in self._reserved:
                self._reserved.add(port)
                return port
        raise AssertionError("unreachable")

    def node(
        self,
        name: str,
        *,
        public_port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> NodeProcess:
        """A node that is neither initialised nor started.

        Args:
            name: its short name.
            public_port: the port of what stands in front of it, if anything does.
            settings: further settings, by their names in lower case.
        """
        extra = {f"UNDERSEAL_{key.upper()}": value for key, value in (settings or {}).items()}
        node = NodeProcess(
            name,
            self.directory,
            port=self.free_port(),
            manage_port=self.free_port(),
            environment=self.environment() | extra,
            public_port=public_port,
        )
        self.nodes[name] = node
        return node

    def start_all(self) -> None:
        """Start every node, all at the same time."""
        for node in self.nodes.values():
            node.launch()
        for node in self.nodes.values():
            node.wait()

    def close(self) -> None:
        """Stop every node, and remove the directory unless it is kept."""
        with contextlib.ExitStack() as stack:  # whatever fails, the others are stopped
            if not self._keep_directory:
                stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            for node in self.nodes.values():
                stack.callback(node.stop)
            for node in self.nodes.values():
                node.ask_to_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _free_ports() -> Iterator[int]:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            yield probe.getsockname()[1]


def _signal_session(leader: int, number: signal.Signals) -> None:
    """Signal every process of a session: a node and what it started, each in a group of its own."""
    members = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    for pid in members or [leader]:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it may have ended
            if os.getsid(pid) == leader:
                os.kill(pid, number)
