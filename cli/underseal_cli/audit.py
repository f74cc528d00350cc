"""`underseal audit`: the audit log, and what peers have signed about ours and theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from underseal_cli import output, tables
from underseal_cli.errors import CliError
from underseal_cli.files import read_input
from underseal_cli.manage_client import base_url
from underseal_cli.options import Json, Limit, limit_reached, manage_of, usage_error
from underseal_cli.trusted_keys import TrustedKeys, keys_in_file

__all__ = ["app"]

app = typer.Typer(help="The audit log and receipts.", no_args_is_help=True)

SHOWN = 100
SHOWN_IDS = 3

OutFile = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", help="Where to; an existing file is replaced."),
]


@app.command()
def show(
    context: typer.Context,
    peer: Annotated[
        str | None, typer.Option("--peer", metavar="NAME", help="Only about this peer.")
    ] = None,
    footprint: Annotated[
        str | None, typer.Option("--footprint", metavar="ID", help="Only about this footprint.")
    ] = None,
    limit: Limit = SHOWN,
    as_json: Json = False,
) -> None:
    """What is in the log, newest first."""
    found = manage_of(context).get("/audit", peer=peer, footprintId=footprint, limit=limit)
    limit_reached(found["data"], limit)
    if as_json:
        output.show(found)
        return
    rows = [
        (
            str(one["number"]),
            one["time"][:19],
            one["actor"],
            one["act"],
            (one.get("peer") or {}).get("name"),
            _footprints(one),
            one.get("level"),
            one["outcome"],
        )
        for one in found["data"]
    ]
    tables.table(
        ("number", "time", "who", "what", "peer", "footprints", "level", "outcome"),
        rows,
        narrow=((0, 1), (2, 3), (4, 5), (6, 7)),
        empty=f"There is nothing in the log{_about(peer, footprint)}.",
    )


def _about(peer: str | None, footprint: str | None) -> str:
    named = ([f"the peer {peer}"] if peer else []) + (
        [f"the footprint {footprint}"] if footprint else []
    )
    return f" about {' and '.join(named)}" if named else ""


@app.command()
def verify(
    context: typer.Context,
    with_receipts: Annotated[
        Path | None,
        typer.Option(
            "--with-receipts",
            metavar="FILE",
            help="Also against what a peer holds: its `underseal audit receipts`.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="An exported log, instead of the node's."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="KEYS",
            help="With --log: the keys of its node, a JWK set or key log in a file.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="With --log: the node whose log it has to be."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that the log is what was signed, and say what that does not prove.

    Exit status 1 if something in it was edited, deleted, reordered, swapped or cut off, if a part
    of it is in no signed head, or if it is the log of another node. A running node is needed unless
    --log is given.
    """
    if log is None and (keys is not None or url is not None):
        raise usage_error(context, "--keys and --url go with --log")
    receipts = b"" if with_receipts is None else _statements(with_receipts)
    if log is None:
        checked: dict[str, Any] = manage_of(context).upload("/audit/verify", receipts)
    else:
        checked = _offline(log, keys, url, receipts)
    if as_json:
        output.show(checked)
    else:
        _print(checked, with_receipts)
    if not checked["isSound"]:
        raise typer.Exit(1)


@app.command()
def export(
    context: typer.Context, out: OutFile = Path("underseal-audit.jsonl"), as_json: Json = False
) -> None:
    """Write the whole log as lines of JSON, to be kept and checked elsewhere."""
    size = manage_of(context).download("GET", "/audit/export", out)
    if as_json:
        output.show({"file": str(out), "bytes": size})
    else:
        output.say(f"{out}: {size} bytes. Check it with `underseal audit verify --log {out}`.")


