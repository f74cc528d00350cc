"""`underseal peer`: other companies' host systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from underseal_cli import invitations, output, partners, tables
from underseal_cli.errors import CliError
from underseal_cli.files import read_input
from underseal_cli.manage_client import segment
from underseal_cli.options import Json, manage_of, usage_error
from underseal_cli.peer_view import instant, open_question, print_peer, print_words, state_of

__all__ = ["app"]

app = typer.Typer(help="Peers: other companies' host systems.", no_args_is_help=True)

# An empty text clears what was said of this peer.
ENDORSE = ("ask", "auto", "never", "")
NAMED: dict[str, str | bool] = {"yes": True, "no": False, "": ""}

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the peer.")]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="What comes before /3/footprints."),
]
AuthUrl = Annotated[
    str | None,
    typer.Option("--auth-url", metavar="URL", help="Where tokens come from, if elsewhere."),
]
ClientId = Annotated[
    str | None, typer.Option("--client-id", metavar="ID", help="That the peer issued to us.")
]
SecretFile = Annotated[
    Path | None,
    typer.Option("--client-secret-file", metavar="F", help="With the secret that it issued to us."),
]
Scope = Annotated[str | None, typer.Option("--scope", metavar="S", help="For its token endpoint.")]
Audience = Annotated[
    str | None, typer.Option("--audience", metavar="A", help="For its token endpoint.")
]
Resource = Annotated[
    str | None, typer.Option("--resource", metavar="R", help="For its token endpoint.")
]
CaFile = Annotated[
    Path | None,
    typer.Option("--ca-file", metavar="F", help="Further authorities for its TLS (PEM)."),
]
AcceptUnsigned = Annotated[
    bool | None,
    typer.Option(
        "--accept-unsigned/--no-accept-unsigned",
        help="Whether its footprints without a signature are usable (default: yes).",
    ),
]
AllowPrivate = Annotated[
    bool | None,
    typer.Option(
        "--allow-private-network/--no-allow-private-network",
        help="Whether it may be at a private address (default: no).",
    ),
]
Endorse = Annotated[
    str | None,
    typer.Option(
        metavar="ask|auto|never",
        help="Whether figures are endorsed for its sealed sums; as the settings say without.",
    ),
]
Named = Annotated[
    str | None,
    typer.Option(metavar="yes|no", help="Whether such an endorsement consents to name us."),
]


app.command()(invitations.invite)
app.command()(invitations.accept)
app.command()(partners.approve)
app.command()(partners.reject)
app.command()(invitations.complete)


@app.command()
def add(
    context: typer.Context,
    name: Name,
    url: Url = None,
    auth_url: AuthUrl = None,
    client_id: ClientId = None,
    client_secret_file: SecretFile = None,
    scope: Scope = None,
    audience: Audience = None,
    resource: Resource = None,
    ca_file: CaFile = None,
    accept_unsigned: AcceptUnsigned = None,
    allow_private_network: AllowPrivate = None,
    endorse: Endorse = None,
    named: Named = None,
    as_json: Json = False,
) -> None:
    """Register a peer, and issue credentials to it, which are shown this once."""
    given = _given(url, auth_url, client_id, client_secret_file, scope, audience, resource, ca_file)
    given |= {"name": name} | _policy(accept_unsigned, allow_private_network)
    given |= _endorsing(context, endorse, named)
    added = manage_of(context).post("/peers", given)
    if as_json:
        output.show(added)
        output.warn(*added["peer"]["warnings"])
        return
    _print_credentials(added)
    output.say("")
    print_peer(added["peer"])


@app.command("set")
def change(
    context: typer.Context,
    name: Name,
    url: Url = None,
    auth_url: AuthUrl = None,
    client_id: ClientId = None,
    client_secret_file: SecretFile = None,
    scope: Scope = None,
    audience: Audience = None,
    resource: Resource = None,
    ca_file: CaFile = None,
    accept_unsigned: AcceptUnsigned = None,
    allow_private_network: AllowPrivate = None,
    endorse: Endorse = None,
    named: Named = None,
    confirm_endpoint: Annotated[
        bool, typer.Option("--confirm-endpoint", help="Trust the new token endpoint of the peer.")
    ] = False,
    confirm_keys: Annotated[
        bool, typer.Option("--confirm-keys", help="Trust the new keys of the peer, which wait.")
    ] = False,
    words: Annotated[
        str | None,
        typer.Option("--words", metavar="WORDS", help="Of these keys, as they were read out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change what is known of a peer; an empty text ("") clears an option.

    `--confirm-keys` trusts the keys that `peer show` shows as waiting, and no others. With
    `--words` they are compared, and confirmed by you; without, `peer confirm` remains to be done.
    """
    given = _given(url, auth_url, client_id, client_secret_file, scope, audience, resource, ca_file)
    given |= _policy(accept_unsigned, allow_private_network)
    given |= _endorsing(context, endorse, named)
    if confirm_endpoint:
        given["confirmEndpoint"] = True
    if confirm_keys:
        given["confirmKeys"] = True
    if words is not None:
        given["words"] = words
    if not given:
        raise usage_error(context, "there is nothing to change: name at least one option")
    manage = manage_of(context)
    changed = manage.patch(f"/peers/{segment(name)}", given)
    if as_json:
        output.show(changed)
        output.warn(*changed["warnings"])
        return
    print_peer(changed)
    if confirm_keys:
        print_words(manage, changed)


