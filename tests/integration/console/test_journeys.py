"""The ten journeys that matter, in a real browser between real nodes.

A refiner and a maker of cathode powder are partners; each test begins at the console, and what it
comes to is looked up by the command.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Route
from tests.integration.console.conftest import NEEDS_CHROMIUM, People, Person

from underseal_cli.demo_cast import until
from underseal_cli.demo_nodes import NodeProcess, Workbench

pytestmark = [NEEDS_CHROMIUM, pytest.mark.xdist_group("chromium"), pytest.mark.timeout(240)]

LITHIUM, PRODUCT = "lioh-spodumene", "urn:gtin:2010000001011"


@dataclass
class Chain:
    """Two partners.

    Attributes:
        refiner: sells lithium hydroxide 电池级单水氢氧化锂.
        maker: of cathode powder; buys it.
    """

    refiner: NodeProcess
    maker: NodeProcess


@pytest.fixture(scope="module")
def chain(bench: Workbench, battery: Path) -> Chain:
    refiner, maker = bench.node("refiner"), bench.node("maker")
    refiner.init(
        "霁川锂盐精炼有限公司",
        ["urn:lei:999900JICHUANSALTS96", "urn:pact:jichuan.example:company-id:001"],
    )
    maker.init("Wierzbolit Katody", ["urn:pact:wierzbolit.example:company-id:001"])
    bench.start_all()
    file = bench.directory / "invitation.json"
    maker.run("peer", "invite", "refiner", "--out", str(file))
    refiner.run("peer", "accept", str(file), "--name", "maker")
    maker.run("peer", "approve", "refiner")
    for one in sorted((battery / "footprints" / "jichuan").glob("*.json")):
        refiner.run("footprint", "import", str(one))
    return Chain(refiner, maker)


def granted(chain: Chain, level: str) -> None:
    """The maker may see everything at a level, and has fetched it."""
    chain.refiner.run("grant", "add", "maker", "--all", "--level", level)
    chain.maker.run("pull", "refiner")


def active(node: NodeProcess, name: str) -> list[dict[str, Any]]:
    found = node.look("/footprints?status=Active")["data"]
    return [one for one in found if name in one["productNameCompany"]]


def eventually(look: Callable[[], Any]) -> Any:
    found = until(lambda: look() or None)
    assert found, "it did not happen in time"
    return found


# --- 1: onboard ------------------------------------------------------------------------------


def test_two_companies_become_partners(bench: Workbench, chain: Chain, people: People) -> None:
    newcomer = bench.node("newcomer")
    newcomer.init("Neue Zelle <i>AG</i>", ["urn:pact:neu.example:company-id:1"])
    newcomer.start()
    host, guest = people.at(chain.refiner), people.at(newcomer)

    host.go("/partners")
    host.follow("Invite")
    host.fill("Name", "neue zelle")
    host.press("Invite")
    link = host.page.get_by_label("Link", exact=True).input_value()
    assert "#" in link
    assert link.partition("#")[2] not in host.page.url
    host.is_fit_for_all()

    guest.go("/accept")
    guest.page.get_by_label("The link, or the text of the file").fill(link)
    guest.fill("Name", "refiner")
    guest.press("Accept")
    guest.sees("It has to approve")

    host.go("/partners/neue%20zelle")
    host.sees("It waits for your approval")
    host.is_fit_for_all()
    spoken = newcomer.look("/node")["fingerprint"]["words"]
    host.fill("The words that you hear on the phone", spoken)
    host.press("Approve")
    host.sees("Neue Zelle <i>AG</i>")
    assert chain.refiner.look("/peers/neue%20zelle")["state"] == "active"
    assert chain.refiner.look("/peers/neue%20zelle")["assurance"] == "confirmed"
    eventually(lambda: newcomer.look("/peers/refiner")["state"] == "active")
    newcomer.stop()


# --- 2: import -------------------------------------------------------------------------------


def test_a_sheet_with_a_mistake_is_mended_and_published(
    chain: Chain, people: People, tmp_path: Path
) -> None:
    """A German Excel's CSV; the mistake is shown in its cell, and nothing is stored before."""
    tutorial = (Path(__file__).parents[3] / "docs/tutorial/springs.csv").read_text("utf-8")
    wrong, right = tmp_path / "federn.csv", tmp_path / "federn-2.csv"
    first, *rest = tutorial.splitlines()
    flawed = "\n".join([first, *(line.replace("2025", "20x5", 1) for line in rest)])
    wrong.write_text(flawed, encoding="utf-8-sig")
    right.write_text(tutorial, encoding="utf-8-sig")
    before = len(chain.refiner.look("/footprints")["data"])

    person = people.at(chain.refiner)
    person.go("/import")
    person.page.get_by_label("Choose a file, or drop it here").first.set_input_files(wrong)
    person.press("Look at the file")
    person.sees("What is wrong")
    person.is_fit_for_all()
    assert len(chain.refiner.look("/footprints")["data"]) == before
    person.page.get_by_label("Choose the corrected file, or drop it here").set_input_files(right)
    person.press("Check it")
    person.sees("The file is in order.")
    assert len(chain.refiner.look("/footprints")["data"]) == before
    person.page.once("dialog", lambda dialog: dialog.accept())
    person.page.locator("form.confirm button").click()
    eventually(lambda: len(chain.refiner.look("/footprints")["data"]) > before)
    person.go("/footprints")
    person.sees("Nyomórugó 316")
    person.is_fit_for_all()


