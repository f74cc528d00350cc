"""Products: where a footprint comes from, what would be if, and how it gets published."""

from __future__ import annotations

from underseal_node.console.products import (
    drafts,
    factors,
    listing,
    matching,
    publishing,
    refreshing,
    seen,
    twin,
    what_if,
)

__all__ = ["ACTIONS", "PAGES", "UPLOADS"]

PAGES = {
    **listing.PAGES,
    **twin.PAGES,
    **seen.PAGES,
    **matching.PAGES,
    **what_if.PAGES,
    **publishing.PAGES,
    **refreshing.PAGES,
    **drafts.PAGES,
    **factors.PAGES,
}
ACTIONS = {
    **matching.ACTIONS,
    **what_if.ACTIONS,
    **publishing.ACTIONS,
    **refreshing.ACTIONS,
    **drafts.ACTIONS,
}
UPLOADS = drafts.UPLOADS
