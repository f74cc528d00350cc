"""What reading a file of products or factors gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from underseal_node.publishing.results import Problem

__all__ = ["PlacedFactor", "PlacedProduct", "ReadProducts"]


@dataclass(frozen=True, slots=True)
class PlacedProduct:
    """A product as it stands in a file.

    Attributes:
        document: in the form of `rollup.documents.product_json`. What the node knows itself
            (`rollup.documents.DEFAULT_NAMES`) may be missing in its declaration; with it,
            `product_of` accepts the document.
        place_of: from a JSON pointer into the document to the place in the file.
        problems: why nothing could be calculated with it, though it can be read.
    """

    document: dict[str, Any]
    place_of: Callable[[str], str] = field(repr=False, compare=False)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedFactor:
    """An emission factor as it stands in a file.

    Attributes:
        document: in the form of `rollup.documents.factor_json`; `factor_of` accepts it.
        place_of: from a JSON pointer into the document to the place in the file.
        problems: why nothing could be calculated with it, though it can be read.
    """

    document: dict[str, Any]
    place_of: Callable[[str], str] = field(repr=False, compare=False)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadProducts:
    """What a file holds.

    Attributes:
        file: its name.
        products: in the order of the file; those without problems.
        factors: in the order of the file; those without problems.
        problems: why something of it cannot be read; then nothing of the file may be taken.
    """

    file: str
    products: tuple[PlacedProduct, ...] = ()
    factors: tuple[PlacedFactor, ...] = ()
    problems: tuple[Problem, ...] = ()
