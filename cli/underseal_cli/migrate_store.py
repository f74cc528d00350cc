"""`underseal migrate-store`: from the SQLite file in the home to a PostgreSQL."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from underseal_cli import output
from underseal_cli.errors import CliError
from underseal_cli.options import Json, home_of, usage_error

if TYPE_CHECKING:
    from underseal_node.moving import Look, StoreMoved
    from underseal_node.store.moving import Stage

__all__ = ["migrate_store"]

SCHEME = "postgresql"
LINE_SECONDS = 5.0


def migrate_store(
    context: typer.Context,
    to: Annotated[
        str, typer.Option("--to", metavar="URL", help="postgresql://USER@HOST[:PORT]/DATABASE.")
    ],
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="Its first line is the password; the node goes on reading it there.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Move the data of a stopped node from SQLite to an empty PostgreSQL.

    Goes on where it was when it is interrupted. Every row is compared before the node uses it.
    """
    from underseal_node.errors import NodeError
    from underseal_node.home import Home
    from underseal_node.moving import move_store

    if to.partition(":")[0].partition("+")[0] != SCHEME:
        raise usage_error(context, "--to is not the URL of a PostgreSQL")
    home = Home(home_of(context))
    file = None if password_file is None else password_file.absolute()
    try:
        with _progress() as look:
            moved = move_store(home, to, look=look, password_file=file)
    except NodeError as error:
        raise CliError(error.message, hint=error.hint) from error
    if as_json:
        output.show(_document(moved))
    else:
        output.say(*_sentences(moved, home.config_file))


def _document(moved: StoreMoved) -> dict[str, Any]:
    return {
        "database": moved.database,
        "tables": [
            {"name": one.name, "rows": one.rows, "sha256": one.digest} for one in moved.rows.tables
        ],
        "resumed": moved.rows.is_resumed,
        "copiedAgain": moved.rows.is_again,
        "wasComplete": moved.rows.was_complete,
        "kept": str(moved.kept),
        "inEnvironment": moved.is_in_environment,
    }


def _sentences(moved: StoreMoved, config: Path) -> Iterator[str]:
    if moved.rows.is_again:
        yield "The home had changed since the last try, so everything was copied anew."
    elif moved.rows.is_resumed:
        yield "It went on where the last try had ended."
    rows = sum(one.rows for one in moved.rows.tables)
    yield (
        f"{rows} rows in {len(moved.rows.tables)} tables are in {moved.database}, each compared "
        "with what was in the home."
    )
    yield f"The node uses it from its next start on: {config} says so."
    if moved.is_in_environment:
        yield "UNDERSEAL_DATABASE_URL of the environment, which wins over that, names it, too."
    else:
        yield "Where the node gets UNDERSEAL_DATABASE_URL from its environment, change it there."
    yield f"The SQLite file is kept as {moved.kept}. Delete it when you have made a backup."


@contextmanager
def _progress() -> Iterator[Look]:
    """A bar where somebody looks at a terminal, else a line now and then."""
    if not output.is_terminal(sys.stderr):
        yield _line_now_and_then()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=output.console(sys.stderr), transient=True) as bars:
        task = bars.add_task("", total=None)

        def look(stage: Stage, table: str, done: int, total: int) -> None:
            bars.update(
                task, description=f"{stage.value}: {table}", completed=done, total=max(total, 1)
            )

        yield look


def _line_now_and_then() -> Look:
    told: list[Any] = [None, 0.0]  # the stage, and when

    def look(stage: Stage, table: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage is not told[0] or now - told[1] >= LINE_SECONDS:
            told[:] = stage, now
            output.warn(f"{stage.value}: {table}, {done} of {total} rows")

    return look
