"""What the node says to do by a command, where the page is that does the same.

Refusals name commands, `underseal peer approve acme`, as they are the same for everybody who calls
the management endpoints. On a page, the name of a page stands instead, with a link; of an option,
the name of the field. What no page does stays a command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape

from markupsafe import Markup, escape

from underseal_node.console.api import segment
from underseal_node.console.languages import Language
from underseal_node.console.marks import _

__all__ = ["has_page", "on_page"]

# In backquotes, or as it stands in a sentence; a command for a partner goes on to its end.
QUOTE = r"(?:\"|&#34;)"
SAID = re.compile(
    r"`(?P<quoted>underseal [^`]{1,300}|--[^`]{1,300})`"
    r"|(?P<plain>\bunderseal peer [a-z]+ [^\s`]{1,100}"
    rf"(?: --words {QUOTE}[^\"&]{{0,200}}{QUOTE})?)"
    r"|(?<![\w`-])(?P<option>--[a-z][a-z-]+(?: (?:https://)?[A-Z]{2,})?)(?![\w-])"
)
PLACEHOLDER = re.compile(r"[A-Z][A-Z.|]*")
BETWEEN = " › "


@dataclass(frozen=True)
class _Command:
    """A command as it was said.

    Attributes:
        name: of whom or what it is about, if it says so.
        options: that it has, with their values.
    """

    name: str | None
    options: dict[str, str]


@dataclass(frozen=True)
class _Way:
    """A page.

    Attributes:
        label: marked for the catalogues.
        path: without the root.
        name: of what the page is about.
        is_below: the label is that of a page below the one with this name.
    """

    label: str
    path: str
    name: str | None = None
    is_below: bool = False

    def text(self, language: Language) -> str:
        """Where the page is, for people."""
        label = language.text(self.label) if self.label else None
        parts = (self.name, label) if self.is_below else (label, self.name)
        return BETWEEN.join(filter(None, parts))


Find = Callable[[_Command], _Way | None]


def _page(label: str, path: str) -> Find:
    return lambda _command: _Way(label, path)


def _partner(label: str = "", below: str = "") -> Find:
    """The page of a partner, or one below it; without a name, the list."""

    def find(command: _Command) -> _Way:
        if command.name is None:
            return _Way(PARTNERS, "/partners")
        path = f"/partners/{segment(command.name)}{below}"
        return _Way(label, path, command.name, is_below=True)

    return find


def _footprint(command: _Command) -> _Way:
    if command.name is None:
        return _Way(OWN, "/footprints")
    return _Way(OWN, f"/footprints/{segment(command.name)}", command.name)


def _grant(command: _Command) -> _Way:
    number = command.name or ""
    if number.isascii() and number.isdigit():
        return _Way(GRANTS, f"/grants/{number}", number)
    return _Way(GRANTS, "/grants")


def _more(command: _Command) -> _Way:
    is_other = "--replace" in command.options
    return _Way(LEVELS, "/grants/matrix") if is_other else _Way(GRANT, "/grants/add")


def _product(page: str) -> Find:
    def find(command: _Command) -> _Way:
        if command.name is None:
            return _Way(PRODUCTS, "/products")
        return _Way(PRODUCTS, f"/products/{page}?product={segment(command.name)}", command.name)

    return find


def _requests(command: _Command) -> _Way:
    is_incoming = "--incoming" in command.options
    query = "?direction=incoming&state=pending" if is_incoming else ""
    return _Way(_("Requests"), f"/requests{query}")


def _endorsements(command: _Command) -> _Way:
    state = command.options.get("--state", "")
    return _Way(ENDORSEMENTS, f"/endorsements?state={segment(state)}" if state else "/endorsements")


def _endorsement(command: _Command) -> _Way:
    number = command.name or ""
    if number.isascii() and number.isdigit():
        return _Way(ENDORSEMENTS, f"/endorsements/{number}", number)
    return _Way(ENDORSEMENTS, "/endorsements")


def _roster(command: _Command) -> _Way:
    if command.name is None:
        return _Way(ROSTERS, "/rosters")
    return _Way(ROSTERS, f"/rosters/kept?roster={segment(command.name)}", command.name)


PARTNERS, OWN, GRANTS, GRANT, LEVELS, PRODUCTS, IMPORT, DRAFTS = (
    _("Partners"), _("Own footprints"), _("Grants"), _("Grant something"), _("Levels by product"),
    _("Products"), _("Import"), _("Drafts"),
)  # fmt: skip
SETTINGS, PREVIEW = _("Connection"), _("What it sees")
ENDORSEMENTS, ROSTERS = _("Endorsements for customers"), _("Rosters")

COMMANDS: dict[str, Find] = {
    "received list": _page(_("Received footprints"), "/received"),
    "footprint list": _page(OWN, "/footprints"),
    "footprint import": _page(IMPORT, "/import"),
    "footprint template": _page(IMPORT, "/import"),
    "footprint supersede": _footprint,
    "footprint deprecate": _footprint,
    "footprint drafts": _page(DRAFTS, "/drafts"),
    "footprint publish": _page(DRAFTS, "/drafts"),
    "product template": _page(IMPORT, "/import"),
    "doctor": _page(_("Doctor"), "/doctor"),
    "product list": _page(PRODUCTS, "/products"),
    "product show": _product("twin"),
    "product publish": _product("publish"),
    "product refresh": _page(_("Footprints that are out of date"), "/products/refresh"),
    "product import": _page(IMPORT, "/import"),
    "factor list": _page(_("Emission factors"), "/factors"),
    "factor import": _page(IMPORT, "/import"),
    "energy import": _page(IMPORT, "/import"),
    "match": _page(_("Open lines of all products"), "/products/match"),
    "pull": _page(_("Pull footprints of partners"), "/pulls"),
    "peer list": _page(PARTNERS, "/partners"),
    "peer add": _page(_("Add a partner with another solution"), "/add-partner"),
    "peer invite": _page(_("Invite a company"), "/invite"),
    "peer accept": _page(_("Accept an invitation"), "/accept"),
    "peer complete": _page(_("Take a reply"), "/complete"),
    "peer set": _partner(SETTINGS, "/settings"),
    **dict.fromkeys(
        (f"peer {move}" for move in ("show", "approve", "reject", "suspend", "resume", "revoke",
                                     "remove", "rotate", "confirm")),
        _partner(),
    ),
    "grant list": _page(GRANTS, "/grants"),
    "grant add": _more,
    "grant remove": _grant,
    "grant preview": _partner(PREVIEW, "/preview"),
    "endorsement list": _endorsements,
    "endorsement answer": _endorsement,
    "roster list": _page(ROSTERS, "/rosters"),
    "roster create": _page(_("Keep a roster"), "/rosters/new"),
    "roster show": _roster,
    "roster export": _roster,
    "roster remove": _roster,
    "roster distrust": _page(ROSTERS, "/rosters"),
    "roster apply": _page(_("Apply to a roster"), "/rosters/apply"),
    "roster join": _page(_("Take an admission"), "/rosters/join"),
    "roster admit": _page(_("Admit a member"), "/rosters/admit"),
    "roster trust": _page(_("Trust a roster"), "/rosters/trust"),
    "request list": _requests,
    "alert list": _page(_("Alerts"), "/alerts"),
    "spend list": _page(_("Suppliers"), "/board"),
    "spend template": _page(IMPORT, "/import"),
    "audit receipts": _page(_("Receipts"), "/audit/receipts"),
    "audit verify": _page(_("Verify the audit log"), "/audit/verify"),
}  # fmt: skip
OPTIONS = {
    "--peer": _("Partner"),
    "--name": _("Name"),
    "--for": _("For whom"),
    "--product-id": _("Product ids"),
    "--classification": _("Classifications"),
    "--footprint": _("Footprints"),
    "--all": _("all"),
    "--acknowledge": _("Why all the same"),
    "--consent": _("Where the supplier has consented"),
    "--reason": _("Reason"),
    "--url": _("Address of its API"),
    "--client-id": _("Client id that it issued to us"),
    "--client-secret-file": _("Client secret that it issued to us"),
    "--ca-file": _("Further authorities for its TLS (PEM)"),
    "--allow-private-network": _("It may be at a private address"),
    "--again": _("Admit it although it was removed from this roster before"),
    "--instead": _("In place of the other application, which is void then"),
    "--named": _("We may be named"),
}


def has_page(command: str) -> bool:
    """Whether a page does what a command does, by the words after `underseal`."""
    return _find(command.split()) is not None


def on_page(text: str, language: Language, root: str) -> Markup:
    """What the node says, with pages and fields instead of commands and options.

    Args:
        text: of the node; as HTML if it is marked so.
        language: of the reader.
        root: of the addresses of pages.
    """
    found = text if isinstance(text, Markup) else escape(text)
    return Markup(SAID.sub(lambda one: _shown(one, language, root), str(found)))  # noqa: S704


def _shown(said: re.Match[str], language: Language, root: str) -> str:
    """A link, or the name of a field; as it was, where there is none."""
    words = _words(unescape(said["quoted"] or said["plain"] or said["option"]))
    if words[:1] == ["underseal"]:
        way = _way(words[1:])
        if way is not None:
            link = Markup('<a href="{}{}">{}</a>')
            return str(link.format(root, way.path, way.text(language)))
    elif words and words[0] in OPTIONS:
        return str(Markup("<em>{}</em>").format(language.text(OPTIONS[words[0]])))
    return said[0]


def _way(words: Sequence[str]) -> _Way | None:
    known = _find(words)
    if known is None:
        return None
    size, find = known
    names: list[str] = []
    options: dict[str, str] = {}
    option: str | None = None
    for word in words[size:]:
        if word.startswith("--"):
            option = word
            options[option] = ""
        elif option is not None:
            options[option], option = word, None
        else:
            names.append(word)
    name = next((one for one in names if not PLACEHOLDER.fullmatch(one)), None)
    return find(_Command(name, options))


def _find(words: Sequence[str]) -> tuple[int, Find] | None:
    for size in (2, 1):
        find = COMMANDS.get(" ".join(words[:size]))
        if find is not None:
            return size, find
    return None


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a quote that is open
        return command.split()
