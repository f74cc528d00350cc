"""`underseal init`: create a node."""

from __future__ import annotations

from typing import Annotated

import typer

from underseal_cli import output
from underseal_cli.errors import CliError
from underseal_cli.options import Json, home_of
from underseal_cli.recovery import RecoveryKeyOut, new_recovery_key

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
    from underseal_node.errors import NodeError
    from underseal_node.node import create_node, open_node
    from underseal_protocol.urns import check_urn

    with new_recovery_key(recovery_key_out, home_of(context)) as recovery:
        try:
            home = create_node(
                home_of(context),
                company_name=company,
                company_ids=company_id,
                url=url,
                recovery=recovery.key.public_key(),
            )
            node = open_node(home.path)
            identity = node.identity
            node.close()
        except NodeError as error:
            raise CliError(error.message, hint=error.hint) from error
    for one in company_id:
        for problem in check_urn(one):  # it will be in every footprint, signed
            hint = f" {problem.hint}" if problem.hint else ""
            output.warn(f"Warning: {one}: {problem.message}.{hint}")
    if as_json:
        output.show(
            {
                "home": str(home.path),
                "companyName": identity.company_name,
                "companyIds": list(identity.company_ids),
                "url": identity.url,
                **recovery.as_json(),
            }
        )
        return
    output.say(
        f"The node of {identity.company_name} is in {home.path}.",
        f"Start it with `underseal --home {home.path} serve`.",
        "",
        *recovery.sentences(),
    )
