"""`underseal roster`: companies that endorse figures without being named (experimental)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import output, tables
from underseal_cli.errors import CliError
from underseal_cli.files import read_input, write_whole
from underseal_cli.options import Json, manage_of, moment

__all__ = ["app"]

app = typer.Typer(
    help="Rosters: companies that endorse figures without being named (experimental).",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the roster.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there.")]


@app.command()
def create(
    context: typer.Context,
    name: Name,
    first: Annotated[str, typer.Option("--from", metavar="TIME", help="When the epoch begins.")],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="When it ends.")],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Begin an epoch of a roster that this node keeps; a new roster is made.

    Its members endorse for footprints that are created in the epoch.
    """
    given = {
        "name": name,
        "notBefore": moment("--from", first),
        "notAfter": moment("--until", until),
    }
    made = manage_of(context).post("/rosters", given)
    _written(out, made["statement"])
    if as_json:
        output.show(made)
        return
    output.say(
        f"The roster {name}, from {made['notBefore']} until before {made['notAfter']}.",
        f"Fingerprint of its key: {made['fingerprint']}",
    )
    if out is None:
        output.say(
            f"For members and readers: `underseal roster export {_quoted(name)} --out FILE`."
        )


@app.command("list")
def list_rosters(context: typer.Context, as_json: Json = False) -> None:
    """Rosters that this node keeps, is in, or trusts."""
    found = manage_of(context).get("/rosters")
    if as_json:
        output.show(found)
        return
    rows = [
        (one["name"], "this node", _epoch(one), f"kept, {_members(one['members'])}")
        for one in found["kept"]
    ]
    rows += [
        (one["name"], one["issuer"], _epoch(one), f"{one['state']} as {one['entity']}")
        for one in found["memberships"]
    ]
    rows += [(one["name"], one["issuer"], "every epoch", "trusted") for one in found["trusted"]]
    tables.table(
        ("roster", "kept by", "epoch", ""),
        rows,
        narrow=((0, 1), (2,), (3,)),
        empty="This node keeps no roster, is in none and trusts none.",
    )


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """The members of the newest epoch of a roster that this node keeps."""
    found = _newest(context, name)
    if as_json:
        output.show(found)
        return
    output.say(f"{name}, {_epoch(found)}", f"Fingerprint of its key: {found['fingerprint']}")
    rows = [
        (one["entity"], one["url"], one["admittedAt"], one.get("removedAt"))
        for one in found["members"]
    ]
    tables.table(("entity", "node", "admitted", "removed"), rows, empty="Nobody is admitted to it.")


@app.command()
def export(
    context: typer.Context,
    name: Name,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write it there.")],
    as_json: Json = False,
) -> None:
    """Write the newest epoch of a roster, for members who apply and readers who trust it.

    Of one that this node does not keep but trusts: what it came to be trusted by.
    """
    every = manage_of(context).get("/rosters")
    found = _of_name([*every["kept"], *every["trusted"]], name)
    _written(out, found["statement"])
    if as_json:
        output.show({"name": name, "file": str(out), "fingerprint": found["fingerprint"]})
    else:
        output.say(f"{out}: the roster {name}. Fingerprint of its key: {found['fingerprint']}")


