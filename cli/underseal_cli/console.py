"""`underseal console`: opens the web pages of the node."""

from __future__ import annotations

import sys
import webbrowser
from typing import Annotated

import typer

from underseal_cli import output
from underseal_cli.options import Json, manage_of

__all__ = ["console"]


def console(
    context: typer.Context,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Only show the link, in no browser.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open the console in a browser. The link signs in once, within a minute."""
    manage = manage_of(context)
    made = manage.post("/console/links")
    url = manage.address_of(made["path"])
    if as_json:
        output.show({"url": url, "seconds": made["seconds"]})
        return
    if not no_open and output.is_terminal(sys.stdout) and webbrowser.open(url):
        output.say("The console opens in your browser.")
        return
    output.say(url, f"Open it in a browser within {made['seconds']} seconds; it works once.")
