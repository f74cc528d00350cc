"""The columns of products that their lines do not have."""

from __future__ import annotations

from underseal_node.products.columns import PRODUCT, RowColumn, figure_title, row_column
from underseal_node.sheets.columns import Kind
from underseal_protocol.rollup.properties import CARBON

__all__ = ["PRODUCT_COLUMNS"]


def _stated(name: str, kind: Kind, title: str, text: str, others: str = "") -> RowColumn:
    """What the footprint of a product says besides its figures."""
    return row_column(name, kind, title, text, {PRODUCT: f"declaration.{name}"}, others=others)


PRODUCT_COLUMNS = (
    row_column(
        "mass",
        Kind.AMOUNT,
        "Mass (kg)",
        "kg of the declared amount, without packaging. Empty if the unit tells it.",
        {PRODUCT: "massKg"},
        others="massKg|Masse|Gewicht|质量",
    ),
    row_column(
        "basisQuantity",
        Kind.AMOUNT,
        "Lines are for",
        "How much good product all lines of it are for, such as a year's production. Empty: the "
        "declared amount.",
        {PRODUCT: "basis.amount"},
        others="Basis|Basis amount|Zeilen gelten für|Bezugsmenge|基准数量",
    ),
    row_column(
        "basisUnit",
        Kind.UNIT,
        "Lines are for: unit",
        "Empty: the declared unit.",
        {PRODUCT: "basis.unit"},
        others="Basis unit|Einheit der Bezugsmenge|基准单位",
    ),
    row_column(
        "yieldShare",
        Kind.SHARE,
        "Yield (%)",
        "Percent of what is started that becomes good product. Empty: 100.",
        {PRODUCT: "yieldShare"},
        others="Yield|Ausbeute|良率",
    ),
    row_column(
        "packagingIncluded",
        Kind.FLAG,
        "Packaging included",
        "Whether the footprint includes packaging. Empty: if there is some.",
        {PRODUCT: "packagingIncluded"},
        others="packagingEmissionsIncluded|Verpackung enthalten|含包装",
    ),
    _stated(
        "productName",
        Kind.TEXT,
        "Name in the footprint",
        "Empty: the name.",
        "productNameCompany|Name im Footprint|足迹中的名称",
    ),
    _stated(
        "description",
        Kind.TEXT,
        "Description",
        "What it is: material, process, dimensions, packaging. This, product IDs and the period "
        "make a footprint; without all of them it is an intermediate.",
        "productDescription|Beschreibung|描述|产品描述",
    ),
    _stated(
        "classifications",
        Kind.URNS,
        "Classifications",
        "Classes as URNs. Several: separated by |.",
        "productClassifications|Klassifikationen|分类",
    ),
    _stated(
        "periodStart",
        Kind.TIME,
        "Period start",
        "First day of the data, such as 2025-01-01 (UTC).",
        "referencePeriodStart|Beginn|Zeitraum von|开始日期",
    ),
    _stated(
        "periodEnd",
        Kind.TIME,
        "Period end",
        "First day after the data, such as 2026-01-01 (UTC) for the year 2025.",
        "referencePeriodEnd|Ende|Zeitraum bis|结束日期",
    ),
    _stated(
        "geography",
        Kind.TEXT,
        "Geography",
        "Where it is made: a country (DE), a part of one (DE-BW) or a region of PACT. Empty: the "
        "world.",
        "geographyCountry|Land|Country|国家|地区",
    ),
    _stated(
        "boundary",
        Kind.TEXT,
        "Boundary",
        "The processes that are included. Empty: composed.",
        "boundaryProcessesDescription|Systemgrenze|系统边界",
    ),
    _stated(
        "allocation",
        Kind.TEXT,
        "Allocation",
        "How by-products were dealt with.",
        "allocationRulesDescription|Allokation|分配",
    ),
    _stated(
        "exemptedPercent",
        Kind.IN_PERCENT,
        "Exempted emissions (%)",
        "Percent of the emissions that are left out beyond lines that are, 0 to 5.",
        "exemptedEmissionsPercent|Ausgenommen|豁免比例",
    ),
    _stated(
        "exemptedDescription",
        Kind.TEXT,
        "Exempted: why",
        "What was left out and why.",
        "exemptedEmissionsDescription|Ausgenommen weil|豁免说明",
    ),
    _stated("comment", Kind.TEXT, "Comment", "Anything else.", "Kommentar|Bemerkung|备注"),
    _stated(
        "standards",
        Kind.TEXTS,
        "Standards",
        "Empty: PACT-3.0. Several: separated by |.",
        "crossSectoralStandards|Normen|标准",
    ),
    _stated(
        "assessmentReports",
        Kind.TEXTS,
        "Assessment reports",
        "Of the IPCC, for emissions of your own. Empty: AR6.",
        "ipccCharacterizationFactors|Sachstandsberichte|评估报告",
    ),
    _stated(
        "specificRules",
        Kind.RULES,
        "Specific rules",
        "Operator: rule, such as PEF: Batteries. Several: separated by |.",
        "productOrSectorSpecificRules|Spezifische Regeln|特定规则",
    ),
    _stated(
        "captureOrigin",
        Kind.TEXT,
        "Origin of captured CO2",
        "Where captured CO2 comes from.",
        "technologicalCO2CaptureOrigin",
    ),
    _stated(
        "ccuCreditCertification",
        Kind.TEXT,
        "CCU credit certification",
        "URL of the certificate.",
    ),
    _stated("companyName", Kind.TEXT, "Company name", "Empty: your node's.", "Firma|公司名称"),
    _stated("companyIds", Kind.URNS, "Company IDs", "Empty: those of your node.", "公司标识"),
    *(
        row_column(
            name,
            Kind.AMOUNT,
            figure_title(name),
            "kg carbon in the declared amount, if its composition is known.",
            {PRODUCT: f"carbonContents.{name}"},
        )
        for name in CARBON
    ),
    row_column(
        "history",
        Kind.AMOUNTS,
        "Earlier footprints",
        "Earlier figures, kg CO2e per declared amount, to notice mistakes. Several: separated "
        "by |.",
        {PRODUCT: "history"},
        others="Frühere Werte|历史值",
    ),
)
