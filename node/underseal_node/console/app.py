"""The console as an application of its own, mounted into that of the management listener."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from importlib import resources
from importlib.util import find_spec
from pathlib import PurePath

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from underseal_node.clock import Clock
from underseal_node.console import (
    audit,
    audit_verifying,
    board,
    endorsements,
    footprints,
    grant_changes,
    grant_matrix,
    grants,
    health,
    job_pages,
    onboarding,
    overview,
    partner_moves,
    partner_preview,
    partner_settings,
    partners,
    products,
    pulls,
    receipt_pages,
    received,
    request_answers,
    requests,
    rosters,
    shares,
)
from underseal_node.console.api import Api, ApiRefusedError
from underseal_node.console.forms import Form, is_from_our_page, read_form
from underseal_node.console.importing import columns_page, energy_page
from underseal_node.console.importing import pages as import_pages
from underseal_node.console.jobs import Jobs
from underseal_node.console.languages import LANGUAGES, Language, chosen
from underseal_node.console.pages import HEADERS, LEFT, ROOT, Visit, moved, plain_page
from underseal_node.console.returning import Returning, is_page
from underseal_node.console.sessions import LINK_SECONDS, Session, Sessions

__all__ = ["PAGES", "create_console"]

Page = Callable[[Visit], Awaitable[Response]]

MODULES = (
    overview,
    products,
    footprints,
    shares,
    received,
    pulls,
    board,
    partners,
    partner_moves,
    partner_settings,
    partner_preview,
    onboarding,
    endorsements,
    rosters,
    grant_matrix,
    grant_changes,
    grants,
    requests,
    request_answers,
    audit,
    audit_verifying,
    receipt_pages,
    health,
    import_pages,
    columns_page,
    energy_page,
    job_pages,
)
# By address: pages; actions, which change something and lead to a page; actions that take files.
PAGES: dict[str, Page] = {path: page for one in MODULES for path, page in one.PAGES.items()}
ACTIONS: dict[str, Page] = {
    path: page for one in MODULES for path, page in getattr(one, "ACTIONS", {}).items()
}
UPLOADS: dict[str, Page] = {
    path: page for one in MODULES for path, page in getattr(one, "UPLOADS", {}).items()
}
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
PLOTLY = "plotly.js"
LANGUAGE_COOKIE = "underseal_language"
YEAR_SECONDS = 365 * 24 * 3600
METHOD_NOT_ALLOWED = 405
MAX_FORM_BYTES = 1024 * 1024
SWEEP_SECONDS = 15 * 60  # between looks for sessions that have ended
MULTIPART_BYTES = 64 * 1024  # what a form has beside its file
MAX_AGE = {"cache-control": "private, max-age=3600"}


class Console:
    """Signs people in and out, and answers their requests.

    Args:
        api: the management endpoints.
        clock: what time it is.
        name: of the node; browsers keep cookies by host alone, and it may have several nodes.
        max_file_bytes: of an upload.
        jobs: long work.
    """

    def __init__(self, api: Api, clock: Clock, name: str, max_file_bytes: int, jobs: Jobs) -> None:
        self._api = api
        self._clock = clock
        self._sessions = Sessions(clock)
        mark = sha256(name.encode()).hexdigest()[:12]
        self._cookie = f"underseal_{mark}"
        self._returning = Returning(clock, f"underseal_back_{mark}", ROOT)
        self._sweep: asyncio.TimerHandle | None = None
        self._max_file_bytes = max_file_bytes
        self._jobs = jobs

    async def link(self, _request: Request) -> Response:
        """A link that signs in; the guard has checked the token of the operator."""
        # The code stands in the fragment, which browsers send to nobody.
        path = f"{ROOT}/enter#{self._sessions.new_link()}"
        return JSONResponse({"path": path, "seconds": LINK_SECONDS}, 201, HEADERS)

    async def show_enter(self, request: Request) -> Response:
        """The page behind a link: a script of it sends the code of the fragment."""
        return plain_page("enter.html", _language(request), {})

    async def enter(self, request: Request) -> Response:
        """Sign in by the code of a link."""
        secret = self._sessions.enter((await _form_or_nothing(request)).one("code"))
        if secret is None:
            return plain_page("signed_out.html", _language(request), {"was_used": True}, 401)
        page, left = self._returning.back(request)
        answer = moved(page)
        self._returning.forget_page(answer)
        session = self._sessions.find(secret)
        if session is not None and left is not None:
            session.kept[LEFT] = left
        self._look_for_ended()
        answer.set_cookie(self._cookie, secret, path=ROOT, httponly=True, samesite="strict")
        return answer

    async def leave(self, request: Request) -> Response:
        """Sign out."""
        session, answer = self._session(request), moved("/")
        form = await _form_or_nothing(request)
        if session is not None and is_from_our_page(request, session, form):
            self._sessions.end(request.cookies[self._cookie])
            answer.delete_cookie(self._cookie, path=ROOT)
        return answer

    async def speak(self, request: Request) -> Response:
        """Choose a language, and go on at the page where that was done."""
        code, back = request.path_params["code"], request.query_params.get("to", "/")
        answer = moved(back if is_page(back) else "/")
        if code in LANGUAGES:
            answer.set_cookie(
                *(LANGUAGE_COOKIE, code),
                max_age=YEAR_SECONDS, path=ROOT, httponly=True, samesite="strict",
            )  # fmt: skip
        return answer

    def endpoint(
        self, make: Page, max_form_bytes: int | None = None
    ) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for those who are signed in.

        Args:
            make: answers.
            max_form_bytes: of its form, if there is one; it has to come from a page of ours.
        """

        async def endpoint(request: Request) -> Response:
            session = self._session(request)
            if session is None:
                return await self._signed_out(request)
            visit = self._visit(request, session)
            try:
                if max_form_bytes is not None:
                    form = await read_form(request, max_form_bytes)
                    if not is_from_our_page(request, session, form):
                        return visit.page("refused.html", {"refusal": None}, 403)
                    visit = replace(visit, form=form)
                return await make(visit)
            except ApiRefusedError as error:
                return visit.page("refused.html", {"refusal": error}, error.status)

        return endpoint

    def routes(self) -> list[Route]:
        """All there is."""
        return [
            Route("/links", self.link, methods=["POST"]),
            Route("/enter", self.show_enter, methods=["GET"]),
            Route("/enter", self.enter, methods=["POST"]),
            Route("/leave", self.leave, methods=["POST"]),
            Route("/language/{code}", self.speak, methods=["GET"]),
            Route("/static/{name}", _static, methods=["GET"]),
            *(Route(path, self.endpoint(make), methods=["GET"]) for path, make in PAGES.items()),
            *(
                Route(path, self.endpoint(make, max_bytes), methods=["POST"])
                for forms, max_bytes in (
                    (ACTIONS, MAX_FORM_BYTES),
                    (UPLOADS, self._max_file_bytes + MULTIPART_BYTES),
                )
                for path, make in forms.items()
            ),
        ]

    async def _signed_out(self, request: Request) -> Response:
        """Who is not signed in is told how to; whoever does goes on here."""
        left = await self._returning.form_of(request, MAX_FORM_BYTES)
        values = {"was_used": False, "left": left}
        answer = plain_page("signed_out.html", _language(request), values, 401)
        self._returning.remember(request, answer, left)
        if left is not None:
            self._look_for_ended()
        return answer

    def _look_for_ended(self) -> None:
        """Free what ended sessions keep, from time to time, as long as there is anything."""
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._free)

    def _free(self) -> None:
        self._sweep = None
        if any([self._sessions.forget_ended(), self._returning.forget_old()]):
            self._look_for_ended()

    def _visit(self, request: Request, session: Session) -> Visit:
        return Visit(
            request,
            self._api,
            session,
            _language(request),
            self._clock(),
            self._jobs,
            self._max_file_bytes,
        )

    def _session(self, request: Request) -> Session | None:
        return self._sessions.find(request.cookies.get(self._cookie, ""))


