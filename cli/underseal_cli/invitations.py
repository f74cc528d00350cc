"""`underseal peer invite`, `accept` and `complete`: how partnerships begin."""

from __future__ import annotations

import json
import re
import shlex
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output
from underseal_cli.errors import CliError
from underseal_cli.files import read_input, write_whole
from underseal_cli.invitation_files import invite_many
from underseal_cli.manage_client import Manage, segment
from underseal_cli.options import Json, LevelOption, manage_of, seconds_of, usage_error
from underseal_cli.peer_view import granted_lines, instant, print_summary, print_words
from underseal_protocol.disclosure import Level

__all__ = ["accept", "complete", "invite"]

APPROVAL_SECONDS = 8.0
POLL_SECONDS = 0.25
LINK = re.compile("https://", re.IGNORECASE)
MIN_SECONDS, MAX_SECONDS = 60, 365 * 86_400


def invite(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="How to call the company.")
    ] = None,
    for_whom: Annotated[
        str | None,
        typer.Option("--for", metavar="URL_OR_LEI", help="The only company that may accept."),
    ] = None,
    pre_approve: Annotated[
        bool,
        typer.Option(
            "--pre-approve",
            help="It is a partner as soon as it accepts; needs --for with the URL of its node.",
        ),
    ] = False,
    expires: Annotated[
        str, typer.Option("--expires", metavar="TIME", help="Good for so long, such as 7d or 12h.")
    ] = "7d",
    product_id: Annotated[
        list[str] | None,
        typer.Option(
            "--grant-product-id", metavar="URN", help="Let it see this product. Repeatable."
        ),
    ] = None,
    level: LevelOption = Level.TOTAL,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="CSV",
            help="Invite many: a table with the columns name, for, product ids, level.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write it; with --from, a directory."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Invite a company to exchange footprints, node to node.

    Without --out the link is printed: send it on a way that only the company reads. An invitation
    counts once; a new one to the same company replaces it.
    """
    if (name is None) == (from_file is None):
        raise usage_error(context, "give the NAME of one company, or --from CSV for many")
    seconds = seconds_of(context, expires)
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise usage_error(context, "an invitation is good for 1m up to 365d")
    terms = {
        "forWhom": for_whom,
        "preApprove": pre_approve,
        "expiresSeconds": seconds,
        "productIds": product_id or [],
        "level": level,
    }
    manage = manage_of(context)
    if from_file is not None:
        if out is None or for_whom is not None:
            raise usage_error(context, "--from needs --out DIR, and says itself whom each is for")
        invite_many(manage, from_file, out, terms, as_json=as_json)
        return
    invitation = manage.post("/invitations", _given({"name": name, **terms}))
    if out is not None:
        write_invitation(out, invitation)
    if as_json:
        output.show(invitation)
        return
    _say_invited(invitation, out, for_whom, needs_approval=not pre_approve)


def _say_invited(
    invitation: dict[str, Any], out: Path | None, for_whom: str | None, *, needs_approval: bool
) -> None:
    """The invitation or where it is, what it replaces and grants, and what to do with it."""
    until = instant(invitation["expiresAt"])
    if out is None:
        output.say(f"The invitation for {invitation['name']}, good until {until}:", "")
        output.say(invitation["link"], "")
    else:
        output.say(f"The invitation for {invitation['name']}, good until {until}: {out}")
    if invitation.get("replaced"):
        output.say("It replaces the one before, which counts no more.")
    if invitation["grants"] or invitation.get("replaced"):
        granted = "; ".join(granted_lines(invitation["grants"]))
        output.say(f"As soon as it is a partner it may see: {granted}.")
    whoever = "Whoever has it" if for_whom is None else for_whom
    output.say(f"{whoever} can accept it, once. Send it on a way that only they read. There:")
    what = "'LINK'" if out is None else shlex.quote(out.name)
    output.say(f"  underseal peer accept {what}")
    if needs_approval:
        output.say("and when they have, here:")
        output.say(f"  underseal peer approve {shlex.quote(invitation['name'])}")


def accept(
    context: typer.Context,
    invitation: Annotated[
        str, typer.Argument(metavar="FILE_OR_LINK", help="The invitation, as it was sent.")
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="How to call the company (default: its name)."),
    ] = None,
    reply_out: Annotated[
        Path | None,
        typer.Option(
            "--reply-out",
            metavar="FILE",
            help="Call nobody: write a reply, to be sent to the company by hand.",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option("--ca-file", metavar="F", help="Further authorities for its TLS (PEM)."),
    ] = None,
    allow_private_network: Annotated[
        bool,
        typer.Option("--allow-private-network", help="It may be at a private address."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Accept the invitation of another company.

    One call registers both sides. If it fails on the way, run the command again.
    """
    body: dict[str, Any] = {
        "name": name,
        "asFile": reply_out is not None,
        "allowPrivateNetwork": allow_private_network,
    }
    if LINK.match(invitation.strip()):
        body["link"] = invitation.strip()
    elif not invitation.strip() or not (Path(invitation).exists() or invitation == "-"):
        raise CliError(
            f"there is no file {invitation!r}",
            hint="Give the file of an invitation, or its whole link in quotes: 'https://...#...'.",
        )
    else:
        body["document"] = read_document(Path(invitation), "an invitation")
    if ca_file is not None:
        body["caPem"] = read_input(ca_file).decode("ascii", "ignore")
    manage = manage_of(context)
    accepted = manage.post("/invitations/accept", _given(body))
    if accepted["isPreApproved"] and reply_out is None:
        accepted["peer"] = _awaited(manage, accepted["peer"])
    if reply_out is not None:
        content = json.dumps(accepted["reply"], ensure_ascii=False, indent=2).encode() + b"\n"
        write_whole(reply_out, [content])
    if as_json:
        output.show(accepted)
        return
    peer = accepted["peer"]
    if reply_out is not None:
        output.say(
            f"The reply is in {reply_out}. Send it to {peer['name']}, who takes it with",
            f"  underseal peer complete {shlex.quote(reply_out.name)}",
        )
    elif peer["state"] == "active":
        output.say(f"{peer['name']} is a partner now: both sides can call each other.")
    elif accepted["isPreApproved"]:
        output.say(
            f"{peer['name']} has our registration. It becomes a partner as soon as it has seen our",
            "keys at our address; if it cannot call us, it has to approve by hand.",
        )
    else:
        output.say(
            f"{peer['name']} has our registration, and has to approve it.",
            "This node notices by itself when it has; `underseal peer list` shows it.",
        )
    output.say("")
    print_summary(peer)
    print_words(manage_of(context), peer)


