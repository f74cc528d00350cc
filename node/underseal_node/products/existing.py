"""Whether what lines name is there: a factor has to be, a product or footprint may come later."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from underseal_node.products.results import PlacedProduct, ReadProducts
from underseal_node.sheets.problems import Problem
from underseal_node.store import products
from underseal_protocol.rollup.documents import source_of
from underseal_protocol.rollup.sources import (
    FactorSource,
    FootprintSource,
    LeftOut,
    ProductSource,
    Source,
)

__all__ = ["Named", "missing", "named_of", "text_of_missing"]

MAX_SUGGESTIONS = 50  # looking for what somebody may have meant takes time
SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Named:
    """What the lines of a file name and the node does not have.

    Attributes:
        problems: factors; the file cannot be taken.
        warnings: products and footprints; their lines are open until these are there.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def missing(session: Session, sources: Iterable[Source]) -> frozenset[Source]:
    """Those that the node does not have.

    Args:
        session: to read.
        sources: of lines.
    """
    wanted = {one for one in sources if not isinstance(one, LeftOut)}
    factors = {one.id for one in wanted if isinstance(one, FactorSource)}
    own = {one.id for one in wanted if isinstance(one, ProductSource)}
    received = {one.id for one in wanted if isinstance(one, FootprintSource)}
    known: set[Source] = {FactorSource(one) for one in products.known_factors(session, factors)}
    known |= {ProductSource(one) for one in products.known_products(session, own)}
    known |= {FootprintSource(one) for one in products.known_received(session, received)}
    return frozenset(wanted - known)


def text_of_missing(source: Source) -> str:
    """What is not there, for people."""
    if isinstance(source, FootprintSource):
        return f"there is no received footprint {source.id}"
    what = "factor" if isinstance(source, FactorSource) else "product"
    return f"there is no {what} {getattr(source, 'id', '')!r}"


def named_of(session: Session, found: ReadProducts) -> Named:
    """What the lines of a file name, compared with what is there, in the file itself as well.

    Args:
        session: to read.
        found: of the file.
    """
    lines = [(*one, product) for product in found.products for one in _sources(product)]
    in_file: set[Source] = {FactorSource(one.document["id"]) for one in found.factors}
    in_file |= {ProductSource(one.document["id"]) for one in found.products}
    absent = missing(session, {source for source, _, _ in lines} - in_file)
    problems: list[Problem] = []
    warnings: list[Problem] = []
    hint_of = _hints(session, found)
    for source, pointer, product in lines:
        if source not in absent:
            continue
        place = product.place_of(pointer)
        if isinstance(source, FactorSource):
            message = text_of_missing(source)
            problems.append(Problem(found.file, place, message, hint_of(source.id)))
        else:
            message = f"{text_of_missing(source)} yet: the line is open until there is"
            hint = (
                "Import the product, or correct the source."
                if isinstance(source, ProductSource)
                else "Pull it from the supplier, or correct the source."
            )
            warnings.append(Problem(found.file, place, message, hint))
    return Named(tuple(problems), tuple(warnings))


def _sources(product: PlacedProduct) -> Iterator[tuple[Source, str]]:
    """What each line names, and its JSON pointer."""
    known: dict[str, Source] = {}
    for number, line in enumerate(product.document.get("lines", ())):
        named: Mapping[str, object] | None = line.get("source")
        if named is not None and "leftOut" not in named:
            key = str(named)
            if key not in known:
                known[key] = source_of(named)
            yield known[key], f"/lines/{number}/source"


def _hints(session: Session, found: ReadProducts) -> Callable[[str], str]:
    """What to do about a factor that is not there."""
    hints: dict[str, str] = {}
    known: list[str] = []
    own = {str(one.document["id"]) for one in found.products}

    def hint(name: str) -> str:
        if name in hints:
            return hints[name]
        if not known:
            known.extend(row.id for row in products.all_factors(session))
            known.extend(str(one.document["id"]) for one in found.factors)
        said = "Put it into the sheet Factors, or import it first: `underseal factor import FILE`."
        if name in own or products.find(session, name) is not None:
            said = f"There is a product of this id: write product:{name} if it is meant."
        elif len(hints) < MAX_SUGGESTIONS:
            close = difflib.get_close_matches(name[:SHOWN_CHARACTERS], known, 1)
            said = f"Did you mean {close[0]}? {said}" if close else said
        hints[name] = said
        return said

    return hint