# --- 3 and 4: calculate, publish -------------------------------------------------------------


def test_a_product_is_calculated_and_published(chain: Chain, people: People, battery: Path) -> None:
    person = people.at(chain.refiner)
    for file in (battery / "sources.csv", battery / "products" / "jichuan.csv"):
        person.go("/import")
        person.page.get_by_label("Choose a file, or drop it here").first.set_input_files(file)
        person.press("Look at the file")
        person.sees("The file is in order.")
        person.press("Import it")
        person.page.wait_for_url("**/jobs/*")
    eventually(lambda: chain.refiner.look("/products")["data"])
    person.go("/products")
    person.is_fit_for_all()
    person.follow("Lithium hydroxide monohydrate, battery grade")
    person.sees("Where it comes from", "Hotspots", "Bill of materials")
    person.page.locator("svg.main-svg").first.wait_for()
    assert person.page.locator(".js-plotly-plot").count() >= 2
    person.is_fit_for_all()
    calculated = chain.refiner.json("product", "calculate", LITHIUM)["document"]
    would = calculated["pcf"]["pcfExcludingBiogenicUptake"]
    person.follow("Publish")
    person.sees("Release gate")
    person.is_fit_for_all()
    if person.page.get_by_label("Why").count():
        person.page.get_by_label("Why").first.fill("a test")
    person.press("Publish")
    published = eventually(
        lambda: chain.refiner.look(f"/products/history?product={LITHIUM}")["footprints"]
    )
    assert published[0]["pcf"] == would


# --- 5 and 6: grant, preview as peer ---------------------------------------------------------


def test_a_level_is_granted_and_seen_through_the_eyes_of_the_partner(
    chain: Chain, people: People
) -> None:
    chain.refiner.run("peer", "add", "viewer", "--url", "https://localhost:9")
    person = people.at(chain.refiner)
    person.go("/partners/viewer/preview")
    person.sees("It sees nothing")
    person.go("/grants/matrix?partners=viewer&q=brine")
    person.page.locator("select[name='level.0.0']").select_option("quality")
    person.is_fit_for_all()
    person.press("See what the changes come to")
    person.sees("Nothing is done yet.", "↑ more")
    assert chain.refiner.look("/grants/preview?peer=viewer")["total"] == 0
    person.is_fit_for_all()
    person.press("Do it")
    eventually(lambda: chain.refiner.look("/grants/preview?peer=viewer")["total"])
    seen = chain.refiner.look("/grants/preview?peer=viewer")["data"]

    person.go("/partners/viewer/preview")
    for one in seen:
        person.sees(one["productNameCompany"], one["pcfExcludingBiogenicUptake"])
    person.is_fit_for_all()
    person.follow(seen[0]["productNameCompany"])
    person.sees(seen[0]["id"])
    person.is_fit_for_all()


# --- 7: answer a request ---------------------------------------------------------------------


def test_a_request_is_answered_with_a_footprint_and_another_rejected(
    chain: Chain, people: People
) -> None:
    for comment in ("For the audit of 2025, please <b>soon</b>", "And this one, too"):
        chain.maker.run("request", "send", "refiner", "--product-id", PRODUCT, "--comment", comment)

    def waiting() -> list[dict[str, Any]]:
        found = chain.refiner.look("/requests?direction=incoming&state=pending")["data"]
        return list(found)

    eventually(lambda: len(waiting()) == 2)
    person = people.at(chain.refiner)
    person.sees("Requests that wait for your answer")
    newest, oldest = (one["id"] for one in waiting())
    person.go(f"/requests/{oldest}")
    person.sees("For the audit of 2025, please <b>soon</b>")
    person.is_fit_for_all()
    for box in person.page.locator("input[name=footprint]").all():
        box.check()
    person.press("See what it will get")
    person.is_fit_for_all()
    person.press("Send this answer")
    eventually(lambda: chain.refiner.look(f"/requests/{oldest}")["state"] == "fulfilled")
    person.go(f"/requests/{newest}")
    person.fill("Why not", "It is the same as the other one")
    person.press("Reject")
    eventually(
        lambda: (
            {one["state"] for one in chain.maker.look("/requests")["data"]}
            == {"fulfilled", "rejected"}
        )
    )
    buyer = people.at(chain.maker)
    buyer.go("/requests")
    buyer.sees("fulfilled", "rejected")
    buyer.is_fit_for_all()


# --- 8: follow a correction ------------------------------------------------------------------


