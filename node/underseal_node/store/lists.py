"""What a list query comes down to, by the grants of whom it is for, and the rows of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from underseal_node.store.page_sql import MAX_BRANCHES, Reach, page_statement
from underseal_node.store.readers import Parameters, Reader, Row
from underseal_node.store.requester_sql import GRANTS_SUMMARY, WHO_COLUMNS
from underseal_node.store.served import PageQuery
from underseal_node.store.served_rows import summary_of_grants

__all__ = ["Asked", "Lists"]


class Asked(NamedTuple):
    """A list query, as far as the grants of the requester decide it; made for each request.

    Attributes:
        who: parameters of the statements.
        reach: what the grants say.
        watermark: the change counter before the list is read.
        changed_after: only what has changed since; `None`: everything.
        is_shared: whoever has the same reach sees the same.
    """

    who: Parameters
    reach: Reach
    watermark: int
    changed_after: int | None
    is_shared: bool


class Lists:
    """Runs list queries.

    Args:
        reader: runs the statements.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def asked(self, rows: Sequence[Row], who: dict[str, object], query: PageQuery) -> Asked:
        """What a list comes down to, for the requester that `rows` are about."""
        who["peer"] = rows[0][0]
        # Read before the list: what is committed in between is delivered twice, never missed.
        watermark = int(rows[0][WHO_COLUMNS] or 0)
        reach, all_changed = await self._reach([row[WHO_COLUMNS + 1 :] for row in rows], who)
        changed_after = query.changed_after
        if changed_after is not None and changed_after > watermark:
            changed_after = None  # of before the database was set back: what it knows is unknown
        if changed_after is not None and reach.is_plain and all_changed > changed_after:
            changed_after = None  # the grant of everything is new: everything counts as changed
        # With one level for everything visible, nothing but the active grants and the changes
        # decides; with `changed_after` also when the grants were given.
        is_shared = reach.is_plain or (
            changed_after is None and reach.level is not None and reach.grants is not None
        )
        return Asked(who, reach, watermark, changed_after, is_shared)

    async def rows(self, asked: Asked, query: PageQuery) -> tuple[Sequence[Row], int | None]:
        """The rows of a page in order, and where to go on."""
        statement = page_statement(
            asked.reach, query.criteria, only_changed=asked.changed_after is not None
        )
        parameters = {**statement.parameters, **asked.who, "after": query.after_seq}
        # One more than the limit shows that there is a next page.
        parameters |= {"count": query.limit + 1, "changed": asked.changed_after}
        found = await self._reader.rows_since(
            asked.watermark, statement.sql, parameters, is_bounded=statement.is_bounded
        )
        ordered = sorted(found, key=itemgetter(0))[: query.limit]
        return ordered, int(ordered[-1][0]) if len(found) > query.limit else None

    async def _reach(self, grants: Sequence[Row], who: Parameters) -> tuple[Reach, int]:
        """What the grants of a peer say, and when the one of everything last changed."""
        if grants[0][0] is None:  # the outer join found none
            return Reach(everything=False, level=None, grants=()), 0
        if len(grants) > MAX_BRANCHES:
            ((all_level, all_changed, highest, lowest),) = await self._reader.rows(
                GRANTS_SUMMARY, who
            )
            listed = None
        else:
            all_level, all_changed, highest, lowest = summary_of_grants(grants)
            listed = tuple((grant[0], grant[1]) for grant in grants)
        if all_level is not None:
            level = all_level if all_level == highest else None
            return Reach(everything=True, level=level, grants=()), all_changed
        level = highest if highest == lowest else None
        return Reach(everything=False, level=level, grants=listed), 0
