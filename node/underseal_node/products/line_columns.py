"""The columns of products and their lines."""

from __future__ import annotations

from underseal_node.products.columns import (
    LINE_KINDS,
    PRODUCT,
    PROPERTIES,
    QUALITY,
    RowColumn,
    figure_title,
    headings_of,
    mapped,
    row_column,
)
from underseal_node.products.product_columns import PRODUCT_COLUMNS
from underseal_node.sheets.columns import Kind
from underseal_protocol.rollup.inputs import Direction, Mode
from underseal_protocol.rollup.properties import AIRCRAFT, GROSS

__all__ = ["COLUMNS", "DIRECT", "HEADINGS", "SOURCED_KINDS"]

MATERIAL, ENERGY, TRANSPORT, PACKAGING, WASTE, DIRECT = LINE_KINDS
SOURCED_KINDS = tuple(one for one in LINE_KINDS if one != DIRECT)
_COUNTED = (MATERIAL, ENERGY, PACKAGING, WASTE)


def _quantity(member: str) -> dict[str, str]:
    return {
        **mapped(f"quantity.{member}", _COUNTED),
        TRANSPORT: f"load.{member}",
        PRODUCT: f"declaredUnit.{member}",
    }


_COMMON = (
    row_column(
        "kind",
        Kind.TEXT,
        "Kind",
        "product, material, energy, transport, packaging, waste or direct. Not needed in a sheet "
        "with the name of one.",
        mapped("@kind", (PRODUCT, *LINE_KINDS)),
        others="Art|Zeilenart|Typ|Type|类别|类型",
        choices=(PRODUCT, *LINE_KINDS),
    ),
    row_column(
        "product",
        Kind.TEXT,
        "Product",
        "A short key of the product, such as an article number. In lines it can be left out if the "
        "file has one product only.",
        {PRODUCT: "id", **mapped("@product", LINE_KINDS)},
        others="Product key|Produkt|Produktschlüssel|产品",
        needed=[PRODUCT],
    ),
    row_column(
        "name",
        Kind.TEXT,
        "Name",
        "What it is: a material, an energy carrier, a way, a process.",
        mapped("name", (PRODUCT, *LINE_KINDS)),
        others="Bezeichnung|Component|Komponente|Benennung|Description of line|名称|物料名称",
        needed=LINE_KINDS,
    ),
    row_column(
        "quantity",
        Kind.AMOUNT,
        "Quantity",
        "How much, as the bill of materials says: without losses. Of a product: the declared "
        "amount; empty: 1. Of transport: the mass, or tkm without a distance.",
        _quantity("amount"),
        others="Amount|Declared amount|Load|Menge|Anzahl|数量",
        needed=[*_COUNTED, TRANSPORT],
    ),
    row_column(
        "unit",
        Kind.UNIT,
        "Unit",
        "Of the quantity: kg, kWh, m3, piece, tkm ... Of a product: the unit of the footprint.",
        _quantity("unit"),
        others="Declared unit|Einheit|Mengeneinheit|ME|UoM|单位",
        needed=[PRODUCT, *_COUNTED, TRANSPORT],
    ),
    row_column(
        "productIds",
        Kind.URNS,
        "Product IDs",
        "URNs, such as urn:gtin:4712345060507. Of a material: its own, to find the footprint of "
        "the supplier. Several: separated by |.",
        {MATERIAL: "productIds", PRODUCT: "declaration.productIds"},
        others="Produkt-IDs|Artikelnummern|产品标识",
    ),
)
_LINES = (
    row_column(
        "supplier",
        Kind.TEXT,
        "Supplier",
        "Who delivers it, to find its footprint.",
        {MATERIAL: "supplier"},
        others="Lieferant|Vendor|供应商",
    ),
    row_column(
        "source",
        Kind.TEXT,
        "Source",
        "Empty: it is matched later. Or factor:EL-DE, product:cell, footprint:ID, or left out: and "
        "the reason.",
        mapped("@source", SOURCED_KINDS),
        others="Emission factor|Factor|Quelle|Emissionsfaktor|Faktor|因子|来源",
    ),
    row_column(
        "loss",
        Kind.SHARE,
        "Loss (%)",
        "Percent of what is taken that is lost: 4 for 4 %.",
        {MATERIAL: "loss"},
        others="Scrap|Verlust|Ausschuss|Verschnitt|损耗|损耗率",
    ),
    row_column(
        "retained",
        Kind.SHARE,
        "In the product (%)",
        "Percent of the quantity that is in the product when it leaves. Empty: 100. Auxiliaries "
        "and what is burnt: 0.",
        {MATERIAL: "retained"},
        others="Retained|In product|Im Produkt|Verbleib im Produkt|留存率",
    ),
    row_column(
        "recycledShare",
        Kind.SHARE,
        "Recycled (%)",
        "Percent of recycled material.",
        {MATERIAL: "recycledShare"},
        others="Recycled share|Recyclinganteil|Rezyklatanteil|再生比例",
    ),
    row_column(
        "process",
        Kind.TEXT,
        "Process",
        "That uses the energy.",
        {ENERGY: "process"},
        others="Prozess|Prozessschritt|工序",
    ),
    row_column(
        "distance",
        Kind.AMOUNT,
        "Distance",
        "How far. Empty: the quantity is in tkm.",
        {TRANSPORT: "distance.amount"},
        others="distance_km|Entfernung|Strecke|Distanz|距离|运距",
    ),
    row_column(
        "distanceUnit",
        Kind.UNIT,
        "Distance unit",
        "Empty: km.",
        {TRANSPORT: "distance.unit"},
        others="Einheit der Entfernung|距离单位",
    ),
    row_column(
        "mode",
        Kind.CHOICE,
        "Mode",
        "How it is transported. Empty: other.",
        {TRANSPORT: "mode"},
        others="Verkehrsträger|Transportmittel|运输方式",
        choices=map(str, Mode),
    ),
    row_column(
        "direction",
        Kind.CHOICE,
        "Direction",
        "Empty: inbound, to you. Outbound is stated beside the footprint.",
        {TRANSPORT: "direction"},
        others="Richtung|方向",
        choices=map(str, Direction),
    ),
    row_column(
        "carries",
        Kind.TEXT,
        "Carries",
        "Line or name of the material that is carried.",
        {TRANSPORT: "@carries"},
        others="Transportiert|运输物料",
    ),
    row_column(
        "packs",
        Kind.TEXT,
        "Packs",
        "Line or name of the material that comes in it. Empty: your product leaves in it.",
        {PACKAGING: "@packs"},
        others="Verpackt|包装物料",
    ),
    *(
        row_column(
            name,
            Kind.AMOUNT,
            figure_title(name),
            f"{'m2 times years' if name == 'landAreaOccupation' else 'kg CO2e'} of your own.",
            {DIRECT: f"emissions.{name}"},
        )
        for name in GROSS
        if name != AIRCRAFT
    ),
    row_column(
        "measured",
        Kind.FLAG,
        "Measured",
        "no: the amount is an estimate. Empty: yes.",
        mapped("isPrimary", LINE_KINDS),
        others="isPrimary|Primary data|Gemessen|Primärdaten|实测",
    ),
    *QUALITY,
    row_column(
        "withOutbound",
        Kind.FLAG,
        "Supplier's delivery counts",
        "no: a transport line is the delivery that the supplier's footprint states. Empty: yes.",
        mapped("withOutbound", SOURCED_KINDS),
        others="With outbound|Lieferung des Lieferanten zählt|计入供应商运输",
    ),
    row_column(
        "estimate",
        Kind.AMOUNT,
        "Estimate of what is left out (kg CO2e)",
        "Only with the source left out.",
        mapped("@source.leftOut.estimateKgCo2e", SOURCED_KINDS),
        others="estimateKgCo2e|Schätzung|估算排放",
    ),
    row_column(
        "line",
        Kind.TEXT,
        "Line",
        "A key of the line. Empty: made of kind and name.",
        mapped("id", LINE_KINDS),
        others="Line id|Zeile|Zeilennummer|Position|Pos|行号",
    ),
)
COLUMNS: tuple[RowColumn, ...] = (*_COMMON, *_LINES, *PRODUCT_COLUMNS, *PROPERTIES)
HEADINGS = headings_of(COLUMNS)