def create_console(api: Api, clock: Clock, *, name: str, max_file_bytes: int) -> Starlette:
    """The application; whoever serves it closes `state.jobs` at the end.

    Args:
        api: the management endpoints.
        clock: what time it is.
        name: of the node.
        max_file_bytes: of an upload.
    """

    async def not_found(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == METHOD_NOT_ALLOWED and request.method == "GET":
            # A form was refused at this address, and now the page behind it is wanted.
            path = request.url.path.removeprefix(ROOT).rpartition("/")[0]
            return moved(path or "/")
        return plain_page("not_found.html", _language(request), {}, status)

    async def failed(request: Request, error: Exception) -> Response:
        # What asked for the page notes the error in the log, as it gets it, too.
        return plain_page("failed.html", _language(request), {"kind": type(error).__name__}, 500)

    jobs = Jobs(clock)
    console = Starlette(
        routes=Console(api, clock, name, max_file_bytes, jobs).routes(),
        exception_handlers={404: not_found, 405: not_found, Exception: failed},
    )
    console.state.jobs = jobs
    return console


async def _form_or_nothing(request: Request) -> Form:
    try:
        return await read_form(request, MAX_FORM_BYTES)
    except ApiRefusedError:
        return Form()


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name == PLOTLY and find_spec("plotly") is not None:
        file = resources.files("plotly") / "package_data" / "plotly.min.js"
        headers = {**HEADERS, **MAX_AGE}
    else:
        file, headers = resources.files("underseal_node.console") / "static" / name, HEADERS
    media_type = MEDIA_TYPES.get(PurePath(name).suffix)
    if media_type is None or not file.is_file():
        raise HTTPException(404)
    return Response(file.read_bytes(), headers=headers, media_type=media_type)


def _language(request: Request) -> Language:
    accepted = request.headers.get("accept-language", "")
    return chosen(request.cookies.get(LANGUAGE_COOKIE), accepted)
