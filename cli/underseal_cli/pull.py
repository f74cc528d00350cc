"""`underseal pull`: fetch what peers let us see."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from underseal_cli import output
from underseal_cli.errors import CliError
from underseal_cli.manage_client import Manage
from underseal_cli.options import (
    Classifications,
    Companies,
    Geographies,
    Json,
    Products,
    Statuses,
    ValidAfter,
    ValidBefore,
    ValidOn,
    criteria,
    manage_of,
)

__all__ = ["pull"]

POLL_SECONDS = 0.2
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION = re.compile(r"([1-9][0-9]*)([smhd])")
UNDER_WAY = ("waiting", "running")

Look = Callable[[dict[str, Any]], None]


def pull(
    context: typer.Context,
    peers: Annotated[
        list[str] | None, typer.Argument(metavar="[PEER]...", help="From whom.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="From all peers.")] = False,
    every: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Again and again, such as 6h, until Ctrl-C."),
    ] = None,
    product_id: Products = None,
    company_id: Companies = None,
    geography: Geographies = None,
    classification: Classifications = None,
    status: Statuses = None,
    valid_on: ValidOn = None,
    valid_after: ValidAfter = None,
    valid_before: ValidBefore = None,
    as_json: Json = False,
) -> None:
    """Fetch footprints from peers and verify them; an interrupted pull goes on where it stopped."""
    pause = None if every is None else seconds_of(every)
    wanted = criteria(
        product_id,
        company_id,
        geography,
        classification,
        status,
        valid_on,
        valid_after,
        valid_before,
    )
    order = {"peers": peers or [], "everything": everyone, "criteria": wanted}
    manage = manage_of(context)
    while True:
        has_failed = _once(manage, order, as_json=as_json)
        if pause is None:
            raise typer.Exit(int(has_failed))
        output.warn(f"Again in {every}; Ctrl-C stops.")
        time.sleep(pause)


def seconds_of(text: str) -> int:
    """A duration such as `90s`, `15m`, `6h` or `1d` in seconds.

    Raises:
        CliError: it is none.
    """
    found = DURATION.fullmatch(text)
    if found is None:
        raise CliError(f"{text!r} is no duration", hint="Write it as 90s, 15m, 6h or 1d.")
    return int(found[1]) * UNITS[found[2]]


def _once(manage: Manage, order: dict[str, Any], *, as_json: bool) -> bool:
    """Pull, and tell how far it is; returns whether a peer has failed."""
    job = manage.post("/pulls", order)
    with _progress() as look:
        while job["state"] in UNDER_WAY:
            look(job)
            time.sleep(POLL_SECONDS)
            job = manage.get(f"/pulls/{job['id']}")
        look(job)
    if as_json:
        output.show(job)
    else:
        for one in job["data"]:
            _print(one)
    return bool(job["state"] == "failed")


@contextmanager
def _progress() -> Iterator[Look]:
    """A bar for each peer, where somebody looks at a terminal."""
    if not sys.stderr.isatty():
        yield lambda job: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=output.console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def look(job: dict[str, Any]) -> None:
            for one in job["data"]:
                text = f"{one['peer']}: {one['received']} footprints on {one['pages']} pages"
                if one["peer"] not in tasks:
                    tasks[one["peer"]] = bars.add_task(text, total=None)
                bars.update(tasks[one["peer"]], description=text)

        yield look


def _print(progress: dict[str, Any]) -> None:
    counts = [
        f"{progress[name]} {name}"
        for name in ("verified", "unsigned", "invalid")
        if progress[name] or name == "verified"
    ]
    output.say(
        f"{progress['peer']}: {progress['received']} received: {', '.join(counts)}; "
        f"{progress['unchanged']} unchanged"
    )
    output.warn(*(f"Alert: {one}" for one in progress["alerts"]))
    if progress.get("error"):
        output.warn(f"Error: {progress['peer']}: {progress['error']}")
