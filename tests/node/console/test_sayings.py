"""What the node itself says is in every language, and what others have written stays as it is."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from tests.node.console.conftest import Browser
from tests.node.console.files_to_import import footprints_csv, hand_in
from tests.node.console.hostile import CANARY, require_text

from underseal_node.console.catalogues import NODE, file_of, found_sayings
from underseal_node.console.languages import DEFAULT, LANGUAGES, LOCALES, language
from underseal_node.console.node_texts import KINDS, PACKAGES, found_texts, templates_of
from underseal_node.console.saying import PLACEHOLDER, Sayings, sayings
from underseal_node.products import factor_columns, line_columns
from underseal_node.products.columns import RowColumn
from underseal_node.spend import columns as spend_columns

OTHERS = [code for code in LANGUAGES if code != DEFAULT]


def translations(code: str) -> dict[str, str]:
    with file_of(code, NODE).open("rb") as stream:
        return {str(one.id): str(one.string) for one in read_po(stream, LOCALES[code]) if one.id}


@pytest.mark.parametrize("code", OTHERS)
def test_everything_that_the_node_says_is_translated(code: str) -> None:
    known = translations(code)
    wanted = {str(one.id) for one in found_sayings() if one.id}
    missing = sorted(text for text in wanted if not known.get(text))
    assert missing == [], "python -m underseal_node.console.catalogues adds them"
    assert sorted(known.keys() - wanted) == []


@pytest.mark.parametrize("code", OTHERS)
def test_every_translation_has_the_values_of_its_text(code: str) -> None:
    for text, translation in translations(code).items():
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(translation)), text


def test_each_kind_is_found_in_the_source() -> None:
    found = found_texts()
    for kind, modules in KINDS.items():
        assert found[kind], kind
        for module in modules.split():
            package, _, path = module.partition("/")
            __import__(f"{PACKAGES[package]}.{path.replace('/', '.')}")


def test_texts_of_all_forms_are_found() -> None:
    source = '''
"""Not this docstring here."""
import re
PATTERN = re.compile("not this pattern")
HINT = "Say it again."
ALIASES = "one|two words"
def refuse(name, found, more):
    """Nor this docstring here."""
    log.info("nor what is logged")
    also = f" and {more}" if more else ""
    raise Refused(f"{name!r} is {found.what}, expected {', '.join(more)}" + also)
'''
    assert templates_of(source) == {
        "Say it again.",
        "{name} is {what}, expected {more}{also}",
        "{name} is {what}, expected {more}",
        " and {more}",
    }


def raised_in(module: Path) -> set[str]:
    """Texts that a module raises, by another way than `node_texts`."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            for one in node.exc.args[:1]:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    found.add(one.value)
    return found


def test_nothing_that_those_modules_raise_is_left_out() -> None:
    known = {text for texts in found_texts().values() for text in texts}
    for modules in KINDS.values():
        for module in modules.split():
            package, _, path = module.partition("/")
            spec = __import__(PACKAGES[package]).__path__[0]
            left_out = {one for one in raised_in(Path(spec) / f"{path}.py") if " " in one} - known
            assert not left_out, module


SAID = {
    "'half' is not a number": ("'half' ist keine Zahl", "'half' 不是数字"),
    "the column 'Foo' is unknown": ("die Spalte 'Foo' ist unbekannt", "未知的列 'Foo'"),
    "the Supplier is missing": ("Lieferant fehlt", "缺少供应商"),
    "kilowatt hour cannot be converted into kilogram: the mass per piece (kg) is missing": (
        "Kilowattstunde lässt sich nicht in Kilogramm umrechnen: Es fehlt: Masse je Stück (kg)",
        "千瓦时 无法换算为 千克：缺少单件质量 (kg)",
    ),
    "it is 'x', expected a decimal number, such as \"12.5\"": (
        "es ist 'x', erwartet wird eine Dezimalzahl, etwa \"12.5\"",
        "当前为 'x'，应为小数，例如 \"12.5\"",
    ),
    "the workbook is damaged. Split the file.": (
        "die Arbeitsmappe ist beschädigt. Teilen Sie die Datei.",
        "工作簿已损坏。请拆分文件。",
    ),
    "it has the product id of the line, the names are alike": (
        "er hat die Produktkennung der Zeile, die Namen ähneln sich",
        "产品标识与该行一致, 名称相似",
    ),
    "sheet Materials, cell D4 (Quantity)": (
        "Blatt Materials, Zelle D4 (Menge)",
        "工作表 Materials, 单元格 D4 (数量)",
    ),
}


