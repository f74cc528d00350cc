"""What a column of a sheet is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["EXAMPLE_MARK", "MARK", "Column", "Kind"]

MARK = "#"  # a row or a column that begins with it is for people only
EXAMPLE_MARK = f"{MARK} example"


class Kind(Enum):
    """How a cell is understood."""

    TEXT = auto()
    TEXTS = auto()  # several, separated by | or line breaks
    URNS = auto()
    DECIMAL = auto()
    PERCENT = auto()  # a decimal; the cell may be formatted as a percentage
    AMOUNT = auto()  # a decimal, or a fraction such as 1/3
    IN_PERCENT = auto()  # the same; the cell may be formatted as a percentage
    SHARE = auto()  # the same, as a share: 4 is 0.04
    AMOUNTS = auto()  # several
    UNIT = auto()  # of measurement, however people write it; it stays as it is
    YEAR = auto()  # a whole number
    TIME = auto()
    FLAG = auto()
    CHOICE = auto()
    SOURCES = auto()  # "name, version"
    RULES = auto()  # "operator: name"

    @property
    def is_numeric(self) -> bool:
        """Whether there is one number in a cell."""
        return self in (Kind.DECIMAL, Kind.AMOUNT) or self.is_percent

    @property
    def is_percent(self) -> bool:
        """Whether it is written in percent."""
        return self in (Kind.PERCENT, Kind.IN_PERCENT, Kind.SHARE)

    @property
    def is_said_once(self) -> bool:
        """Whether a merged cell says the same for each of its rows. A number may be of all the rows
        together."""
        return not self.is_numeric and self is not Kind.AMOUNTS


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        name: by which programs know it.
        kind: how its cells are understood.
        text: what belongs into it, for people.
        is_required: whether a row without it cannot be taken.
        choices: the values of a `CHOICE`.
    """

    name: str
    kind: Kind
    text: str
    is_required: bool = False
    choices: tuple[str, ...] = ()
