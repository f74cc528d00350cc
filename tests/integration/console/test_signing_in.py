"""From the command in the terminal into the browser, and out again."""

from __future__ import annotations

import pytest
from tests.integration.console.conftest import NEEDS_CHROMIUM, People

from underseal_cli.demo_nodes import NodeProcess, Workbench

pytestmark = [NEEDS_CHROMIUM, pytest.mark.xdist_group("chromium")]


@pytest.fixture(scope="module")
def node(bench: Workbench) -> NodeProcess:
    made = bench.node("cathode")
    made.init("Kathodenwerk <b>Süd</b> 正极材料厂", ["urn:pact:cathode.example:company-id:1"])
    made.start()
    return made


def test_a_link_opens_the_console_and_leaves_no_trace_of_its_code(
    node: NodeProcess, people: People
) -> None:
    person = people.at(node)
    person.sees("Kathodenwerk <b>Süd</b> 正极材料厂")
    assert "#" not in person.page.url
    code = node.json("console")["url"].partition("#")[2]
    person.page.goto(f"{person.origin}/console/enter#{code}")
    person.page.wait_for_url("**/console/")
    person.page.go_back()
    assert code not in person.page.url
    assert code not in node.log_file.read_text(encoding="utf-8")


def test_who_signs_out_is_out(node: NodeProcess, people: People) -> None:
    person = people.at(node)
    person.press("Sign out")
    person.sees("You are not signed in")
    person.go("/products")
    person.sees("You are not signed in")


def test_pages_of_other_sites_get_nothing(node: NodeProcess, people: People) -> None:
    """A form of another origin: the cookie stays at home, and the page says what to do."""
    person = people.at(node)
    target = f"{person.origin}/console/leave"
    person.page.goto("about:blank")
    person.page.set_content(f'<form method="post" action="{target}"><button>Win</button></form>')
    person.press("Win")
    person.page.wait_for_url("**/console/**")
    person.go("/")
    person.sees("Kathodenwerk")


@pytest.mark.parametrize(
    ("locale", "words"), [("de-AT", "Auf einen Blick"), ("zh-CN", "一览"), ("fr", "At a glance")]
)
def test_the_language_is_that_of_the_browser_until_one_is_chosen(
    node: NodeProcess, people: People, locale: str, words: str
) -> None:
    person = people.at(node, locale=locale)
    person.sees(words)
    person.follow("English")
    person.sees("At a glance")
    person.follow("Deutsch")
    person.sees("Auf einen Blick")
    assert person.page.locator("html").get_attribute("lang") == "de"


def test_what_was_typed_survives_the_end_of_the_session(node: NodeProcess, people: People) -> None:
    """Signed out in one tab, a form is sent from another; nothing of it has to be typed again."""
    person = people.at(node)
    person.go("/add-partner?from=test")
    person.fill("Name", "Würfel & Söhne")
    person.page.locator("main form summary").click()
    person.page.locator("input[name=allowPrivateNetwork]").check()
    person.page.locator("input[name=acceptUnsigned]").uncheck()
    person.fill("Client secret that it issued to us", "never-to-be-kept")
    other = person.page.context.new_page()
    other.goto(f"{person.origin}/console/")
    other.get_by_role("button", name="Sign out").click()
    other.get_by_text("You are not signed in").wait_for()
    person.page.locator("main form[method=post] button").last.click()
    person.sees("You are not signed in", "What you have typed is there again")
    other.goto(node.json("console")["url"])
    other.wait_for_url("**/console/add-partner?from=test")
    person.page = other
    person.sees("Nothing was done.")
    assert other.get_by_label("Name", exact=True).input_value() == "Würfel & Söhne"
    assert other.locator("input[name=allowPrivateNetwork]").is_checked()
    assert other.locator("input[name=allowPrivateNetwork]").is_visible(), "its part is open"
    assert not other.locator("input[name=acceptUnsigned]").is_checked()
    assert "never-to-be-kept" not in other.content()
    assert other.locator("[data-left] [data-name]").count() == 0, "all of it is in its place"
    person.is_fit_for_all()
    assert node.look("/peers")["data"] == []
