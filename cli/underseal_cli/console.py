"""`underseal console`: opens the web pages of the node."""

from __future__ import annotations

import os
import sys
import webbrowser
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from underseal_cli import output
from underseal_cli.options import Json, home_of, manage_of

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
    if not no_open and output.is_terminal(sys.stdout) and _opened(home_of(context), url):
        output.say("The console opens in your browser.")
        return
    output.say(url, f"Open it in a browser within {made['seconds']} seconds; it works once.")


def _opened(home: Path, url: str) -> bool:
    """Open a link in a browser, by way of a file that only the operator can read.

    The arguments of a browser's process can be read by everybody on the machine, and the link is
    good for whoever is first.
    """
    file = (home / "run" / "console.html").absolute()
    refresh = f'<meta http-equiv="refresh" content="0;url={escape(url)}">'
    page = f'<!doctype html><meta charset="utf-8"><title>Underseal</title>{refresh}'
    try:
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(page)
    except OSError:
        return False
    return webbrowser.open(file.as_uri())
