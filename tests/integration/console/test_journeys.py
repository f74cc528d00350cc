"""The ten journeys that matter, in a real browser between real nodes.

A refiner and a maker of cathode powder are partners; each test begins at the console, and what it
comes to is looked up by the command.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from tests.integration.console.conftest import NEEDS_CHROMIUM, People

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
    # Just these two: another fixture may have a node running here already.
    for node in (refiner, maker):
        node.launch()
    for node in (refiner, maker):
        node.wait()
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