@app.command()
def credentials(
    context: typer.Context,
    name: Name,
    renew: Annotated[
        bool, typer.Option("--renew", help="Issue new ones; the old ones end at once.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Issue new credentials to a peer, which are shown this once."""
    if not renew:
        raise CliError(
            "credentials cannot be shown again: only a hash of the secret is stored",
            hint=f"`underseal peer credentials {name} --renew` issues new ones and ends the old.",
        )
    issued = manage_of(context).post(f"/peers/{segment(name)}/credentials")
    if as_json:
        output.show(issued)
    else:
        _print_credentials(issued)


@app.command("list")
def list_peers(context: typer.Context, as_json: Json = False) -> None:
    """All peers."""
    found = manage_of(context).get("/peers")
    if as_json:
        output.show(found)
        return
    rows = [
        (
            one["name"],
            state_of(one),
            one.get("url") or ("" if one["state"] == "invited" else "only pulls"),
            "Underseal" if one["isUnderseal"] and one["state"] != "invited" else "",
            instant(one.get("lastContactAt")),
            open_question(one),
        )
        for one in found["data"]
    ]
    tables.table(
        ("name", "state", "url", "kind", "last contact", ""),
        rows,
        empty="There are no peers yet: `underseal peer invite NAME`.",
        narrow=((0, 1), (2, 3), (4, 5)),
    )


@app.command()
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """One peer: state, address, keys, credentials, grants."""
    manage = manage_of(context)
    found = manage.get(f"/peers/{segment(name)}")
    if as_json:
        output.show(found)
    else:
        print_peer(found)
        if found["state"] in ("pending", "active"):
            print_words(manage, found)


app.command()(partners.confirm)
app.command()(partners.rotate)
app.command()(partners.suspend)
app.command()(partners.resume)
app.command()(partners.revoke)


@app.command()
def remove(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """End what connects us with a peer: credentials, grants, notifications.

    What was received from it stays.
    """
    removed = manage_of(context).delete(f"/peers/{segment(name)}")
    if as_json:
        output.show(removed)
        return
    kept = removed.get("keptAs")
    output.say(f"{name} is removed." + (f" What was exchanged stays, as {kept!r}." if kept else ""))


def _given(
    url: str | None,
    auth_url: str | None,
    client_id: str | None,
    client_secret_file: Path | None,
    scope: str | None,
    audience: str | None,
    resource: str | None,
    ca_file: Path | None,
) -> dict[str, Any]:
    """What was given on the command line, as the management API takes it."""
    secret = None
    if client_secret_file is not None:
        secret = read_input(client_secret_file).decode("utf-8", "replace").strip()
        if not secret:
            raise CliError(f"{client_secret_file} is empty; it should hold the client secret")
    ca_pem = None
    if ca_file is not None:
        is_cleared = str(ca_file) in ("", ".")
        # Comments between the certificates may be in any language.
        ca_pem = "" if is_cleared else read_input(ca_file).decode("ascii", "ignore")
        if not is_cleared and not ca_pem.strip():
            raise CliError(f"{ca_file} is empty; it should hold certificates (PEM)")
    given = {
        "url": url,
        "authUrl": auth_url,
        "clientId": client_id,
        "clientSecret": secret,
        "scope": scope,
        "audience": audience,
        "resource": resource,
        "caPem": ca_pem,
    }
    return {member: value for member, value in given.items() if value is not None}


def _policy(accept_unsigned: bool | None, allow_private_network: bool | None) -> dict[str, Any]:
    policy = {"acceptUnsigned": accept_unsigned, "allowPrivateNetwork": allow_private_network}
    return {member: value for member, value in policy.items() if value is not None}


def _endorsing(
    context: typer.Context, endorse: str | None, named: str | None
) -> dict[str, str | bool]:
    """What the peer may have for its sealed sums.

    Raises:
        UsageError: a value is none of those that there are.
    """
    given: dict[str, str | bool] = {}
    if endorse is not None:
        if endorse not in ENDORSE:
            raise usage_error(context, f"--endorse {endorse!r} is none of ask, auto and never")
        given["endorse"] = endorse
    if named is not None:
        if named not in NAMED:
            raise usage_error(context, f"--named {named!r} is neither yes nor no")
        given["endorseNamed"] = NAMED[named]
    return given


def _print_credentials(issued: dict[str, Any]) -> None:
    output.say(f"What {issued['name']} needs to call this node; the secret is shown this once:")
    tables.details(
        [
            ("client id", issued["client_id"]),
            ("client secret", issued["client_secret"]),
            ("token URL", issued["token_url"]),
            ("base URL", issued["base_url"]),
        ]
    )
