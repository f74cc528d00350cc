"""Pages from templates: what all of them show, and the headers that keep them closed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from underseal_node.console.api import Api, ApiRefusedError, segment
from underseal_node.console.forms import Form
from underseal_node.console.jobs import Jobs
from underseal_node.console.languages import LANGUAGES, Language
from underseal_node.console.marks import _
from underseal_node.console.sessions import Session
from underseal_node.console.ways import on_page

__all__ = ["HEADERS", "LEFT", "ROOT", "Visit", "file_name", "moved", "plain_page", "with_query"]

ROOT = "/console"
LEFT = "left"  # what was typed before the session; in what a session keeps
# Nothing from elsewhere, nothing inline, in nobody's frame (CSP level 3).
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


# Where the menu leads: address, and its text.
MENU = (
    ("/", _("Overview")),
    ("/products", _("Products")),
    ("/footprints", _("Footprints")),
    ("/received", _("Received")),
    ("/board", _("Suppliers")),
    ("/partners", _("Partners")),
    ("/requests", _("Requests")),
    ("/import", _("Import")),
    ("/audit", _("Audit")),
)
MOST_CHARACTERS = 160
FOLDERS = re.compile(r"[/\\]")
# What stays together when an id, an address or the name of a file has to be broken.
PARTS = re.compile(r"[^:./_]*[:./_]+|[^:./_]+")
# Where pages belong that the menu does not name, by the first part of their address.
AREAS = {
    "drafts": "/products", "factors": "/products", "pulls": "/received", "jobs": "/import",
    "grants": "/partners", "invite": "/partners", "invitation-file": "/partners",
    "endorsements": "/partners", "accept": "/partners", "complete": "/partners",
    "add-partner": "/partners", "rosters": "/partners",
    "alerts": "/audit", "doctor": "/audit",
}  # fmt: skip


def _menu_path(here: str) -> str:
    """Which entry of the menu a page belongs to, by its address below the console."""
    first = here.split("/")[1]
    return AREAS.get(first, f"/{first}")


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is signed in.

    Attributes:
        request: as it came.
        api: the management endpoints.
        session: whose it is.
        language: in which it is answered.
        now: aware.
        jobs: long work of this process.
        max_file_bytes: of an upload.
        form: what was sent; empty for GET.
    """

    request: Request
    api: Api
    session: Session
    language: Language
    now: datetime
    jobs: Jobs
    max_file_bytes: int
    form: Form = field(default_factory=Form)

    def text(self, message: str, **values: object) -> str:
        """A text in the language of the reader."""
        return self.language.text(message, **values)

    def said(self, message: str) -> str:
        """What the node says, in the language of the reader as far as it is known."""
        return self.language.said_or_so(message)

    def asked(self, name: str) -> str:
        """A value of the query, stripped; an empty text if there is none."""
        return self.request.query_params.get(name, "").strip()

    def part(self, name: str) -> str:
        """A part of the address, quoted for a call to the management endpoints."""
        return segment(self.request.path_params[name])

    def page(self, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        """A page.

        Args:
            template: its file.
            values: for it.
            status: of HTTP.
        """
        messages = list(self.session.messages)
        self.session.messages.clear()
        here = self.request.url.path.removeprefix(ROOT) or "/"
        shared = {
            "menu": MENU,
            "root": ROOT,
            "here": here,
            "menu_path": _menu_path(here),
            "language": self.language,
            "languages": LANGUAGES,
            "csrf": self.session.csrf,
            "messages": messages,
            "query": dict(self.request.query_params),
            # Taken by the page that shows it.
            "take_left": partial(self.session.kept.pop, LEFT, None),
            "has_plotly": find_spec("plotly") is not None,
        }
        made = _environment(self.language).get_template(template)
        return HTMLResponse(made.render({**shared, **values}), status, HEADERS)

    def done(self, path: str, message: str) -> Response:
        """Go on at another page, which says what was done."""
        self.session.messages.append(("done", message))
        return moved(path)

    def refused(self, path: str, error: ApiRefusedError) -> Response:
        """Go on at another page, which says why something was not done."""
        hint = f" {self.said(error.hint)}" if error.hint else ""
        self.session.messages.append(("refused", f"{self.said(error.message)}{hint}"))
        return moved(path)


def plain_page(
    template: str, language: Language, values: Mapping[str, Any], status: int = 200
) -> Response:
    """A page for somebody who is not signed in."""
    shared = {"root": ROOT, "language": language, "languages": LANGUAGES, "here": "/"}
    made = _environment(language).get_template(template)
    return HTMLResponse(made.render({**shared, **values}), status, HEADERS)


def moved(path: str) -> Response:
    """Go on at another page of the console (RFC 9110 section 15.4.4)."""
    return RedirectResponse(f"{ROOT}{path}", 303, HEADERS)


def file_name(path: str) -> str:
    """What a file is called; where it was on the machine of whoever imported it is not shown."""
    return FOLDERS.split(path.rstrip("/\\"))[-1]


def with_query(path: str, **values: str | None) -> str:
    """An address with a query; what is `None` is left out."""
    found = {name: value for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(found)}" if found else path


class _Absent(StrictUndefined):
    """What an answer of the node leaves out: one can ask for it, and never show it by mistake."""

    def __bool__(self) -> bool:  # type: ignore[override]  # there it raises
        return False


@lru_cache(maxsize=len(LANGUAGES))
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader("underseal_node.console"),
        autoescape=select_autoescape(default=True),
        undefined=_Absent,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        language.translations, newstyle=True
    )
    environment.filters.update(
        number=language.number,
        percent=language.percent,
        date=language.date,
        last_day=language.last_day,
        time=language.time,
        said=partial(_said, language),
        said_plainly=language.said_or_so,
        query=_query_with,
        segment=segment,
        brief=_brief,
        file_name=file_name,
        breakable=_breakable,
        on_page=partial(on_page, language=language, root=ROOT),
    )
    return environment


def _said(language: Language, text: str) -> str | Markup:
    """What the node says; what is not known in the language of the page is marked as English."""
    found = language.said(str(text))
    return Markup('<span lang="en">{}</span>').format(text) if found is None else found


def _brief(value: object) -> str:
    """A text for a list, where one partner's long names must not push the others' away."""
    text = str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _breakable(text: str) -> Markup:
    """A text that may be broken behind the marks between the parts of an id or an address, too."""
    return Markup("<wbr>").join(PARTS.findall(text))


def _query_with(query: Mapping[str, str], **changes: object) -> str:
    """A query with some of its values changed; those that become nothing are left out."""
    values = {**query, **changes}
    return "?" + urlencode(
        {name: value for name, value in values.items() if value is not None and value != ""}
    )
