"""The `underseal` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from underseal_cli import (
    backup,
    demo,
    doctor,
    footprints,
    grants,
    init,
    outbox,
    peers,
    pull,
    received,
    requests,
    restore,
    serve,
    verify,
)
from underseal_cli.errors import CliError
from underseal_cli.manage_client import default_home
from underseal_protocol.errors import ProtocolError

__all__ = ["app", "main"]

app = typer.Typer(
    name="underseal",
    help="Exchange product carbon footprints without opening your books.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# In the order in which a new user needs them.
app.command()(init.init)
app.command()(serve.serve)
app.command()(doctor.doctor)
app.add_typer(footprints.app, name="footprint")
app.add_typer(peers.app, name="peer")
app.add_typer(grants.app, name="grant")
app.command()(pull.pull)
app.add_typer(received.app, name="received")
app.add_typer(requests.app, name="request")
app.add_typer(outbox.app, name="outbox")
app.add_typer(doctor.alerts, name="alert")
app.command()(verify.verify)
app.command()(backup.backup)
app.command()(restore.restore)
app.command()(demo.demo)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"underseal {version('underseal')}")
        raise typer.Exit


@app.callback()
def underseal(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            metavar="DIR",
            help="Home directory of the node; UNDERSEAL_HOME, else ~/.underseal.",
        ),
    ] = None,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Exchange product carbon footprints without opening your books."""
    context.obj = (home or default_home()).expanduser().absolute()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: of the command line, without the name of the program.

    Returns:
        0 done, 1 refused or failed with a message, 2 usage, 130 interrupted.
    """
    sys.excepthook = _unexpected
    try:
        app(args=None if arguments is None else list(arguments), prog_name="underseal")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except CliError as error:
        return _failed(error.lines())
    except ProtocolError as error:
        return _failed([f"Error: {error.message}", *([error.hint] if error.hint else [])])
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        return 1
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _failed([f"Error:{where} {error.strerror or error}".replace("  ", " ")])
    return 0


def _failed(lines: Sequence[str]) -> int:
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return 1


def _unexpected(
    kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    """What nobody foresaw is a defect; still a sentence, not a traceback."""
    sys.stderr.write(
        f"Error: this should not have happened: {kind.__name__}: {error}\n"
        "Please report it, with the command that you ran.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
