"""Queries on the identity of this node."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from underseal_node.errors import ConfigurationError
from underseal_node.store.identity_tables import NodeIdentity

__all__ = ["Identity", "create", "load", "move"]

IDENTITY_ID = 1


@dataclass(frozen=True)
class Identity:
    """The company that a node speaks for.

    Attributes:
        company_name: as it is written into footprints.
        company_ids: URNs of the company, at least one.
        url: where peers reach the node; no trailing slash. It is the issuer of what it signs.
        former_urls: where it was before, oldest first; what it signed there stays its own.
        first_url: where it was first, from which ids of footprints are derived; empty: where it is.
    """

    company_name: str
    company_ids: tuple[str, ...]
    url: str
    former_urls: tuple[str, ...] = ()
    first_url: str = ""


def create(session: Session, identity: Identity, now: datetime) -> None:
    """Store who this node is.

    Raises:
        ConfigurationError: it has an identity already.
    """
    if session.get(NodeIdentity, IDENTITY_ID) is not None:
        raise ConfigurationError("this node has an identity already")
    session.add(
        NodeIdentity(
            id=IDENTITY_ID,
            company_name=identity.company_name,
            company_ids=json.dumps(identity.company_ids),
            url=identity.url,
            created_at=now,
        )
    )
    session.flush()


def load(session: Session) -> Identity:
    """Who this node is.

    Raises:
        ConfigurationError: `underseal init` has not been completed.
    """
    row = session.get(NodeIdentity, IDENTITY_ID)
    if row is None:
        raise ConfigurationError(
            "the database has no company in it",
            hint="Create the node with `underseal init` in an empty home.",
        )
    return Identity(row.company_name, tuple(json.loads(row.company_ids)), row.url)


def move(session: Session, url: str) -> None:
    """From now on peers reach this node there.

    Raises:
        ConfigurationError: `underseal init` has not been completed.
    """
    load(session)
    row = session.get_one(NodeIdentity, IDENTITY_ID)
    row.url = url
    session.add(row)
    session.flush()
