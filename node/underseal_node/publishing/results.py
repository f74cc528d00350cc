"""What publishing says: problems of files, what became of footprints, who is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from underseal_node.errors import RefusedError
from underseal_protocol.methodology_subject import Finding

__all__ = [
    "CellError",
    "Changed",
    "ImportResult",
    "Imported",
    "Outcome",
    "Problem",
    "UnpublishableError",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file, or one footprint or row of it, cannot be published.

    Attributes:
        file: its name.
        place: a JSON pointer, or row and column of a sheet; empty for the file as a whole.
        message: one sentence.
        hint: what usually helps.
    """

    file: str
    place: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """File, place and message in one line."""
        where = f"{self.file}, {self.place}" if self.place else self.file
        return f"{where}: {self.message}"


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


class CellError(RefusedError):
    """A cell of a sheet cannot be understood. Whoever reads the row adds where it is."""


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