@app.command()
def receipts(
    context: typer.Context,
    out: OutFile = Path("underseal-receipts.jsonl"),
    peer: Annotated[
        str | None, typer.Option("--peer", metavar="NAME", help="Only what this peer signed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write what peers have signed about their logs, so that they can check them."""
    query = "" if peer is None else "?" + urlencode({"peer": peer})
    size = manage_of(context).download("GET", f"/audit/receipts{query}", out)
    if as_json:
        output.show({"file": str(out), "bytes": size})
        return
    output.say(f"{out}: {size} bytes.")
    if size:
        output.say(f"The peer runs `underseal audit verify --with-receipts {out}` with it.")


def _statements(file: Path) -> bytes:
    """What others hold.

    Raises:
        CliError: the file cannot be read, or there is nothing in it to compare with.
    """
    from underseal_protocol.errors import CredentialError
    from underseal_protocol.keys import PublicKeySet
    from underseal_protocol.witness import read_witnesses

    content = read_input(file)
    hint = "The peer makes it with `underseal audit receipts`."
    if not content.strip():
        raise CliError(f"{file} holds no receipt and no acknowledgement", hint=hint)
    try:
        # Only whether they can be read: whose they are is for those who have the keys.
        read_witnesses(content.decode().splitlines(), urls=(), keys=PublicKeySet([]))
    except UnicodeDecodeError:
        raise CliError(f"{file} is not text in UTF-8", hint=hint) from None
    except CredentialError as error:
        raise CliError(f"{file}: {error.message}", hint=error.hint or hint) from None
    return content


def _offline(log: Path, keys: Path | None, url: str | None, receipts: bytes) -> dict[str, Any]:
    """Check an exported log without a node.

    Raises:
        CliError: a file is not what it should be.
    """
    from underseal_protocol.audit_export import check_export
    from underseal_protocol.errors import ProtocolError

    trust = None if keys is None else _trusted(keys)
    expected_url, content = None if url is None else base_url(url), read_input(log)
    try:
        checked = check_export(
            content.splitlines(),
            keys=None if trust is None else trust.ever,
            revoked=None if trust is None else trust.revoked,
            urls=() if trust is None else trust.issuers,
            expected_url=expected_url,
            witness_lines=receipts.decode().splitlines(),
        )
    except ProtocolError as error:  # the receipts can be read
        raise CliError(f"{log}: {error.message}", hint=error.hint) from None
    return checked.to_json()


def _trusted(file: Path) -> TrustedKeys:
    """The keys that a log has to be signed with.

    Raises:
        CliError: there is none in it that signs logs.
    """
    from underseal_protocol.keys import KeyPurpose

    trust = keys_in_file(file)
    if all(key.purpose is not KeyPurpose.RECEIPT for key in trust.ever):
        raise CliError(
            f"{file}: there is no key in it that signs audit logs",
            hint="They are signed with the receipt key of a node: take its whole set or key log.",
        )
    return trust


def _print(checked: dict[str, Any], statements: Path | None) -> None:
    of = f" of {checked['url']}" if "url" in checked else ""
    against = f"{checked['heads']} signed heads"
    if checked["witnesses"] or checked["foreign"]:
        against += f" and {checked['witnesses']} statements held by others"
    output.say(f"{checked['size']} entries{of}, checked against {against}.")
    if checked["foreign"]:
        output.warn(f"{checked['foreign']} statements were signed by other nodes: left out.")
    for one in checked["problems"]:
        output.say(f"{one['kind']}: {one['message']}")
    if checked["isSound"]:
        output.say(*_sound(checked))
    output.say("Not proved:", *(f"  - {one}" for one in checked["notProved"]))
    if not checked["isSound"]:
        output.warn(f"Error: {_verdict(checked, statements)}", *_hint(checked))


def _verdict(checked: dict[str, Any], statements: Path | None) -> str:
    """What the problems come to, if there are any."""
    if checked["isLogSound"]:
        return (
            f"the log fits its own signed heads; what is wrong is {statements}, which it was "
            "compared with."
        )
    return "the log is not the one that was signed, or not all of it is."


def _sound(checked: dict[str, Any]) -> list[str]:
    """What was compared, and no more."""
    if not checked["size"]:
        return ["The log is empty: there was nothing to compare."]
    lines = [
        f"None of these entries was edited, deleted, reordered or swapped since the newest head "
        f"was signed, on {checked['signedAt']} by the clock of the node."
    ]
    if checked["witnesses"]:
        lines.append(f"What others hold fits them, and reaches to entry {checked['witnessed']}.")
    return lines


def _hint(checked: dict[str, Any]) -> list[str]:
    """What helps when somebody has only the keys that a node has now."""
    kinds = {one["kind"] for one in checked["problems"]}
    if checked["keysFrom"] != "given" or "unknown-signature" not in kinds:
        return []
    return ["A key log as --keys knows the keys that were revoked, too; a JWK set does not."]


def _footprints(entry: dict[str, Any]) -> str:
    found = entry.get("footprints")
    if found is None:
        return ""
    ids = found.get("ids", [])
    if 0 < len(ids) <= SHOWN_IDS:
        return ", ".join(ids)
    return f"{found['count']} footprints"
