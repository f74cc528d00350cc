"""`underseal key`: the node's own keys."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.options import Json, home_of, manage_of, moment, usage_error
from underseal_cli.recovery import (
    RecoveryKeyFile,
    RecoveryKeyOut,
    new_recovery_key,
    read_recovery_key,
)

__all__ = ["app"]

# RFC 7638 with SHA-256. One in 64 begins with a hyphen, as an option does.
FINGERPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
PURPOSES = ("access-token", "footprint", "receipt", "identity", "client", "attestation")

app = typer.Typer(help="Keys of this node.", no_args_is_help=True)


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """All keys of this node, with their fingerprints."""
    manage = manage_of(context)
    found = manage.get("/keys")
    if as_json:
        output.show(found)
        return
    rows = [(one["purpose"], one["state"], one["since"][:19], one["kid"]) for one in found["data"]]
    tables.table(
        ("purpose", "state", "since", "fingerprint"),
        rows,
        empty="This node has no keys.",
        narrow=((0, 1), (2,), (3,)),
    )
    recovery = found.get("recoveryKid")
    output.say(
        "",
        f"Words to compare with a partner: {manage.get('/node')['fingerprint']['words']}",
        f"Recovery key: {recovery or 'none: `underseal key recovery --new` makes one'}.",
        f"The key log has {found['entry']} entries.",
    )


@app.command()
def rotate(
    context: typer.Context,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose", metavar="|".join(PURPOSES), help="For what; all by default. Repeatable."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin with new keys. What the old ones signed stays valid, and no call fails."""
    wrong = [one for one in purpose or () if one not in PURPOSES]
    if wrong:
        raise usage_error(context, f"--purpose {wrong[0]!r} is none of {', '.join(PURPOSES)}")
    _print(manage_of(context).post("/keys/rotate", {"purposes": purpose or []}), as_json)


@app.command(context_settings={"ignore_unknown_options": True})
def revoke(
    context: typer.Context,
    kid: Annotated[list[str], typer.Argument(metavar="KEY...", help="Fingerprints of keys.")],
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Since when it may have been in other hands; a date is its first moment in UTC.",
        ),
    ],
    recovery_key_file: RecoveryKeyFile = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="For your own records.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell that keys were stolen, and replace them. This needs the recovery key.

    Of what they signed, peers keep what they can prove to have had before that time.
    """
    strange = [one for one in kid if not FINGERPRINT.fullmatch(one)]
    if strange:
        raise usage_error(
            context,
            f"{strange[0]!r} is neither an option nor the fingerprint of a key, which has 43 "
            "letters, digits, hyphens and underscores; `underseal key list` shows them",
        )
    given = {
        "kids": kid,
        "since": moment("--since", since),
        "recoveryKey": read_recovery_key(recovery_key_file),
        "reason": reason,
    }
    _print(manage_of(context).post("/keys/revoke", given), as_json)


@app.command()
def recovery(
    context: typer.Context,
    new: Annotated[
        bool, typer.Option("--new", help="Make another one, which takes the place of the present.")
    ] = False,
    recovery_key_file: RecoveryKeyFile = None,
    recovery_key_out: RecoveryKeyOut = None,
    as_json: Json = False,
) -> None:
    """Make another recovery key. This needs the present one, if there is one."""
    if not new:
        raise usage_error(context, "a recovery key cannot be shown again; --new makes another one")
    manage = manage_of(context)
    has_one = manage.get("/keys").get("recoveryKid") is not None
    present = read_recovery_key(recovery_key_file) if has_one or recovery_key_file else None
    with new_recovery_key(recovery_key_out, home_of(context)) as made:
        given = {"jwk": made.key.public_jwk(), "recoveryKey": present}
        changed = manage.post("/keys/recovery", given)
    if as_json:
        output.show({**changed, **made.as_json()})
        return
    output.say(*made.sentences())
    _tell(changed)


def _print(changed: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.show(changed)
        return
    rows = [(purpose, kid) for purpose, kid in sorted(changed["new"].items())]
    tables.table(("new key for", "fingerprint"), rows, empty="No key had to be replaced.")
    if changed["rotated"]:
        output.say("What the keys before signed stays valid.")
    if changed["revoked"]:
        output.say(f"Revoked: {', '.join(changed['revoked'])}.")
    if changed["footprints"]:
        output.say(
            f"{changed['footprints']} published footprints are signed with a revoked key. Who has "
            "them from before can prove it; nobody else accepts them.",
            "`underseal footprint reissue --signed-by KEY` publishes successors.",
        )
    _tell(changed)


def _tell(changed: dict[str, Any]) -> None:
    told = changed["notified"]
    if told:
        output.say(f"The node tells {', '.join(told)}.")
