"""`underseal pull`: fetch what peers let us see."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
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
    seconds_of,
    usage_error,
)
from underseal_cli.watching import UNDER_WAY, Job, Look, bars, line_now_and_then, watched

__all__ = ["pull"]


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
    """Fetch footprints from peers and verify them.

    A pull that was interrupted goes on where it stopped. Exit status 1 if it failed for a peer.
    """
    if everyone == bool(peers):
        raise usage_error(context, "give the names of peers, or --all")
    if every is not None and as_json:
        raise usage_error(context, "--json prints one document, which --every would repeat")
    pause_seconds = None if every is None else seconds_of(context, every)
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
    if pause_seconds is None:
        raise typer.Exit(int(_once(manage, order, as_json=as_json)))
    _repeatedly(manage, order, pause_seconds, f"Again in {every}; Ctrl-C stops.")


def _repeatedly(
    manage: Manage, order: dict[str, Any], pause_seconds: int, announcement: str
) -> None:
    """Pull until Ctrl-C. Only the first failure ends it: later, a node may be restarting.

    Raises:
        CliError: the first pull could not be started.
    """
    _once(manage, order, as_json=False)
    while True:
        output.warn(announcement)
        time.sleep(pause_seconds)
        try:
            _once(manage, order, as_json=False)
        except CliError as error:
            output.warn(*error.lines())


def _once(manage: Manage, order: dict[str, Any], *, as_json: bool) -> bool:
    """Pull, and tell how far it is; returns whether a peer has failed.

    Raises:
        CliError: it cannot be started, or the node does not answer any more.
    """
    job = manage.post("/pulls", order)
    try:
        with _progress() as look:
            job = watched(manage, "/pulls", job, look)
    except KeyboardInterrupt:
        output.warn("The pull goes on in the node; `underseal received list` shows what arrives.")
        raise
    if as_json:
        output.show(job)
    else:
        for one in job["data"]:
            output.say(_summary(one))
    for one in job["data"]:
        output.warn(*(f"Alert: {one['peer']}: {alert}" for alert in one["alerts"]))
        if one.get("error"):
            output.warn(f"Error: {one['peer']}: {one['error']}")
    return bool(job["state"] == "failed")


@contextmanager
def _progress() -> Iterator[Look]:
    """A bar for each peer where somebody looks at a terminal, else a line now and then."""
    with bars(is_counted=False) as shown:
        if shown is None:
            yield line_now_and_then(
                lambda job: (_so_far(one) for one in job["data"] if one["state"] in UNDER_WAY)
            )
            return
        tasks: dict[str, Any] = {}

        def look(job: Job) -> None:
            for one in job["data"]:
                peer = one["peer"]
                if peer not in tasks:
                    tasks[peer] = shown.add_task("", total=None)
                shown.update(tasks[peer], description=output.visible(_so_far(one)))

        yield look


def _so_far(progress: dict[str, Any]) -> str:
    if progress["state"] == "waiting":
        return f"{progress['peer']}: waiting"
    return f"{progress['peer']}: {progress['received']} footprints on {progress['pages']} pages"


def _summary(progress: dict[str, Any]) -> str:
    """Such as `acme: 12 footprints: 11 verified, 1 invalid; 2 new, 10 unchanged`."""
    received = progress["received"]
    text = f"{progress['peer']}: {received} footprint{'' if received == 1 else 's'}"
    if progress.get("error"):
        text += " before it failed"
    if not received:
        return text
    news = {
        "new": received - progress["changed"] - progress["unchanged"],
        "changed": progress["changed"],
        "unchanged": progress["unchanged"],
    }
    states = {name: progress[name] for name in ("verified", "unsigned", "invalid")}
    return f"{text}: {_counted(states)}; {_counted(news)}"


def _counted(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items() if number)
