"""What the methodology checks share: a footprint, what of it is withheld, and what was found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from underseal_protocol.decimals import format_decimal, parse_decimal
from underseal_protocol.times import parse_time

__all__ = ["Finding", "Severity", "Subject", "shown"]

SHOWN_DIGITS = 60


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # breaks a SHALL or MUST, or arithmetic
    WARNING = "warning"  # is probably a mistake, or will break a SHALL
    INFO = "info"  # could be better


@dataclass(frozen=True, slots=True)
class Finding:
    """One point in which a footprint does not follow the PACT Methodology.

    Attributes:
        rule: the id of the rule; docs/reference/data-model.md lists them.
        severity: how much it matters.
        pointer: to the property that it is about (RFC 6901), also if it is missing.
        message: one sentence with the figures.
        section: of the PACT Methodology, such as `3.3.2.4`, or a chapter of the Tech Specs.
        hint: what usually helps.
    """

    rule: str
    severity: Severity
    pointer: str
    message: str
    section: str
    hint: str | None = None


class Subject:
    """A footprint under examination.

    Args:
        document: a footprint that fulfils the schema.
        today: for rules that begin on a date.
        withheld: names of properties that are not shown, so that nothing can be said about them.

    Attributes:
        pcf: its carbon footprint.
        findings: what has been found so far.
    """

    __slots__ = ("document", "findings", "pcf", "today", "withheld")

    def __init__(
        self, document: Mapping[str, Any], today: date, withheld: Collection[str] = ()
    ) -> None:
        self.document = document
        self.pcf: Mapping[str, Any] = document["pcf"]
        self.today = today
        self.withheld = frozenset(withheld)
        self.findings: list[Finding] = []

    def add(
        self,
        rule: str,
        severity: Severity,
        pointer: str,
        message: str,
        section: str,
        hint: str | None = None,
    ) -> None:
        """Note a finding."""
        self.findings.append(Finding(rule, severity, pointer, message, section, hint))

    def is_shown(self, *names: str) -> bool:
        """Whether none of these properties is withheld."""
        return not self.withheld or self.withheld.isdisjoint(names)

    def lacks(self, name: str) -> bool:
        """Whether the carbon footprint does not say this, although it is not withheld."""
        return self.pcf.get(name) in (None, "") and self.is_shown(name)

    def number(self, name: str) -> Decimal | None:
        """A figure of the carbon footprint; None if it is undefined."""
        text = self.pcf.get(name)
        return None if text is None else parse_decimal(text)

    def time(self, name: str) -> datetime | None:
        """A moment in the footprint or its carbon footprint; None if it is undefined."""
        text = self.document.get(name) or self.pcf.get(name)
        return None if text is None else parse_time(text)


def shown(number: Decimal) -> str:
    """A figure in a message."""
    text = format_decimal(number)
    return text if len(text) <= SHOWN_DIGITS else f"{text[:SHOWN_DIGITS]}..."
