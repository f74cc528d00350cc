"""What people call sheets, kinds of rows, modes and sources, in English, German and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from underseal_node.products.columns import FACTOR, PRODUCT
from underseal_protocol.rollup.inputs import Direction, Kind, Mode

__all__ = [
    "CHOICE_WORDS",
    "SHEETS",
    "SOURCE_WORDS",
    "kind_of_sheet",
    "kind_of_word",
    "names_of_kind",
]

# The sheets of the template, in their order, by the kinds of their rows.
SHEETS = {
    PRODUCT: "Products",
    str(Kind.MATERIAL): "Materials",
    str(Kind.ENERGY): "Energy",
    str(Kind.DIRECT): "Direct emissions",
    str(Kind.TRANSPORT): "Transport",
    str(Kind.PACKAGING): "Packaging",
    str(Kind.WASTE): "Waste",
    FACTOR: "Factors",
}

_KIND_WORDS = {
    PRODUCT: "product|products|produkt|produkte|产品",
    Kind.MATERIAL: "material|materials|materialien|stückliste|bom|bill of materials|bauteil"
    "|component|components|komponenten|物料|物料清单|材料",
    Kind.ENERGY: "energy|energie|energieverbrauch|energy use|能源|能耗",
    Kind.DIRECT: "direct|direct emission|direct emissions|direkt|direktemission|direktemissionen"
    "|direkte emissionen|直接排放",
    Kind.TRANSPORT: "transport|transports|transporte|logistik|logistics|运输",
    Kind.PACKAGING: "packaging|verpackung|verpackungen|包装",
    Kind.WASTE: "waste|wastes|abfall|abfälle|abwasser|entsorgung|废物|废弃物",
    FACTOR: "factor|factors|emission factors|emissionsfaktoren|faktoren|faktor|排放因子|因子",
}
_MODE_WORDS = {
    Mode.ROAD: "truck|lorry|lkw|straße|strasse|公路|卡车",
    Mode.RAIL: "train|bahn|schiene|zug|铁路",
    Mode.SEA: "ship|seeschiff|schiff|see|海运",
    Mode.INLAND_WATERWAY: "barge|binnenschiff|inland waterways|内河|内河航运",
    Mode.AIR: "plane|aircraft|flugzeug|luft|空运|航空",
    Mode.PIPELINE: "rohrleitung|管道",
    Mode.OTHER: "andere|sonstige|其他",
}
_DIRECTION_WORDS = {
    Direction.INBOUND: "in|eingehend|eingang|入厂|入向",
    Direction.OUTBOUND: "out|ausgehend|ausgang|出厂|出向",
}
_SOURCE_WORDS = {
    "factor": "factor|faktor|emissionsfaktor|因子|排放因子",
    "product": "product|produkt|产品",
    "footprint": "footprint|fußabdruck|足迹",
    "leftOut": "left out|leftout|weggelassen|ausgelassen|nicht gezählt|未计入",
}


def _by_word(words: Mapping[Any, str]) -> dict[str, str]:
    return {
        word: str(meant) for meant, listed in words.items() for word in (meant, *listed.split("|"))
    }


SOURCE_WORDS = _by_word(_SOURCE_WORDS)
CHOICE_WORDS = {"mode": _by_word(_MODE_WORDS), "direction": _by_word(_DIRECTION_WORDS)}
_KINDS = _by_word(_KIND_WORDS)
_NUMBERING = re.compile(r"[\W\d_]+")


def kind_of_word(word: str) -> str | None:
    """The kind of row that somebody means."""
    return _KINDS.get(word.strip().casefold())


def kind_of_sheet(title: str) -> str | None:
    """The kind of the rows of a sheet, by its title: `2. Materials` holds materials."""
    return kind_of_word(_NUMBERING.sub(" ", title))


def names_of_kind(kind: str) -> list[str]:
    """Other names of a kind of row, for people; the sheet may have any of them."""
    title = SHEETS[kind].casefold()
    return [word for word in _KIND_WORDS[kind].split("|") if word not in (title, kind)]
