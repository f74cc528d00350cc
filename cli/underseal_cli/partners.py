"""`underseal peer approve`, `reject`, `suspend`, ...: the moves of a partnership."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.manage_client import segment
from underseal_cli.options import Json, manage_of
from underseal_cli.peer_view import print_summary, print_words

__all__ = ["approve", "confirm", "reject", "resume", "revoke", "rotate", "suspend"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the peer.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Told to the peer, and kept.")
]

Words = Annotated[
    str | None,
    typer.Option("--words", metavar="WORDS", help="As they were read out; compared for you."),
]


def approve(context: typer.Context, name: Name, words: Words = None, as_json: Json = False) -> None:
    """Approve a partnership that waits for us.

    The address that was registered has to show the keys that were registered. A node that cannot
    be called is approved with the words that a person there has read out.
    """
    peer = _moved(context, name, "approve", _given(words))
    text = f"{name} is a partner now: both sides can call each other."
    if not peer["isReached"]:
        text = f"{name} is approved here; that both sides can call each other is not known yet."
    _show(peer, text, as_json=as_json)
    if not as_json:
        print_words(manage_of(context), peer)


def reject(context: typer.Context, name: Name, reason: Reason, as_json: Json = False) -> None:
    """Reject a partnership that waits for us."""
    peer = _moved(context, name, "reject", {"reason": reason})
    _show(peer, f"{name} is rejected; its node will be told.", as_json=as_json)


def suspend(
    context: typer.Context,
    name: Name,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="For your own memory.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let a peer see nothing, and call it no more, for a time."""
    peer = _moved(context, name, "suspend", {"reason": reason} if reason else {})
    text = (
        f"{name} is suspended: nothing is shown or sent to it until\n"
        f"underseal peer resume {shlex.quote(name)}"
    )
    _show(peer, text, as_json=as_json)


def resume(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """End a suspension; or ask a peer that has ended the partnership whether that still holds."""
    _show(_moved(context, name, "resume"), f"{name} is active again.", as_json=as_json)


def revoke(context: typer.Context, name: Name, reason: Reason, as_json: Json = False) -> None:
    """End a partnership for good; what was exchanged stays."""
    peer = _moved(context, name, "revoke", {"reason": reason})
    text = f"The partnership with {name} has ended: its credentials and tokens are worth nothing."
    _show(peer, text, as_json=as_json)


def confirm(
    context: typer.Context,
    name: Name,
    words: Words = None,
    as_json: Json = False,
) -> None:
    """Say that you have compared the fingerprint words of a peer with it, over the phone.

    `underseal peer show NAME` prints the words here, `underseal key list` prints them there. Of a
    peer that is not approved yet, `--words` is needed.
    """
    peer = _moved(context, name, "confirm", _given(words))
    _show(peer, f"The keys of {name} are confirmed: {_words(peer)}", as_json=as_json)


def rotate(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Issue new credentials to a peer; the old ones work for some time beside them.

    An Underseal node is told at once. For others a new secret is shown, this once.
    """
    issued = manage_of(context).post(f"/peers/{segment(name)}/rotate")
    if as_json:
        output.show(issued)
        return
    old, new = issued["oldUntil"][:10], issued["expiresAt"][:10]
    if "clientSecret" not in issued:
        output.say(
            f"{name} has new credentials, good until {new}, and has been told.",
            f"The old ones work until {old}.",
        )
        return
    output.say(f"What {name} needs to call this node; the secret is shown this once:")
    tables.details(
        [
            ("client id", issued["clientId"]),
            ("client secret", issued["clientSecret"]),
            ("token URL", issued["tokenUrl"]),
            ("base URL", issued["baseUrl"]),
            ("good until", new),
        ]
    )
    output.say(f"The old credentials work until {old}.")


def _moved(context: typer.Context, name: str, move: str, body: Any = None) -> dict[str, Any]:
    peer: dict[str, Any] = manage_of(context).post(f"/peers/{segment(name)}/{move}", body)
    return peer


def _show(peer: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        output.show(peer)
        output.warn(*peer["warnings"])
        return
    output.say(*text.split("\n"), "")
    print_summary(peer)


def _given(words: str | None) -> dict[str, str]:
    return {} if words is None else {"words": words}


def _words(peer: dict[str, Any]) -> str:
    return str((peer.get("fingerprint") or {}).get("words", ""))
