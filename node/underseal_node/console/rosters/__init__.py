"""Rosters: companies that endorse figures without being named. Kept here, joined, and trusted."""

from __future__ import annotations

from underseal_node.console.rosters import admitting, joining, kept, listing, trusting

__all__ = ["ACTIONS", "PAGES", "UPLOADS"]

PAGES = {
    **listing.PAGES,
    **kept.PAGES,
    **admitting.PAGES,
    **joining.PAGES,
    **trusting.PAGES,
}
ACTIONS = {**kept.ACTIONS, **admitting.ACTIONS, **trusting.ACTIONS}
UPLOADS = {**admitting.UPLOADS, **joining.UPLOADS, **trusting.UPLOADS}
