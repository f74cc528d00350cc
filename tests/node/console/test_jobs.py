"""Long work: it goes on without its page, all who are signed in see it, and its end stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.files_to_import import digest_in, footprints_csv, hand_in
from tests.node.manage.conftest import Company

from underseal_node.console import jobs
from underseal_node.console.api import Api, ApiRefusedError
from underseal_node.console.importing.outcomes import Outcome
from underseal_node.console.jobs import MAX_ENDED, Busy, Job, Jobs
from underseal_node.console.sessions import Session

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Event]:
    """Imports wait until this is set, and no page waits for them."""
    going, call = asyncio.Event(), Api.call

    async def slow(self: Api, method: str, path: str, *rest: Any) -> Any:
        if path.endswith("/import"):
            await going.wait()
        return await call(self, method, path, *rest)

    monkeypatch.setattr(Api, "call", slow)
    monkeypatch.setattr(jobs, "AT_ONCE_SECONDS", 0.01)
    yield going
    going.set()


async def newest_file(browser: Browser) -> str:
    """The page of the file that was handed in last."""
    listed = (await browser.get("/import")).html.partition('<ul class="files">')[2]
    return listed.partition('href="/console')[2].partition('"')[0]


async def ended(browser: Browser, path: str) -> Any:
    for _ in range(500):
        shown = await browser.get(path)
        if "data-reload-seconds" not in shown.html:
            return shown
        await asyncio.sleep(0.01)
    raise AssertionError("it goes on and on")


async def test_a_long_check_has_a_page_that_survives_a_reload(
    company: Company, browser: Browser, new_browser: NewBrowser, held_up: asyncio.Event
) -> None:
    shown = await hand_in(browser, "long.csv", footprints_csv({}))
    assert shown.path.startswith("/jobs/")
    company.advance(seconds=75)
    again = await browser.get(shown.path)
    assert "The node checks every row" in again.text
    assert "1:15" in again.text
    assert 'data-reload-seconds="2"' in again.html
    assert "<progress" in again.html
    other = new_browser(company)
    await other.enter(company)
    listed = await other.get("/jobs")
    assert "long.csv Check running" in listed.text
    assert "running" in (await other.get(shown.path)).text
    assert "Going on now" in (await other.get("/import")).text
    held_up.set()
    done = await ended(browser, shown.path)
    assert "What would become of it" in done.text
    assert "To the file" in done.text
    elsewhere = await other.get(shown.path)
    assert "What would become of it" in elsewhere.text
    assert "To the file" not in elsewhere.text  # it is held for the other session
    assert "long.csv Check done" in (await browser.get("/jobs")).text


async def test_the_page_of_the_file_waits_as_well(browser: Browser, held_up: asyncio.Event) -> None:
    await hand_in(browser, "long.csv", footprints_csv({}))
    listed = (await browser.get("/import")).html
    path = (
        listed.partition('<ul class="files">')[2].partition('href="/console')[2].partition('"')[0]
    )
    waiting = await browser.get(path)
    assert "It is being checked" in waiting.text
    assert "/confirm" not in waiting.html
    held_up.set()
    done = await ended(browser, path)
    assert "Publish 1 footprint" in done.text


async def test_an_import_goes_on_when_its_browser_is_gone(
    company: Company, browser: Browser, new_browser: NewBrowser, held_up: asyncio.Event
) -> None:
    held_up.set()
    await hand_in(browser, "long.csv", footprints_csv({}))
    listed = (await browser.get("/import")).html
    path = (
        listed.partition('<ul class="files">')[2].partition('href="/console')[2].partition('"')[0]
    )
    checked = await ended(browser, path)
    held_up.clear()
    running = await browser.send(f"{path}/confirm", digest=digest_in(checked))
    assert "takes up the file, all of it or nothing" in running.text
    assert "It is being imported" in (await browser.get(path)).text
    await browser.send("/leave")
    other = new_browser(company)
    await other.enter(company)
    held_up.set()
    done = await ended(other, running.path)
    assert "What became of it" in done.text
    assert len((await company.get("/footprints"))["data"]) == 1


async def test_two_imports_at_once(
    company: Company, browser: Browser, new_browser: NewBrowser
) -> None:
    other = new_browser(company)
    await other.enter(company)
    second = {"productIds": "urn:pact:cathode.example:product-id:2"}
    shown = [
        await hand_in(browser, "one.csv", footprints_csv({})),
        await hand_in(other, "two.csv", footprints_csv(second)),
    ]
    done = await asyncio.gather(
        browser.send(f"{shown[0].path}/confirm", digest=digest_in(shown[0])),
        other.send(f"{shown[1].path}/confirm", digest=digest_in(shown[1])),
    )
    for one in done:
        assert "published" in (await ended(browser, one.path)).text
    assert len((await company.get("/footprints"))["data"]) == 2


async def test_too_much_at_a_time_is_refused_and_the_file_kept(
    browser: Browser, held_up: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MAX_RUNNING", 1)
    first = await hand_in(browser, "one.csv", footprints_csv({}))
    busy = await hand_in(browser, "two.csv", footprints_csv({}))
    assert busy.status == 503
    assert "As much work is going on" in busy.text
    assert "two.csv" in (await browser.get("/import")).text
    held_up.set()
    await ended(browser, first.path)
    again = busy.html.partition('action="/console/import/')[2].partition("/")[0]
    checked = await browser.send(f"/import/{again}/check")
    assert "Publish 1 footprint" in (await ended(browser, f"/import/{again}")).text
    assert checked.status == 200


async def test_a_fault_is_said_and_nothing_is_confirmed(
    company: Company, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> Any:
        raise RuntimeError("canary of the fault")

    with monkeypatch.context() as patch:
        patch.setattr(Api, "call", fail)
        shown = await hand_in(browser, "one.csv", footprints_csv({}))
    assert shown.status == 200
    assert "The check failed, by a fault of the node" in shown.text
    assert "canary" not in shown.html
    assert "/confirm" not in shown.html
    checked = await browser.send(f"{shown.path}/check")
    assert "Publish 1 footprint" in checked.text


async def test_an_import_that_fails_can_be_tried_again(
    company: Company, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await hand_in(browser, "one.csv", footprints_csv({}))

    async def fail(*_: Any) -> Any:
        raise ApiRefusedError(503, "the database failed", "Nothing was changed.")

    with monkeypatch.context() as patch:
        patch.setattr(Api, "call", fail)
        failed = await browser.send(f"{shown.path}/confirm", digest=digest_in(shown))
    assert "the database failed" in failed.text
    assert "refused" in failed.text
    back = await browser.get(shown.path)
    assert "It was imported" not in back.text
    checked = await browser.send(f"{shown.path}/check")
    done = await browser.send(f"{shown.path}/confirm", digest=digest_in(checked))
    assert "What became of it" in done.text
    assert len((await company.get("/footprints"))["data"]) == 1


async def test_the_list_is_filtered_and_exported(browser: Browser) -> None:
    await hand_in(browser, "good.csv", footprints_csv({}))
    await hand_in(browser, "bad.csv", footprints_csv({"declaredUnitAmount": "x"}))
    refused = await browser.get("/jobs", state="refused")
    assert "bad.csv" in refused.text
    assert "good.csv" not in refused.text
    exported = (await browser.get("/jobs", **{"as": "csv"})).answer
    assert exported.headers["content-type"].startswith("text/csv")
    assert "good.csv" in exported.text


# --- jobs by themselves ---------------------------------------------------------------------------


def session() -> Session:
    return Session(NOW, NOW, "csrf")


async def nothing(job: Job) -> Outcome:
    return Outcome("footprints", is_check=True)


async def test_the_last_ones_are_remembered() -> None:
    known, mine = Jobs(lambda: NOW), session()
    for number in range(MAX_ENDED + 5):
        job = known.start(mine, "Check", str(number), "/import/1", nothing)
        assert await known.has_ended(job)
    titles = [one.title for one in known.all()]
    assert len(titles) == MAX_ENDED
    assert titles[0] == str(MAX_ENDED + 4)


async def test_what_runs_is_never_forgotten() -> None:
    known, mine, going = Jobs(lambda: NOW), session(), asyncio.Event()

    async def wait(job: Job) -> Outcome:
        await going.wait()
        return await nothing(job)

    first = known.start(mine, "Check", "first", "/", wait)
    for _ in range(MAX_ENDED + 5):
        await known.has_ended(known.start(mine, "Check", "x", "/", nothing))
    assert known.find(first.id) is first
    for _ in range(jobs.MAX_RUNNING - 1):
        known.start(mine, "Check", "x", "/", wait)
    with pytest.raises(Busy):
        known.start(mine, "Check", "x", "/", wait)
    assert not await known.has_ended(first, 0.01)
    await known.aclose()
    assert all(one.task is not None and one.task.done() for one in known.all())


async def test_a_job_knows_its_session_without_keeping_it() -> None:
    known, mine = Jobs(lambda: NOW + timedelta(seconds=1)), session()
    job = known.start(mine, "Check", "x", "/", nothing)
    await known.has_ended(job)
    assert job.is_of(mine)
    assert not job.is_of(session())
    assert "csrf" not in repr(job)
    del mine
    assert job.owner is not None
    assert job.owner() is None
