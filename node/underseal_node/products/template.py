"""The workbook that a company fills in with its products.

Rows that begin with `#`, the explanations and the examples, are ignored when it is imported.
"""

from __future__ import annotations

from underseal_node.products.workbooks import book_of
from underseal_node.sheets.columns import MARK

__all__ = ["INSTRUCTIONS", "workbook"]

INSTRUCTIONS = "Instructions"

_LINES = (
    "Describe your products, one row each in the sheet Products, and what goes into them in the "
    "other sheets. Then look at what would be imported, and import it:",
    "    underseal --home DIR product import --dry-run FILE.xlsx",
    "    underseal --home DIR product import FILE.xlsx",
    "",
    "1. Products: a short key, the declared unit and amount that the footprint is for, and the "
    "amount that the other sheets are for, such as the production of a year.",
    "2. Materials: the bill of materials, with suppliers and product IDs, by which the footprints "
    "of suppliers are found.",
    "3. Energy: meter readings and fuel. Direct emissions: what your processes emit themselves. "
    "Fuel needs a factor for burning it, and often another row with a factor for its supply.",
    "4. Transport to you: mass, distance and mode; or tkm without a distance. Packaging and waste.",
    "5. Factors: emission factors of databases, with their source. Leave the sheet empty if you "
    "import them from another file.",
    "",
    "Columns marked * (yellow) have to be filled in. Leave what does not apply empty. The order of "
    "columns and sheets does not matter; what you do not need can be deleted.",
    f"Rows that begin with {MARK} are ignored, like columns whose name begins with {MARK}: the "
    "examples can stay or be deleted. To begin with an example, clear its first cell.",
    "",
    "Source of a line: empty, and it is matched later; or factor:EL-DE, product:KEY for a product "
    "of your own, or left out: and the reason, which customers can read.",
    "Units: those of the list, or as you write them (kg, Stück, 公斤). A ton is refused: write t, "
    "short ton or long ton. Where the source is measured in another way than the line, such as "
    "litres and kilograms, fill in the density or the like, at the end of the row.",
    "Numbers: type them as numbers. What the cell shows with up to 15 significant digits counts. "
    "Text such as 1,234, which may be one thousand or one point two, is refused. 1/3 as a text is "
    "a third. Percent are written 4, or as a cell in percent format that shows 4 %.",
    "Formulas are not calculated: what counts is the result that your spreadsheet has saved.",
    "Dates: type them as dates, or as 2025-01-31 or 31.01.2025. The end of a period is the first "
    "day after it.",
    "",
    "Line: leave it empty. A line without a key gets one made of its kind and name, so that "
    "importing the file again changes nothing, also when rows were added in between.",
    "",
    "As text: save a sheet as CSV UTF-8 with a column Kind, which says product, material, energy, "
    "direct, transport, packaging or waste in each row.",
)


def workbook(example: bool = True) -> bytes:
    """An empty workbook (.xlsx) with instructions, explanations and drop-downs.

    Args:
        example: whether each sheet has examples, which are ignored when it is imported.
    """
    book = book_of({}, example=example)
    book.add_texts(INSTRUCTIONS, _LINES, first=True)
    return book.content()
