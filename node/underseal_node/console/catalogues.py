"""Keeps the catalogues of the console: `python -m underseal_node.console.catalogues`.

Finds the texts of templates and modules, and what the node itself says (`node_texts`), and writes
into `locale/LANGUAGE/console.po` and `node.po` those that are new, without a translation. A test
says which are missing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from underseal_node.console.languages import DEFAULT, LANGUAGES, LOCALES
from underseal_node.console.node_texts import found_texts as texts_of_node
from underseal_node.console.saying import PLACEHOLDER

__all__ = ["CONSOLE", "NODE", "file_of", "found_sayings", "found_texts", "update"]

HERE = Path(__file__).parent
CONSOLE, NODE = "console", "node"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext.babel_extract")]
OPTIONS = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}
# What `_` marks, and what `Visit.text` and `Language.text` translate.
KEYWORDS = {"_": None, "text": None, "gettext": None, "ngettext": (1, 2)}
LINE_WIDTH = 100
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
ABOUT = {CONSOLE: "The console", NODE: "What the node itself says"}


def file_of(code: str, domain: str = CONSOLE) -> Path:
    """A catalogue of a language."""
    return HERE / "locale" / code / f"{domain}.po"


def found_texts() -> Catalog:
    """The texts that pages show, as a catalogue without translations."""
    catalogue = Catalog(charset="utf-8")
    found = extract_from_dir(
        str(HERE),
        method_map=METHODS,
        options_map=OPTIONS,
        keywords=KEYWORDS,
        strip_comment_tags=True,
    )
    for file, _line, message, _comments, _context in found:
        catalogue.add(message, locations=[(Path(file).as_posix(), 0)])
    return catalogue


def found_sayings() -> Catalog:
    """What the node says, as a catalogue without translations; what differs in the names of its
    values only is there once."""
    catalogue = Catalog(charset="utf-8")
    for text in _distinct(one for texts in texts_of_node().values() for one in texts):
        catalogue.add(text)
    return catalogue


def _distinct(texts: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in sorted(texts):
        found.setdefault(PLACEHOLDER.sub("{}", text), text)
    return list(found.values())


def update(code: str, domain: str = CONSOLE) -> Catalog:
    """Write the texts that there are now into a catalogue of a language; returns it."""
    file = file_of(code, domain)
    # Without names and dates in its head, so that only texts change it.
    catalogue = Catalog(
        locale=LOCALES[code], charset="utf-8", project="Underseal", version=domain,
        header_comment=f"# {ABOUT[domain]} in {LANGUAGES[code]}.", fuzzy=False,
        creation_date=BEGUN, revision_date=BEGUN, last_translator="-", language_team="-",
        msgid_bugs_address="-",
    )  # fmt: skip
    if file.exists():
        with file.open("rb") as stream:
            for known in read_po(stream, locale=LOCALES[code]):
                if known.id and known.string:
                    catalogue.add(known.id, known.string, flags=known.flags)
    found = found_texts() if domain == CONSOLE else found_sayings()
    catalogue.update(found, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        write_po(
            stream, catalogue, width=LINE_WIDTH, sort_output=True,
            no_location=True, omit_header=False, ignore_obsolete=True,
        )  # fmt: skip
    return catalogue


def main() -> None:
    """Update all catalogues."""
    for code in LANGUAGES:
        if code != DEFAULT:
            for domain in (CONSOLE, NODE):
                missing = sum(not one.string for one in update(code, domain) if one.id)
                name = file_of(code, domain).relative_to(HERE)
                sys.stdout.write(f"{name}: {missing} texts are not translated\n")


if __name__ == "__main__":
    main()