def test_a_correction_is_followed_to_the_successor(
    chain: Chain, people: People, battery: Path
) -> None:
    granted(chain, "breakdown")
    old = next(
        one
        for one in chain.maker.look("/received?peer=refiner")["data"]
        if PRODUCT in one["productIds"] and one["status"] == "Active" and "bulk" not in one["id"]
    )
    correction = battery / "footprints/corrections/jichuan/lioh-spodumene.json"
    superseded = next(
        one["id"]
        for one in chain.refiner.look("/footprints?status=Active")["data"]
        if one["id"] in correction.read_text("utf-8")
        or one["productNameCompany"] == old["productNameCompany"]
    )
    chain.refiner.run("footprint", "supersede", superseded, str(correction))
    eventually(
        lambda: chain.maker.look(f"/received/{superseded}?peer=refiner")["status"] == "Deprecated"
    )
    person = people.at(chain.maker)
    person.go(f"/received/{superseded}?peer=refiner")
    person.sees("The partner has corrected this footprint.")
    person.is_fit_for_all()
    person.page.locator(".message.warning a").first.click()
    assert superseded not in person.page.url
    person.sees("verified")


# --- 9: verify -------------------------------------------------------------------------------


def test_a_footprint_and_the_log_are_verified(chain: Chain, people: People) -> None:
    granted(chain, "full")
    person = people.at(chain.maker)
    person.go("/received?verification=verified")
    person.is_fit_for_all()
    person.page.locator("table.list tbody a").first.click()
    person.sees("It is, unchanged, what the holder of the key has signed.")
    person.page.get_by_text("Verify it yourself").click()
    person.sees("What is not proved", "underseal verify")
    person.is_fit_for_all()
    person.go("/audit/verify")
    person.press("Verify now")
    person.sees("The log is whole.")
    person.is_fit_for_all()


# --- 10: export ------------------------------------------------------------------------------


def test_a_list_is_exported_with_every_digit(chain: Chain, people: People, tmp_path: Path) -> None:
    granted(chain, "full")
    person = people.at(chain.maker, locale="de-DE")
    person.go("/received")
    expected = {one["pcfExcludingBiogenicUptake"] for one in chain.maker.look("/received")["data"]}
    for kind, read in (("CSV", cells_of_csv), ("XLSX", cells_of_xlsx)):
        with person.page.expect_download() as waiting:
            person.follow(kind)
        file = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(file)
        assert expected <= read(file)


def cells_of_csv(file: Path) -> set[str]:
    rows = csv.reader(io.StringIO(file.read_text("utf-8-sig")))
    return {cell for row in rows for cell in row}


def cells_of_xlsx(file: Path) -> set[str]:
    book = openpyxl.load_workbook(file, read_only=True)
    found = {str(cell) for row in book.active.iter_rows(values_only=True) for cell in row}
    book.close()
    return found


# --- all of them, for people with a telephone, in the dark, in other languages -----------------

VIEWS = [(360, "light", "de-DE"), (1440, "dark", "zh-CN"), (360, "dark", "en-GB")]
NARROW_AND_WIDE = [(360, "dark", "de-DE"), (1280, "light", "en-GB")]
PATHS = (
    "/", "/products", f"/products/twin?product={LITHIUM}", "/footprints", "/received", "/board",
    "/partners", "/partners/maker", "/partners/maker/preview", "/grants", "/grants/matrix",
    "/invite", "/accept", "/complete", "/add-partner", "/partners/maker/settings", "/requests",
    "/requests/new", "/import", "/jobs", "/audit", "/audit/verify", "/audit/receipts", "/alerts",
    "/doctor", "/factors", "/drafts", "/products/refresh", "/pulls", "/grants/add",
    f"/products/what-if?product={LITHIUM}", f"/products/match?product={LITHIUM}",
    f"/products/seen?product={LITHIUM}", f"/products/publish?product={LITHIUM}",
)  # fmt: skip


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
        f"/partners/maker/preview/{footprint}", f"/grants/{grant}", f"/drafts/{draft}",
        f"/products/seen?product={LITHIUM}&peer=maker&only=differences",
    )  # fmt: skip


def looked_at(person: Person, paths: Sequence[str]) -> None:
    """Each page is there, has one heading, and is fit for all."""
    for path in paths:
        answer = person.page.goto(f"{person.origin}/console{path}")
        assert answer is not None
        assert answer.status == 200, path
        # A page of work loads itself again until that has ended.
        person.page.locator("[data-reload-seconds]").wait_for(state="detached")
        assert person.page.get_by_role("heading", level=1).count() == 1, path
        person.is_fit_for_all()


@pytest.mark.parametrize(("width", "scheme", "locale"), VIEWS)
def test_every_page_is_fit_for_all(
    showcase: NodeProcess, people: People, width: int, scheme: str, locale: str
) -> None:
    person: Person = people.at(showcase, width=width, scheme=scheme, locale=locale)
    looked_at(person, (*PATHS, *own_pages(showcase)))


@pytest.mark.parametrize(("width", "scheme", "locale"), NARROW_AND_WIDE)
def test_every_page_of_what_was_received_is_fit_for_all(
    chain: Chain, people: People, width: int, scheme: str, locale: str
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
        "/partners/refiner",
    ))  # fmt: skip


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
    showcase: NodeProcess, chain: Chain, people: People, locale: str
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
