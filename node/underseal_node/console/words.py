"""Words of the node that pages show as they are, such as states, marked for the catalogues."""

from __future__ import annotations

from underseal_node.console.marks import _
from underseal_protocol.disclosure import Level

__all__ = ["LEVELS", "UNITS", "WORDS"]


LEVELS = tuple(level.value for level in Level)
"""Disclosure levels, from the lowest."""

WORDS = (
    # Disclosure levels.
    _("total"), _("quality"), _("breakdown"), _("full"),
    # Partners: state, assurance, who has to approve.
    _("active"), _("pending"), _("suspended"), _("revoked"), _("rejected"),
    _("first-contact"), _("invitation"), _("confirmed"), _("unverified"), _("invited"),
    _("us"), _("them"),
    # Footprints and their verification.
    _("Active"), _("Deprecated"), _("verified"), _("unsigned"), _("invalid"),
    _("attested"), _("unknown-verifier"), _("expired"),
    _("shown"), _("withheld"), _("nothing stated"), _("usable"), _("not usable"),
    _("in a bill of materials"),
    _("by contribution"), _("all alike"),
    _("reasonable"), _("limited"), _("info"), _("warning"), _("error"),
    # Units of PACT.
    _("liter"), _("kilogram"), _("cubic meter"), _("kilowatt hour"), _("megajoule"),
    _("ton kilometer"), _("square meter"), _("piece"), _("hour"), _("megabit second"),
    # Grants.
    _("all"), _("product"), _("classification"), _("footprint"), _("future"), _("ended"),
    _("sealed"),
    # Endorsements and sealed sums.
    _("kept here"), _("member"), _("applied"), _("trusted"),
    _("allowed"), _("endorsed"), _("known"), _("unknown"), _("origin"), _("mass"),
    # Requests, events, work.
    _("incoming"), _("outgoing"), _("fulfilled"), _("failed"), _("waiting"), _("running"),
    _("done"), _("refused"), _("delivered"), _("dead"), _("paused"),
    # Products.
    _("open lines"), _("not published"), _("stale"), _("current"),
    # Imports.
    _("Check"), _("Import"), _("new"), _("changed"), _("unchanged"), _("published"), _("corrected"),
    _("removed"), _("spend"),
    _("footprints"), _("products"), _("factors"), _("readings"), _("orders"),
    _("reading"), _("order"), _("meter"), _("setup"),
    # The audit log.
    _("operator"), _("peer"), _("node"),
    # What partners see: blocks of footprints.
    _("company"),
    _("verification"), _("emissions"), _("carbon"), _("method"), _("other"),
    _("does not verify"),
    # The doctor.
    _("ok"), _("problem"),
)  # fmt: skip

UNITS = (
    _("liter"), _("kilogram"), _("cubic meter"), _("kilowatt hour"), _("megajoule"),
    _("ton kilometer"), _("square meter"), _("piece"), _("hour"), _("megabit second"),
)  # fmt: skip
"""What PACT 3.0 lets footprints be declared for (`DeclaredUnitOfMeasurement`)."""
