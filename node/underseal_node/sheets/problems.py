"""What is wrong with a file, and where."""

from __future__ import annotations

from dataclasses import dataclass

from underseal_node.errors import RefusedError
from underseal_protocol.errors import Violation

__all__ = ["CellError", "Problem", "problem_of"]

SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file, or one document or row of it, cannot be taken.

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


class CellError(RefusedError):
    """A cell of a sheet cannot be understood. Whoever reads the row adds where it is."""


def problem_of(violation: Violation, file: str, place: str, *, in_sheet: bool) -> Problem:
    """What is wrong with a document, as a problem of the file that it is from.

    Args:
        violation: of the form of the document.
        file: its name.
        place: where in the file.
        in_sheet: whether it is a sheet, where nobody writes quotation marks.
    """
    expected = violation.expected
    if in_sheet:
        expected = expected.replace(" in quotes", "").replace(", without quotes", "")
    if violation.value is None:
        return Problem(file, place, f"expected {expected}", violation.hint)
    shown = repr(violation.value)
    if len(shown) > SHOWN_CHARACTERS:
        shown = shown[:SHOWN_CHARACTERS] + "..."
    return Problem(file, place, f"it is {shown}, expected {expected}", violation.hint)
