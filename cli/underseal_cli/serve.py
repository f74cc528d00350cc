"""`underseal serve`: run the node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from underseal_cli import output
from underseal_cli.errors import CliError
from underseal_cli.options import home_of

if TYPE_CHECKING:
    from underseal_node.serve import Running

__all__ = ["serve"]


def serve(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option(metavar="H", help="Address of the public listener.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="P", help="Of the public listener; 0 chooses one.")
    ] = None,
    manage_port: Annotated[
        int | None, typer.Option(metavar="P", help="Of the management listener; 0 chooses one.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that serve peers.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="F", help="Certificate chain (PEM), with --tls-key.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="F", help="Its key (PEM).")] = None,
    dev_tls: Annotated[
        bool, typer.Option("--dev-tls", help="A certificate made here, for trying things out.")
    ] = False,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Plain HTTP: a proxy in front speaks TLS.")
    ] = False,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDR", help="Whose forwarded headers count. Repeatable."),
    ] = None,
) -> None:
    """Run the node until Ctrl-C."""
    from underseal_node.errors import NodeError
    from underseal_node.serve import run

    try:
        run(
            home_of(context),
            host=host,
            port=port,
            manage_port=manage_port,
            workers=workers,
            tls_cert=tls_cert,
            tls_key=tls_key,
            dev_tls=dev_tls,
            behind_proxy=behind_proxy,
            trusted_proxies=trusted_proxy or (),
            on_ready=_ready,
        )
    except NodeError as error:
        raise CliError(error.message, hint=error.hint) from error


def _ready(running: Running) -> None:
    output.warn(f"Ready: peers reach this node at {running.url}. Ctrl-C stops it.")
    if running.ca_file is not None:
        output.warn(f"For trying out, give others the authority {running.ca_file} (--ca-file).")
