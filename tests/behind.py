"""What somebody with access to the database of a node can do, whichever database it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from underseal_node.node import Node

__all__ = ["sql"]


def sql(
    node: Node, *statements: str, many: Sequence[Mapping[str, Any]] | None = None, **values: Any
) -> list[tuple[Any, ...]]:
    """Run statements in one transaction, behind the back of the node.

    Args:
        node: whose database.
        statements: with parameters as `:name`.
        many: the parameters of a statement that is run for each of them.
        values: the parameters, otherwise.

    Returns:
        the rows of all of them.
    """
    rows: list[tuple[Any, ...]] = []
    with node.store.write_engine.begin() as connection:
        for statement in statements:
            done = connection.execute(text(statement), list(many or [values]))
            rows += [tuple(row) for row in done.fetchall()] if done.returns_rows else []
    return rows
