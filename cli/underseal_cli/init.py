"""`underseal init`: create a node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from underseal_cli import output
from underseal_cli.errors import CliError
from underseal_cli.options import Json, home_of
from underseal_cli.recovery import RecoveryKeyOut, new_recovery_key

if TYPE_CHECKING:
    from underseal_node.node import Identity
    from underseal_protocol.keys import PublicKey

__all__ = ["init"]


def init(
    context: typer.Context,
    company: Annotated[
        str, typer.Option("--company", metavar="NAME", help="As it is written into footprints.")
    ],
    company_id: Annotated[
        list[str],
        typer.Option("--company-id", metavar="URN", help="Such as urn:lei:... Repeatable."),
    ],
    url: Annotated[
        str,
        typer.Option(
            "--url", metavar="URL", help="Where peers reach it: https://HOST[:PORT][/PATH]."
        ),
    ],
    recovery_key_out: RecoveryKeyOut = None,
    as_json: Json = False,
) -> None:
    """Create a node: its home directory, database and keys.

    Prints its recovery key, this once.
    """
    place = home_of(context)
    with new_recovery_key(recovery_key_out, place) as recovery:
        identity = _create(place, company, company_id, url, recovery.key.public_key())
    _warn_of_ids(company_id)
    if as_json:
        output.show(
            {
                "home": str(place),
                "companyName": identity.company_name,
                "companyIds": list(identity.company_ids),
                "url": identity.url,
                **recovery.as_json(),
            }
        )
        return
    output.say(
        f"The node of {identity.company_name} is in {place}.",
        f"Start it with `underseal --home {place} serve`.",
        "",
        *recovery.sentences(),
    )


def _create(
    home: Path, company: str, company_ids: list[str], url: str, recovery: PublicKey
) -> Identity:
    """Create the node and open it once.

    Raises:
        CliError: there is a node already, or an argument is not allowed.
    """
    from underseal_node.errors import NodeError
    from underseal_node.node import create_node, open_node

    try:
        create_node(home, company_name=company, company_ids=company_ids, url=url, recovery=recovery)
        node = open_node(home)
        identity = node.identity
        node.close()
    except NodeError as error:
        raise CliError(error.message, hint=error.hint) from error
    return identity


def _warn_of_ids(company_ids: list[str]) -> None:
    """They will be in every footprint, signed."""
    from underseal_protocol.urns import check_urn

    for one in company_ids:
        for problem in check_urn(one):
            hint = f" {problem.hint}" if problem.hint else ""
            output.warn(f"Warning: {one}: {problem.message}.{hint}")
