"""The command `underseal demo`; what it plays is loaded when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the nodes up until Ctrl-C, to talk to them.")
    ] = False,
) -> None:
    """Show four companies exchanging signed footprints, each step checked."""
    from underseal_cli.demo import run_demo

    raise typer.Exit(run_demo(keep=keep))
