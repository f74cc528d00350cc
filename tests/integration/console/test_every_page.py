"""Every page, for people with a telephone, in the dark, in other languages: what holds for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Route
from tests.integration.console.conftest import NEEDS_CHROMIUM, People, Person
from tests.integration.console.test_journeys import (  # noqa: F401 - a fixture
    LITHIUM,
    Chain,
    chain,
    eventually,
    granted,
)

from underseal_cli.demo_nodes import NodeProcess, Workbench

pytestmark = [NEEDS_CHROMIUM, pytest.mark.xdist_group("every page"), pytest.mark.timeout(240)]

DESK_WIDTH = 1280  # from here on, every column has room
WIDE = 1440
VIEWS = [(360, "light", "de-DE"), (DESK_WIDTH, "dark", "de-DE"), (WIDE, "dark", "zh-CN")]
NARROW_AND_WIDE = [(360, "dark", "de-DE"), (DESK_WIDTH, "light", "de-DE")]
PATHS = (
    "/", "/products", f"/products/twin?product={LITHIUM}", "/footprints", "/received", "/board",
    "/partners", "/partners/maker", "/partners/maker/granted", "/partners/maker/preview",
    "/grants", "/grants/matrix",
    "/invite", "/accept", "/complete", "/add-partner", "/partners/maker/settings", "/requests",
    "/requests/new", "/import", "/jobs", "/audit", "/audit/verify", "/audit/receipts", "/alerts",
    "/doctor", "/factors", "/drafts", "/products/refresh", "/pulls", "/grants/add",
    f"/products/what-if?product={LITHIUM}", f"/products/match?product={LITHIUM}",
    f"/products/seen?product={LITHIUM}", f"/products/publish?product={LITHIUM}",
    "/endorsements", "/rosters", "/rosters/new", "/rosters/admit", "/rosters/apply",
    "/rosters/join", "/rosters/trust", "/grants/matrix?sort=-at/maker", "/audit?sort=-details",
)  # fmt: skip
ROSTER, ENTITY = "Zellen & Packs <b>电池</b>", "529900T8BM49AURSDO55"
TURNS = ("2026-01-01", "2099-01-01", "2100-01-01")  # of its epochs


@pytest.fixture(scope="module")
def showcase(bench: Workbench, battery: Path) -> NodeProcess:
    """A node with something on every page, that no other test changes."""
    node = bench.node("showcase")
    node.init("Schaufenster 展示", ["urn:lei:999900JICHUANSALTS96"])
    node.start()
    node.run("factor", "import", str(battery / "sources.csv"))
    node.run("product", "import", str(battery / "products" / "jichuan.csv"))
    node.run("product", "publish", LITHIUM)
    node.run("peer", "add", "maker", "--url", "https://localhost:9")
    node.run("grant", "add", "maker", "--all", "--level", "quality")
    draft = bench.directory / "showcase.draft.json"
    node.run("product", "draft", LITHIUM, "--significant-digits", "2", "--out", str(draft))
    return node


def own_pages(node: NodeProcess) -> tuple[str, ...]:
    """Pages of single things."""
    footprint = node.look("/footprints?status=Active")["data"][0]["id"]
    grant = node.look("/grants")["data"][0]["id"]
    draft = node.look("/drafts")["data"][0]["id"]
    return (
        f"/footprints/{footprint}", f"/footprints/{footprint}/share",
        f"/footprints/{footprint}/share?level=quality", f"/footprints/{footprint}/seen?as=maker",
        f"/footprints/{footprint}/seen?level=total",
        f"/partners/maker/preview/{footprint}", f"/grants/{grant}", f"/drafts/{draft}",
        f"/products/seen?product={LITHIUM}&peer=maker&only=differences",
    )  # fmt: skip


@dataclass(frozen=True)
class Rostered:
    """The refiner keeps a roster, in which the maker is; to the next epoch, it has applied.

    Attributes:
        keeper: the refiner.
        member: the maker.
        application: to the next epoch.
        roster: its file.
    """

    keeper: NodeProcess
    member: NodeProcess
    application: Path
    roster: Path


@pytest.fixture(scope="module")
def rostered(bench: Workbench, chain: Chain) -> Rostered:  # noqa: F811
    keeper, member = chain.refiner, chain.maker
    roster, later, application, admission = (
        str(bench.directory / f"{name}.jws")
        for name in ("roster", "later", "application", "admission")
    )
    for (begins, ends), file in zip(pairwise(TURNS), (roster, later), strict=True):
        epoch = ("--from", begins, "--until", ends)
        keeper.run("roster", "create", ROSTER, *epoch, "--out", file)
    member.run("roster", "apply", roster, "--entity", ENTITY, "--out", application)
    keeper.run("roster", "admit", application, "--yes", "--out", admission)
    member.run("roster", "join", admission)
    member.run("roster", "trust", roster)
    member.run("roster", "apply", later, "--entity", ENTITY, "--out", application)
    return Rostered(keeper, member, Path(application), Path(roster))


def looked_at(person: Person, paths: Sequence[str]) -> None:
    """Each page is there, has one heading, and is fit for all.

    Where there is most room, in Chinese, only that is looked at: axe-core has seen the page at the
    other widths, in both schemes.
    """
    for path in paths:
        answer = person.page.goto(f"{person.origin}/console{path}")
        assert answer is not None
        assert answer.status == 200, path
        # A page of work loads itself again until that has ended.
        person.page.locator("[data-reload-seconds]").wait_for(state="detached")
        assert person.page.get_by_role("heading", level=1).count() == 1, path
        assert person.overflow() <= 0, path
        if person.width >= DESK_WIDTH:
            assert person.pushed_aside() == [], path
        if person.width != WIDE:
            person.is_fit_for_all()


@pytest.mark.parametrize(("width", "scheme", "locale"), VIEWS)
def test_every_page_is_fit_for_all(
    showcase: NodeProcess, people: People, width: int, scheme: str, locale: str
) -> None:
    person: Person = people.at(showcase, width=width, scheme=scheme, locale=locale)
    looked_at(person, (*PATHS, *own_pages(showcase)))


@pytest.mark.parametrize(("width", "scheme", "locale"), NARROW_AND_WIDE)
def test_every_page_of_what_was_received_is_fit_for_all(
    chain: Chain,  # noqa: F811
    people: People,
    width: int,
    scheme: str,
    locale: str,
) -> None:
    granted(chain, "full")
    held = chain.maker.look("/received?peer=refiner")["data"][0]["id"]
    receipt = eventually(lambda: chain.maker.look("/receipts")["data"])[0]["id"]
    person = people.at(chain.maker, width=width, scheme=scheme, locale=locale)
    person.go("/pulls")
    person.page.locator("main form[method=post] button").last.click()
    person.page.wait_for_url("**/pulls/*")
    pull = person.path
    looked_at(person, (
        "/received", f"/received/{held}?peer=refiner", "/board", "/board?by=spend",
        "/board/refiner", "/audit/receipts", f"/audit/receipts/{receipt}", pull,
        "/partners/refiner", "/audit",
    ))  # fmt: skip


@pytest.mark.parametrize(("width", "scheme", "locale"), VIEWS)
def test_every_page_of_a_roster_is_fit_for_all(
    rostered: Rostered, people: People, width: int, scheme: str, locale: str
) -> None:
    """As whoever keeps it sees it, and a member; also what is asked before anything is done."""
    keeper, member = (
        people.at(one, width=width, scheme=scheme, locale=locale)
        for one in (rostered.keeper, rostered.member)
    )
    kept = rostered.keeper.look("/rosters")["kept"][1]
    place = f"roster={quote(ROSTER)}&from={kept['notBefore']}"
    admitted = quote(kept["members"][0]["url"], safe="")
    looked_at(keeper, (
        "/rosters", f"/rosters/kept?{place}", f"/rosters/kept?roster={quote(ROSTER)}",
        f"/rosters/member?{place}&member={admitted}", f"/rosters/new?roster={quote(ROSTER)}",
    ))  # fmt: skip
    theirs = [f"issuer={quote(kept_by(rostered), safe='')}&roster={quote(ROSTER)}"]
    theirs += [f"{theirs[0]}&from={one['notBefore']}"
               for one in rostered.member.look("/rosters")["memberships"]]  # fmt: skip
    looked_at(member, (
        "/rosters", f"/rosters/trusted?{theirs[0]}",
        *(f"/rosters/joined?{one}" for one in theirs[1:]),
    ))  # fmt: skip
    for person, path, file in (
        (keeper, "/rosters/admit", rostered.application),
        (member, "/rosters/trust", rostered.roster),
    ):
        person.go(path)
        person.page.locator("input[type=file]").set_input_files(file)
        person.page.locator("main form button").click()
        person.sees(ROSTER)
        assert person.page.locator(f"form[action$='{path}/confirm']").count() == 1
        person.is_fit_for_all()
        # What is no such file is refused, and stays to be looked at.
        person.go(path)
        person.page.locator("textarea").fill("nonsense")
        person.page.locator("main form button").click()
        person.page.locator("[role=alert]").wait_for()
        assert person.page.locator("textarea").input_value() == "nonsense"
        person.is_fit_for_all()


def kept_by(rostered: Rostered) -> str:
    """The address of whoever keeps the roster."""
    return str(rostered.member.look("/rosters")["trusted"][0]["issuer"])


def test_what_is_tried_is_in_no_address(showcase: NodeProcess, people: People) -> None:
    """Neither of a page nor of a call of its script; and still there when it is loaded again."""
    person, addresses = people.at(showcase), list[str]()
    person.page.on("request", lambda request: addresses.append(request.url))
    person.go(f"/products/what-if?product={LITHIUM}")
    amount = person.page.locator("input[name=amount]").first
    amount.fill("987654321")
    amount.press("Tab")
    person.sees("What would change")
    person.is_fit_for_all()
    person.page.reload()
    person.sees("What would change")
    assert person.page.locator("input[name=amount]").first.input_value() == "987654321"
    assert person.path == f"/products/what-if?product={LITHIUM}"
    assert len(addresses) > 2
    assert not any("987654321" in one for one in addresses)
    person.press("As it is")
    person.sees("Move a slider")


def test_a_page_that_looks_again_leaves_alone_what_is_typed(
    showcase: NodeProcess, people: People, tmp_path: Path
) -> None:
    """Work that goes on makes the page load itself; a search that is typed meanwhile stays, and
    one that was sent stays in the address."""
    person = people.at(showcase)
    file = tmp_path / "federn.csv"
    file.write_bytes((Path(__file__).parents[3] / "docs/tutorial/springs.csv").read_bytes())
    person.go("/import")
    person.page.get_by_label("Choose a file, or drop it here").first.set_input_files(file)
    person.press("Look at the file")
    person.sees("federn.csv")
    loads: list[str] = []

    def goes_on(route: Route) -> None:
        """The page as it is while something goes on, which nothing here does for long enough."""
        answer = route.fetch()
        loads.append(route.request.url)
        html = answer.text().replace("<main ", '<main data-reload-seconds="0.4" ', 1)
        route.fulfill(response=answer, body=html)

    def looks_again(before: int) -> None:
        """The browser works while it is waited for, and only then."""
        for _ in range(100):
            if len(loads) > before:
                return
            person.page.wait_for_timeout(100)
        raise AssertionError("the page does not look again")

    person.page.route("**/console/jobs?*", goes_on)
    person.go("/jobs?state=done&q=federn")
    looks_again(2)
    assert person.path == "/jobs?state=done&q=federn"
    search = person.page.get_by_role("searchbox")
    search.fill("federn, and more")
    before = len(loads)
    person.page.wait_for_timeout(1500)
    assert (len(loads), search.input_value()) == (before, "federn, and more")
    search.fill("federn")
    search.blur()
    looks_again(before)
    assert person.path == "/jobs?state=done&q=federn"


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_no_word_of_a_list_is_broken(
    showcase: NodeProcess,
    chain: Chain,  # noqa: F811
    people: People,
    locale: str,
) -> None:
    """Neither where there is room nor where there is little; ids only between their parts."""
    granted(chain, "full")
    paths = ("/products", "/footprints", "/factors", "/partners", "/grants", "/received", "/board",
             "/requests", "/audit", "/audit/receipts", "/pulls")  # fmt: skip
    for node in (showcase, chain.maker):
        person = people.at(node, locale=locale)
        for path in paths:
            person.go(path)
            for width in (1100, 1280, 360):
                person.page.set_viewport_size({"width": width, "height": 900})
                assert person.broken_words() == [], (path, width)


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_each_step_of_an_import_is_fit_for_all(
    showcase: NodeProcess, people: People, tmp_path: Path, width: int, scheme: str
) -> None:
    """What is in it, which column is which, rows with problems, what would become of it."""
    unknown = tmp_path / "artikel.csv"
    unknown.write_text("Spalte;Andere Spalte\nx-1;viele\n", "utf-8")
    tutorial = (Path(__file__).parents[3] / "docs/tutorial/springs.csv").read_text("utf-8")
    wrong, right = tmp_path / "federn.csv", tmp_path / "federn-2.csv"
    wrong.write_text(tutorial.replace(",piece,", ",many,").replace("2025-01", "20x5-01"), "utf-8")
    right.write_text(tutorial, "utf-8")
    person = people.at(showcase, width=width, scheme=scheme)

    def look_at(file: Path, heading: str) -> None:
        person.go("/import")
        person.page.get_by_label("Choose a file, or drop it here").first.set_input_files(file)
        person.press("Look at the file")
        person.sees(heading)
        person.is_fit_for_all()

    look_at(unknown, "What is in this file?")
    person.page.get_by_label("What is in it").select_option("footprints")
    person.press("Go on")
    person.sees("Which column is which?")
    person.is_fit_for_all()
    person.go(person.path.removesuffix("/columns"))
    person.sees("The headings are not those of the template.")
    person.is_fit_for_all()

    look_at(wrong, "corrected first. Nothing has changed.")
    person.follow("Choose other columns")
    person.sees("Which column is which?")
    person.page.locator("details summary").first.click()
    person.is_fit_for_all()

    look_at(right, "The file is in order.")
    person.go("/jobs")
    person.is_fit_for_all()
    person.page.locator("main a[href*='/jobs/']").first.click()
    person.is_fit_for_all()
    assert showcase.look("/footprints")["data"][1:] == [], "nothing was confirmed"
