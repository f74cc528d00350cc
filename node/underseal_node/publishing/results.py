"""What publishing says: problems of files, what became of footprints, who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from underseal_node.errors import RefusedError
from underseal_node.sheets.problems import Problem
from underseal_protocol.methodology_subject import Finding

__all__ = [
    "Changed",
    "ImportResult",
    "Imported",
    "Outcome",
    "Problem",
    "UnpublishableError",
]


class UnpublishableError(RefusedError):
    """A file cannot be published as it is.

    Args:
        problems: all of them, at least one.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        more = len(problems) - 1
        super().__init__(
            str(problems[0]) + (f" (and {more} more)" if more else ""), hint=problems[0].hint
        )
        self.problems = tuple(problems)


class Outcome(StrEnum):
    """What an import makes of a footprint."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"  # it was published before with the same content


@dataclass(frozen=True, slots=True)
class Imported:
    """One footprint of an import.

    Attributes:
        id: of the footprint.
        product_name_company: its `productNameCompany`.
        file: the name of the file it is from.
        outcome: what became of it, or would in a dry run.
        findings: where it does not follow the methodology.
    """

    id: str
    product_name_company: str
    file: str
    outcome: Outcome
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or would do.

    Attributes:
        dry_run: then nothing was signed or stored.
        footprints: of the files without problems.
        problems: every error of the other files.
        refused: how many files these are.
        notified: names of the peers that are, or would be, told; sorted.
    """

    dry_run: bool
    footprints: tuple[Imported, ...]
    problems: tuple[Problem, ...]
    refused: int
    notified: tuple[str, ...]

    @property
    def published(self) -> int:
        """How many footprints are, or would be, published."""
        return sum(one.outcome is Outcome.PUBLISHED for one in self.footprints)

    @property
    def unchanged(self) -> int:
        """How many footprints were published before."""
        return len(self.footprints) - self.published


@dataclass(frozen=True, slots=True)
class Changed:
    """A footprint was deprecated, perhaps because another one takes its place.

    Attributes:
        deprecated: its id.
        published: the id of its successor.
        notified: names of the peers that are told; sorted.
        findings: where the successor does not follow the methodology.
    """

    deprecated: str
    published: str | None
    notified: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