@app.command("apply")
def apply_to(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The roster.")],
    entity: Annotated[
        str,
        typer.Option(metavar="ID", help="Your legal entity, as the issuer checks it: an LEI, say."),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the application there.")],
    instead: Annotated[
        bool,
        typer.Option("--instead", help="In place of one as somebody else, which is void then."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Apply to a roster of a partner. What makes you a member stays in the node."""
    given = {"roster": _text(file), "entity": entity, "instead": instead}
    made = manage_of(context).post("/rosters/apply", given)
    _written(out, made["application"])
    if as_json:
        output.show(made)
    else:
        output.say(
            f"{out}: send it to {made['issuer']}; `underseal roster join` takes the answer.",
            f"Until before {made['notAfter']}; fingerprint of the key: {made['fingerprint']}",
        )


@app.command()
def admit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The application.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the admission there.")],
    again: Annotated[
        bool, typer.Option("--again", help="Also a member that was removed before.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Admit whoever has applied to a roster that this node keeps.

    Check first that the legal entity is who it says, and that the node is its own: each gets one
    credential in an epoch, and it cannot be taken back before the epoch ends.
    """
    token = _text(file)
    _confirm(token, yes=yes)
    made = manage_of(context).post("/rosters/admit", {"application": token, "again": again})
    _written(out, made["admission"])
    if as_json:
        output.show(made)
    else:
        output.say(f"{made['entity']} is admitted. Send {out} to {made['url']}.")


@app.command()
def join(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The admission.")],
    as_json: Json = False,
) -> None:
    """Become a member of a roster by the admission of its issuer."""
    done = manage_of(context).post("/rosters/join", {"admission": _text(file)})
    if as_json:
        output.show(done)
        return
    output.say(
        f"This node is in the roster {done['name']} of {done['issuer']} as {done['entity']}, for "
        f"footprints that are created from {done['notBefore']} until before {done['notAfter']}.",
        f"Fingerprint of its key: {done['fingerprint']}",
        "All members have the same times and the same fingerprint. Others could give you away.",
    )


@app.command()
def remove(
    context: typer.Context,
    name: Name,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Its legal entity, or its URL.")],
    as_json: Json = False,
) -> None:
    """Do not admit a member to another epoch. Its endorsements count until this one ends."""
    done = manage_of(context).post("/rosters/remove", {"name": name, "member": member})
    if as_json:
        output.show(done)
        return
    output.say(
        f"{done['member']['entity']} is not admitted to another epoch of the roster {name}.",
        f"It can endorse as a member for footprints created before {done['endorsesUntil']}: a "
        "credential cannot be taken back.",
    )


@app.command()
def trust(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The roster.")],
    fingerprint: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Of its key, as its issuer told you; needed if the issuer is no partner.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Let endorsements of the members of a roster count, in every epoch.

    You trust its issuer to know its members, and to admit each legal entity once.
    """
    given: dict[str, Any] = {"roster": _text(file)}
    if fingerprint is not None:
        given["fingerprint"] = fingerprint
    done = manage_of(context).post("/rosters/trust", given)
    if as_json:
        output.show(done)
        return
    output.say(
        f"The roster {done['name']} of {done['issuer']} is trusted.",
        "Sealed sums that are there already are judged again within a minute.",
    )


@app.command()
def distrust(
    context: typer.Context,
    name: Name,
    issuer: Annotated[
        str | None, typer.Option(metavar="URL", help="Whose, if several have the name.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Trust a roster no more."""
    given = {"name": name} | ({} if issuer is None else {"issuer": issuer.rstrip("/")})
    done = manage_of(context).post("/rosters/distrust", given)
    if as_json:
        output.show(done)
    else:
        output.say(
            f"The roster {done['name']} of {done['issuer']} is not trusted any more.",
            "Sealed sums that are there already are judged again within a minute.",
        )


def _confirm(token: str, *, yes: bool) -> None:
    """Ask whether whoever has applied is to be admitted.

    Raises:
        CliError: there is nobody to ask.
        RosterError: it is no application.
    """
    from underseal_protocol.roster.statements import read_application

    asked = read_application(token)
    who = f"{asked.member.entity}, with the node {asked.member.url}"
    output.warn(f"{who}, applies to the roster {asked.roster.name}.")
    if yes:
        return
    if not output.is_terminal(sys.stdin):
        raise CliError(
            "nobody can be asked whether that is who it says",
            hint="Check it, and run the command again with --yes.",
        )
    if not typer.confirm("Have you checked who that is, and admit it?", default=False, err=True):
        output.warn("Nobody was admitted.")
        raise typer.Exit(1)


def _newest(context: typer.Context, name: str) -> dict[str, Any]:
    return _of_name(manage_of(context).get("/rosters")["kept"], name)


def _of_name(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The first one of this name, which is the newest.

    Raises:
        CliError: there is none.
    """
    for one in found:
        if one["name"] == name:
            return one
    raise CliError(
        f"there is no roster {name}", hint="`underseal roster list` shows those there are."
    )


def _text(file: Path) -> str:
    return read_input(file).decode("ascii", "replace").strip()


def _written(out: Path | None, token: str) -> None:
    if out is not None:
        write_whole(out, [f"{token}\n".encode()])


def _epoch(one: Mapping[str, Any]) -> str:
    over = ", over" if one["isOver"] else ""
    return f"{one['notBefore'][:10]} to {one['notAfter'][:10]}{over}"


def _members(members: list[Any]) -> str:
    return f"{len(members)} member{'' if len(members) == 1 else 's'}"


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
