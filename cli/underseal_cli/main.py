"""The `underseal` command."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer
import typer.main

from underseal_cli import (
    attest,
    audit,
    backup,
    calculations,
    console,
    declarations,
    demo_command,
    doctor,
    drafts,
    endorsements,
    energy,
    footprints,
    grants,
    init,
    keys,
    match,
    migrate_store,
    move,
    openings,
    outbox,
    output,
    peers,
    products,
    pull,
    received,
    requests,
    restore,
    rosters,
    seals,
    serve,
    spend,
    verify,
)
from underseal_cli.errors import CliError
from underseal_cli.manage_client import default_home
from underseal_protocol.errors import ProtocolError

__all__ = ["app", "main"]

FAILED = 1
USAGE = 2
INTERRUPTED = 130

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
app.command()(console.console)
drafts.register(footprints.app)
app.add_typer(footprints.app, name="footprint")
calculations.register(products.app)
drafts.register_product(products.app)
seals.register(products.app)
declarations.register(peers.app)
app.add_typer(products.app, name="product")
app.add_typer(products.factors, name="factor")
app.command()(match.match)
app.command()(calculations.status)
app.add_typer(energy.app, name="energy")
app.add_typer(spend.app, name="spend")
app.add_typer(peers.app, name="peer")
app.add_typer(grants.app, name="grant")
app.command()(pull.pull)
app.add_typer(received.app, name="received")
app.add_typer(requests.app, name="request")
app.add_typer(endorsements.app, name="endorsement")
app.add_typer(rosters.app, name="roster")
app.add_typer(outbox.app, name="outbox")
app.add_typer(doctor.alerts, name="alert")
app.add_typer(keys.app, name="key")
app.command()(move.move)
openings.register(audit.app)
app.add_typer(audit.app, name="audit")
app.command()(verify.verify)
app.command()(attest.attest)
app.command()(backup.backup)
app.command()(restore.restore)
app.command()(migrate_store.migrate_store)
app.command()(demo_command.demo)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        output.say(f"underseal {version('underseal')}")
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
    as_json: Annotated[
        bool, typer.Option("--json", help="As the option --json of the command.")
    ] = False,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Exchange product carbon footprints without opening your books."""
    context.obj = (home or default_home()).expanduser().absolute()
    if as_json:
        context.default_map = _json_everywhere(context.command)


def _json_everywhere(command: Any) -> dict[str, Any]:
    """Defaults that switch `--json` on for every command below this one."""
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        return {"as_json": True}
    return {name: _json_everywhere(each) for name, each in subcommands.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: of the command line, without the name of the program.

    Returns:
        0 done, 1 refused or failed with a message, 2 usage, 130 interrupted.
    """
    if arguments is None:
        sys.excepthook = _unexpected
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        status = _run(given)
        if status == USAGE and _has_late_home(given):
            _tell(["--home DIR stands before the command: underseal --home DIR COMMAND ..."])
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read our output has seen enough
        _end_output()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _end_output()
        _tell(output.unwritable(error).lines())
    return FAILED


def _run(arguments: list[str]) -> int:
    try:
        # Calling `app` itself would put a hook of its own in the place of `_unexpected`.
        command = typer.main.get_command(app)
        command(args=arguments, prog_name="underseal")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except CliError as error:
        _tell(error.lines())
        return error.status
    except ProtocolError as error:
        _tell([f"Error: {error.message}", *([error.hint] if error.hint else [])])
        return FAILED
    except UnicodeEncodeError:
        _tell(["Error: an argument is not text in UTF-8", "Check what the shell passes on."])
        return FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC and not error.filename:  # of the help, written by typer
            raise
        where = f"{error.filename}: " if error.filename else ""
        _tell([f"Error: {where}{error.strerror or error}"])
        return FAILED
    return 0


def _has_late_home(arguments: Sequence[str]) -> bool:
    """Whether `--home` stands behind the command, where it is no option."""
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] == "--home" else 1]
    return any(one.partition("=")[0] == "--home" for one in rest)


def _tell(lines: Sequence[str]) -> None:
    """Say what is wrong, if anything can be said."""
    with contextlib.suppress(CliError):
        output.warn(*lines)


def _end_output() -> None:
    """What could not be written is not tried again when the process ends."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)


def _unexpected(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """What nobody foresaw is a defect; still a sentence, not a traceback."""
    frames = traceback.extract_tb(trace)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    output.warn(
        f"Error: this should not have happened: {kind.__name__}: {error}{where}",
        "Please report it, with the command that you ran.",
    )


if __name__ == "__main__":
    sys.exit(main())
