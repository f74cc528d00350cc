"""What companies call the columns of footprints in their own sheets, in three languages.

Only for proposals: what a proposal is taken for, people see and confirm. Many names of columns of
products and factors are known to their reader, which takes them without asking.
"""

from __future__ import annotations

__all__ = ["FOOTPRINT_WORDS", "METER_WORDS", "ROW_WORDS"]

FOOTPRINT_WORDS = {
    "productNameCompany": "Product|Product name|Name|Article|Item|Produkt|Produktname|Bezeichnung"
    "|Artikelbezeichnung|Artikel|Benennung|产品|产品名称|名称|品名",
    "productIds": "Product ID|Article number|Article no|Item number|Part number|SKU|GTIN|EAN"
    "|Artikelnummer|Artikelnr|Art.-Nr.|Materialnummer|Sachnummer|Teilenummer|产品编号|物料编号|料号"
    "|产品标识|编号",
    "productDescription": "Description|Text|Beschreibung|Produktbeschreibung|Langtext|描述|产品描述"
    "|说明",
    "productClassifications": "Classification|CN code|HS code|Commodity code|CAS|CAS number"
    "|Klassifikation|Warennummer|Zolltarifnummer|CAS-Nummer|分类|产品分类|海关编码",
    "declaredUnitOfMeasurement": "Unit|Declared unit|UoM|Einheit|Deklarierte Einheit|Bezugseinheit"
    "|Mengeneinheit|ME|单位|声明单位|计量单位",
    "declaredUnitAmount": "Amount|Quantity|Declared amount|Menge|Bezugsmenge|Deklarierte Menge"
    "|数量|声明数量",
    "productMassPerDeclaredUnit": "Mass|Weight|Net weight|Product mass|Masse|Gewicht|Nettogewicht"
    "|Stückgewicht|Produktmasse|质量|重量|净重|产品质量",
    "referencePeriodStart": "Start|From|Period start|Beginn|Von|Zeitraum von|Startdatum"
    "|开始|开始日期|起始日期",
    "referencePeriodEnd": "End|To|Until|Period end|Ende|Bis|Zeitraum bis|Enddatum|结束|结束日期"
    "|截止日期",
    "geographyCountry": "Country|Country of production|Geography|Land|Herstellungsland"
    "|Produktionsland|国家|生产国|产地",
    "geographyRegionOrSubregion": "Region|Region oder Teilregion|地区",
    "pcfExcludingBiogenicUptake": "PCF|Carbon footprint|Product carbon footprint|Footprint|GWP"
    "|CO2e|CO2 footprint|Emissions|PCF total|PCF excl. biogenic|CO2-Fußabdruck|Fußabdruck|THG"
    "|THG-Emissionen|CO2-Äquivalente|PCF ohne biogene Aufnahme|碳足迹|产品碳足迹|排放量"
    "|碳足迹不含生物碳吸收|不含生物碳",
    "pcfIncludingBiogenicUptake": "PCF incl. biogenic|PCF including biogenic|Total incl. biogenic"
    "|PCF mit biogener Aufnahme|PCF inkl. biogen|碳足迹含生物碳吸收|含生物碳",
    "fossilGhgEmissions": "Fossil|Fossil emissions|GWP fossil|Fossile Emissionen|GWP-fossil"
    "|化石排放|化石源排放",
    "fossilCarbonContent": "Fossil carbon|Fossil carbon content|Fossiler Kohlenstoff"
    "|Fossiler Kohlenstoffgehalt|化石碳含量",
    "biogenicCarbonContent": "Biogenic carbon|Biogener Kohlenstoff|Biogener Kohlenstoffgehalt"
    "|生物碳含量",
    "recycledCarbonContent": "Recycled carbon|Rezyklierter Kohlenstoff|再生碳含量",
    "ipccCharacterizationFactors": "IPCC|Assessment report|AR|Sachstandsbericht|评估报告"
    "|特征化因子",
    "crossSectoralStandards": "Standard|Standards|Norm|Normen|标准",
    "exemptedEmissionsPercent": "Exempted|Cut-off|Exempted emissions|Ausgenommen"
    "|Abschneidekriterium|豁免比例|截断比例",
    "exemptedEmissionsDescription": "Ausgenommen weil|豁免说明",
    "packagingEmissionsIncluded": "Packaging included|Verpackung enthalten|含包装",
    "primaryDataShare": "Primary data|PDS|Primary data share|Primärdatenanteil|Primärdaten"
    "|原始数据比例|初级数据占比",
    "dqi.technologicalDQR": "Technology|TeR|Technological DQR|Technologie DQR|技术代表性",
    "dqi.geographicalDQR": "GeR|Geographical DQR|Geographie DQR|地理代表性",
    "dqi.temporalDQR": "TiR|Temporal DQR|Zeit DQR|时间代表性",
    "boundaryProcessesDescription": "System boundary|Boundary|Systemgrenze|系统边界",
    "allocationRulesDescription": "Allocation|Allokation|Allokationsregeln|分配规则",
    "secondaryEmissionFactorSources": "Database|Databases|Sources|Datenbank|Datenbanken|Quellen"
    "|数据库|来源",
    "landUseChangeGhgEmissions": "LUC|Land use change|GWP luluc|Landnutzungsänderung|土地利用变化",
    "aircraftGhgEmissions": "Aircraft|Luftfracht|Flugemissionen|航空排放",
    "packagingGhgEmissions": "Packaging emissions|Verpackung|Verpackungsemissionen|包装排放",
    "outboundLogisticsGhgEmissions": "Outbound logistics|Ausgangslogistik|Distribution"
    "|出厂物流排放",
    "comment": "Comment|Remark|Note|Kommentar|Bemerkung|备注",
    "validityPeriodStart": "Valid from|Gültig ab|有效期开始",
    "validityPeriodEnd": "Valid until|Gültig bis|有效期结束",
    "verification.providerName": "Verifier|Verified by|Prüfer|核查机构",
    "verification.completedAt": "Verified on|Geprüft am|核查日期",
    "verification.standardName": "Verification standard|Prüfnorm|核查标准",
    "companyName": "Company|Firma|Unternehmen|公司|公司名称",
}
"""By the names of columns; separated by `|`."""

ROW_WORDS = {
    "product": "Assembly|Parent|Parent item|Finished good|Baugruppe|Erzeugnis|Kopfmaterial|Oberteil"
    "|Schlüssel|父项|成品|母件",
    "name": "Item|Part|Part name|Child|Bauteil|Teil|Teilebezeichnung|子项|子件|零件",
    "quantity": "Qty|Required quantity|Usage|Bedarf|Bedarfsmenge|Einsatzmenge|用量|需求量",
    "unit": "Unit of measure|ME|Basismengeneinheit|计量单位",
    "supplier": "Manufacturer|Kreditor|Hersteller|供货商",
    "productIds": "GTIN|EAN|Article number|Part number|Artikelnummer|Materialnummer|Teilenummer"
    "|物料编号|料号",
    "loss": "Scrap rate|Waste share|Ausschussquote|Verschnittanteil|报废率",
    "value": "kg CO2e|CO2e|CO2 factor|Emissionen|CO2-Faktor|排放系数",
}
"""The same for rows of products, their lines and factors, beyond what the reader itself knows."""

METER_WORDS = frozenset(
    {"meter", "meter id", "consumption", "reading"}
    | {"zähler", "zähler-id", "zählernummer", "messstelle", "verbrauch", "zählerstand"}
    | {"licznik", "wskazanie", "mérő"}
    | {"电表", "表计", "计量点", "用量", "读数"}
)
"""Headings of energy exports, in lower case."""