def _awaited(manage: Manage, peer: dict[str, Any]) -> dict[str, Any]:
    """A peer that approves as soon as it has called this node; not waited for longer than that."""
    deadline = time.monotonic() + APPROVAL_SECONDS
    while peer["state"] == "pending" and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        peer = manage.get(f"/peers/{segment(peer['name'])}")
    return peer


def complete(
    context: typer.Context,
    reply: Annotated[Path, typer.Argument(metavar="REPLY_FILE", help="As they sent it.")],
    as_json: Json = False,
) -> None:
    """Take a reply that came as a file, because the nodes do not reach each other."""
    document = read_document(reply, "a reply")
    peer = manage_of(context).post("/invitations/complete", {"document": document})
    if as_json:
        output.show(peer)
        return
    is_active = peer["state"] == "active"
    output.say(
        f"{peer['name']} is a partner now." if is_active else f"{peer['name']} has accepted."
    )
    output.say("")
    print_summary(peer)
    print_words(manage_of(context), peer)
    if not is_active:
        name = shlex.quote(peer["name"])
        output.say("", f"If that is who you invited: underseal peer approve {name}")
        output.say('(with --words "...", as they read them out, if this node cannot call theirs)')
        output.say(f"otherwise: underseal peer reject {name} --reason TEXT")


def read_document(file: Path, what: str) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        CliError: it cannot be read, or is none.
    """
    from underseal_protocol.errors import JsonError
    from underseal_protocol.strict_json import loads

    try:
        document = loads(read_input(file))
    except JsonError as error:
        raise CliError(f"{file} is not {what}: {error.message}") from None
    if not isinstance(document, dict):
        raise CliError(f"{file} is not {what}")
    return document


def write_invitation(file: Path, invitation: dict[str, Any]) -> None:
    """Write the document of an invitation, readable by its owner only.

    Raises:
        CliError: it cannot be written.
    """
    content = json.dumps(invitation["document"], ensure_ascii=False, indent=2)
    write_whole(file, [content.encode(), b"\n"])


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
