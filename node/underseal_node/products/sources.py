"""What is written in the column `source` of a line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from underseal_node.products.words import SOURCE_WORDS
from underseal_node.sheets.problems import CellError

__all__ = ["source_of_text", "text_of_source"]

LEFT_OUT = "leftOut"
_PREFIXED = re.compile(r"([^:：]{1,20})[:：](.*)", re.DOTALL)


def source_of_text(
    text: str, products: Collection[str], factors: Collection[str]
) -> dict[str, Any]:
    """The source of a line, as JSON.

    Args:
        text: `factor:ID`, `product:ID`, `footprint:ID`, `left out: reason`, or the id of a factor.
        products: ids of the products in the file.
        factors: ids of the factors in the file.

    Raises:
        CellError: the reason or the id is missing, or it is the id of a product without `product:`.
    """
    found = _PREFIXED.fullmatch(text)
    word = text if found is None else found[1]
    name = SOURCE_WORDS.get(word.strip().casefold())
    if name is None:
        if text in products and text not in factors:
            raise CellError(
                f"{text[:60]!r} is a product, and no factor", hint=f"Write product:{text}."
            )
        return {"factor": text}
    rest = "" if found is None else found[2].strip()
    if not rest:
        what = "the reason" if name == LEFT_OUT else f"which {name}"
        example = {LEFT_OUT: "left out: inert waste", "factor": "factor:EL-DE"}
        raise CellError(
            f"{text[:60]!r} does not say {what}",
            hint=f"Such as {example.get(name, f'{name}:4711')}.",
        )
    return {LEFT_OUT: {"reason": rest}} if name == LEFT_OUT else {name: rest}


def text_of_source(source: Mapping[str, Any]) -> str:
    """The same as `source_of_text` reads it."""
    ((name, content),) = source.items()
    return f"left out: {content['reason']}" if name == LEFT_OUT else f"{name}:{content}"