@pytest.mark.parametrize("text", SAID)
def test_a_sentence_with_its_values(text: str) -> None:
    for code, said in zip(("de", "zh"), SAID[text], strict=True):
        assert language(code).said(text) == said
    assert language(DEFAULT).said(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zzz",
        "<script>alert(1)</script>",
        "the footprint is one that nobody has ever heard of",
        "there is no product of which the catalogue has no word that is like it, or not",
        "x" * 100_000,
    ],
)
def test_what_is_not_known_stays(text: str) -> None:
    assert language("de").said(text) is None
    assert language("de").said_or_so(text) == text


def test_what_others_have_written_is_not_translated() -> None:
    """A name that is a word of ours stands in quotation marks; others cannot be told apart."""
    said = language("de").said("there is no product 'the file is empty'")
    assert said == "es gibt kein Produkt 'the file is empty'"


@pytest.mark.parametrize("joint", [": ", "; ", ". ", ", ", " ", "' is ", ": the ", " is missing"])
def test_no_sentence_takes_long(joint: str) -> None:
    """Partners write parts of sentences."""
    known = sayings("de", LOCALES["de"])
    for text in (f"a{joint}" * 30, f"{joint}the {joint}is " * 40, f"the line {joint}" * 500):
        begun = time.process_time()
        known.text(text[:8_000])
        assert time.process_time() - begun < 0.5, text[:60]


def test_the_template_with_most_words_is_meant() -> None:
    known = Sayings({"{a} is {b}": "1 {b} {a}", "{a} is the {b} of {c}": "2 {c} {b} {a}"})
    assert known.text("x is the y of z") == "2 z y x"
    assert known.text("{b} is the {a} of {c}") == "2 {c} {a} {b}"


def own_columns() -> list[tuple[RowColumn, object]]:
    return [
        (column, headings)
        for columns, headings in (
            (line_columns.COLUMNS, line_columns.HEADINGS),
            (factor_columns.COLUMNS, factor_columns.HEADINGS),
            (spend_columns.COLUMNS, spend_columns.HEADINGS),
        )
        for column in columns
    ]


@pytest.mark.parametrize("code", OTHERS)
def test_no_column_is_called_what_the_reader_takes_for_another(code: str) -> None:
    """Who names a column as the console calls it must not get another one."""
    for column, headings in own_columns():
        meant = headings.column_of(language(code).said_or_so(column.title))  # type: ignore[attr-defined]
        assert meant is None or meant.name == column.name, (column.title, meant)


@pytest.mark.parametrize(("code", "said"), [("de", "keine Zahl"), ("zh", "不是数字")])
async def test_row_errors_are_in_the_language_of_the_reader(
    browser: Browser, code: str, said: str
) -> None:
    await browser.get(f"/language/{code}")
    wrong = {"pcfExcludingBiogenicUptake": "half", "referencePeriodStart": "yesterday"}
    shown = await hand_in(browser, "mine.csv", footprints_csv(wrong))
    assert said in shown.text
    assert '<span lang="en">' not in shown.html


@pytest.mark.parametrize(("code", "title"), [("de", "Deklarierte Einheit"), ("zh", "声明单位")])
async def test_our_columns_are_in_the_language_of_the_reader(
    browser: Browser, code: str, title: str
) -> None:
    await browser.get(f"/language/{code}")
    shown = await hand_in(browser, "mine.csv", b"Produkt;Wert\nFeder;1,5\n", kind="footprints")
    assert shown.path.endswith("/columns")
    assert title in shown.text
    assert '<span lang="en">' not in shown.html


async def test_what_is_not_known_is_marked_as_english(browser: Browser) -> None:
    await browser.get("/language/de")
    shown = await browser.get("/received/00000000-0000-4000-8000-000000000000")
    assert shown.status == 404
    assert "Fußabdruck" in shown.text


async def test_hostile_values_stay_texts(browser: Browser) -> None:
    await browser.get("/language/de")
    wrong = {"pcfExcludingBiogenicUptake": CANARY.replace('"', "'")}
    shown = await hand_in(browser, "mine.csv", footprints_csv(wrong))
    require_text(shown.html, shown=False)
    assert "keine Zahl" in shown.text
