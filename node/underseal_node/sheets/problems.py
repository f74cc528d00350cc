"""What is wrong with a file, and where."""

from __future__ import annotations

from dataclasses import dataclass

from underseal_node.errors import RefusedError

__all__ = ["CellError", "Problem"]


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
