"""`underseal serve`: checks what was asked for, binds the sockets, hands over to the supervisor."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from underseal_node.errors import ConfigurationError
from underseal_node.home import Home, only_one, write_private
from underseal_node.logs import configure_logging
from underseal_node.metrics import clear_counts
from underseal_node.node import open_node, public_vault
from underseal_node.process import EXIT_SECONDS, MODULE, Listener, Task
from underseal_node.settings import Settings, load_settings
from underseal_node.supervisor import ChildSpec, Supervisor
from underseal_node.tls import TlsFiles, development_certificate, server_context
from underseal_node.trust.master_key import MASTER_KEY_VARIABLE

__all__ = ["Running", "run"]

log = structlog.get_logger(__name__)

BACKLOG = 2048
HTTPS_PORT = 443


@dataclass(frozen=True)
class Running:
    """A node that answers.

    Attributes:
        url: of the node, as peers know it.
        public_address: where the public listener is, `HOST:PORT`.
        manage_url: where the management listener is.
        ca_file: of the authority of the development certificate, if that is used.
    """

    url: str
    public_address: str
    manage_url: str
    ca_file: Path | None


def run(
    home: Path | str,
    *,
    host: str | None = None,
    port: int | None = None,
    manage_port: int | None = None,
    workers: int | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    dev_tls: bool = False,
    behind_proxy: bool = False,
    trusted_proxies: Sequence[str] = (),
    on_ready: Callable[[Running], None] | None = None,
) -> None:
    """Run a node until SIGTERM or SIGINT. Only for the main thread.

    What is not given comes from the settings.

    Args:
        home: the home directory.
        host: address that the public listener binds.
        port: of the public listener; 0 chooses one. By default that of the node's URL.
        manage_port: of the management listener; 0 chooses one.
        workers: how many processes serve the public listener.
        tls_cert: certificate chain of the public listener (PEM).
        tls_key: its key (PEM).
        dev_tls: make a certificate that only this machine trusts.
        behind_proxy: plain HTTP, because a proxy in front speaks TLS.
        trusted_proxies: addresses whose forwarded headers count.
        on_ready: called once, when the node answers.

    Raises:
        ConfigurationError: it cannot run like that: a port is taken, there is no certificate, ...
    """
    place = Home(home)
    place.require()
    settings = load_settings(
        place,
        host=host,
        port=port,
        manage_port=manage_port,
        workers=workers,
        tls_cert_file=tls_cert,
        tls_key_file=tls_key,
        behind_proxy=behind_proxy or None,
        trusted_proxies=tuple(trusted_proxies) or None,
    )
    configure_logging(settings.log_level)
    place.make_directories()
    with only_one(place), ExitStack() as stack:
        _serve(place, settings, dev_tls=dev_tls, on_ready=on_ready, stack=stack)


def _serve(
    home: Home,
    settings: Settings,
    *,
    dev_tls: bool,
    on_ready: Callable[[Running], None] | None,
    stack: ExitStack,
) -> None:
    node = open_node(home.path, settings=settings)  # migrates before any worker starts
    url, vault = node.identity.url, node.vault
    node.close()
    tls = _tls(home, settings, url, dev_tls=dev_tls)
    public = stack.enter_context(_listen(settings.host, _port(settings, url), "public"))
    manage = stack.enter_context(_listen(settings.manage_host, settings.manage_port, "management"))
    clear_counts(home.run)
    worker = Task(Listener.PUBLIC, home.path, settings, public_vault(vault), public.fileno(), tls)
    manager = Task(Listener.MANAGE, home.path, settings, vault, manage.fileno())
    specs = [ChildSpec("manage", MODULE, manager, (manage.fileno(),))] + [
        ChildSpec(f"public-{number}", MODULE, worker, (public.fileno(),), (MASTER_KEY_VARIABLE,))
        for number in range(1, settings.workers + 1)
    ]
    running = Running(
        url, _address(public), f"http://{_address(manage)}", tls.authority if tls else None
    )
    grace_seconds = settings.shutdown_grace_seconds + 2 * EXIT_SECONDS
    supervisor = Supervisor(specs, grace_seconds=grace_seconds)
    try:
        supervisor.run(lambda: _announce(home, settings, running, on_ready))
    finally:
        home.run_file.unlink(missing_ok=True)


def _announce(
    home: Home,
    settings: Settings,
    running: Running,
    on_ready: Callable[[Running], None] | None,
) -> None:
    content = {
        "pid": os.getpid(),
        "manage_url": running.manage_url,
        "public_url": running.url,
        "public_address": running.public_address,
    }
    write_private(home.run_file, json.dumps(content).encode() + b"\n")
    if settings.allow_private_networks:
        log.warning(
            "outgoing calls may reach loopback and private addresses",
            setting="allow_private_networks",
        )
    log.info("ready", **content, workers=settings.workers)
    if on_ready is not None:
        on_ready(running)


def _tls(home: Home, settings: Settings, url: str, *, dev_tls: bool) -> TlsFiles | None:
    """The certificate of the public listener; `None` behind a proxy.

    Raises:
        ConfigurationError: none or more than one way was chosen, or the files are no good.
    """
    has_files = settings.tls_cert_file is not None
    if has_files + dev_tls + settings.behind_proxy != 1:
        raise ConfigurationError(
            "the public listener needs a certificate"
            if not (has_files or dev_tls or settings.behind_proxy)
            else "the public listener can have one of: a certificate, a development certificate, "
            "a proxy in front",
            hint="Use --tls-cert FILE with --tls-key FILE, or --behind-proxy when a proxy speaks "
            "TLS, or --dev-tls to try things out.",
        )
    if settings.behind_proxy:
        return None
    if dev_tls:
        files = development_certificate(home.tls, url)
    else:
        assert settings.tls_cert_file is not None and settings.tls_key_file is not None  # noqa: S101, PT018
        files = TlsFiles(settings.tls_cert_file, settings.tls_key_file)
    server_context(files)
    return files


def _port(settings: Settings, url: str) -> int:
    """The port of the node's URL, unless another is set or a proxy has it."""
    if "port" in settings.model_fields_set or settings.behind_proxy:
        return settings.port
    return urlsplit(url).port or HTTPS_PORT


@contextmanager
def _listen(host: str, port: int, name: str) -> Iterator[socket.socket]:
    """A listening socket; connections queue until a worker takes them.

    Raises:
        ConfigurationError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen(BACKLOG)
        except OSError as error:
            raise ConfigurationError(
                f"the {name} listener cannot use {host} port {port}: {_reason(error)}",
                hint="Choose another port with --port or --manage-port, or stop what uses it.",
            ) from error
        yield listening


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there"
    if error.errno == errno.EACCES:
        return "this user may not listen on ports below 1024"
    return error.strerror or str(error)


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
