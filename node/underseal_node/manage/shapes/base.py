"""What all shapes have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
)
from pydantic.alias_generators import to_camel

from underseal_protocol.times import format_time

__all__ = [
    "MAX_ROW_ID",
    "GivenInstant",
    "InputShape",
    "Instant",
    "Listing",
    "Part",
    "RowNumber",
    "Shape",
]

T = TypeVar("T")

# What fits into a key of the database.
MAX_ROW_ID = 2**31 - 1
RowNumber = Annotated[int, Field(ge=1, le=MAX_ROW_ID)]

Instant = Annotated[datetime, PlainSerializer(format_time, return_type=str, when_used="json")]


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("the instant is too early or too late") from None


GivenInstant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Shape(BaseModel):
    """Base: camelCase on the wire, unknown members of what is sent to us refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class InputShape(Shape):
    """Base of what is sent to us: every text is one that a database takes."""

    @field_validator("*")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not _is_storable(text):
                raise ValueError("the text holds a NUL or half of a character")
        return value


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can escape
        return False
    return "\0" not in text


class Listing(Shape, Generic[T]):
    """A list."""

    data: list[T]


class Part(Listing[T], Generic[T]):
    """A part of a list."""

    total: int | None = None  # of all parts; only if it is asked for
