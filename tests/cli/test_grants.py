"""`underseal grant` with dates and terms, its preview, and the bytes that a peer gets."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import WIERZBOLIT, Market, Run

from underseal_cli import output

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def home(market: Market) -> Path:
    return market.seller.home


@pytest.fixture
def acme(run: Run, home: Path) -> Iterator[str]:
    assert run("peer", "add", "acme", home=home).status == 0
    yield "acme"
    run("peer", "remove", "acme", home=home)


def test_dates_terms_and_purpose_are_shown(run: Run, home: Path, acme: str) -> None:
    made = run(
        *("grant", "add", acme, "--all", "--from", "2026-01-01", "--until", "2999-01-01"),
        *("--terms", "https://terms.example/1", "--purpose", "CBAM report"),
        home=home,
    )
    assert made.status == 0, made.err
    listed = run("grant", "list", acme, home=home)
    for text in ("2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "https://terms.example/1"):
        assert text in listed.out
    assert "CBAM report" in listed.out
    assert "ended" not in listed.out
    (grant,) = run("grant", "list", acme, "--json", home=home).json["data"]
    assert (grant["state"], grant["starts"]) == ("active", "2026-01-01T00:00:00Z")


def test_an_ended_grant_is_shown_as_such_and_shows_nothing(run: Run, home: Path, acme: str) -> None:
    run("grant", "add", acme, "--all", "--until", "2026-01-01T12:00:00+01:00", home=home)
    listed = run("grant", "list", acme, home=home).out
    assert "2026-01-01T11:00:00Z" in listed
    assert "ended" in listed
    assert run("grant", "preview", acme, home=home).out == "acme sees nothing.\n"


def test_a_grant_takes_the_place_of_another_one(run: Run, home: Path, acme: str) -> None:
    (old,) = run("grant", "add", acme, "--all", "--level", "full", "--json", home=home).json["data"]
    less = run("grant", "add", acme, "--all", "--level", "total", home=home)
    assert less.status == 1
    assert f"--replace {old['id']}" in less.err
    made = run("grant", "add", acme, "--all", "--replace", str(old["id"]), "--json", home=home)
    assert made.status == 0, made.err
    (new,) = made.json["data"]
    assert (new["level"], new["id"] != old["id"]) == ("total", True)
    assert run("grant", "list", acme, "--json", home=home).json["data"] == [new]
    gone = run("grant", "add", acme, "--all", "--replace", str(old["id"]), home=home)
    assert (gone.status, f"no grant {old['id']}" in gone.err) == (1, True)
    assert run("grant", "add", acme, "--all", "--replace", "0", home=home).status == 2


def test_what_is_no_date_is_a_usage_error(run: Run, home: Path, acme: str) -> None:
    for arguments in (
        ("add", acme, "--all", "--from", "tomorrow"),
        ("add", acme, "--all", "--until", "31.12.2026"),
        ("preview", acme, "--at", "noon"),
    ):
        done = run("grant", *arguments, home=home)
        assert (done.status, done.out) == (2, "")
        assert arguments[-2] in done.err
    assert run("grant", "list", acme, "--json", home=home).json["data"] == []


def test_terms_cannot_steer_the_terminal(run: Run, home: Path, acme: str) -> None:
    run("grant", "add", acme, "--all", "--terms", "\x1b[31mred\u202e", home=home)
    listed = run("grant", "list", acme, home=home).out
    assert "\\x1b[31mred\\u202e" in listed


def test_a_preview_lists_what_the_peer_sees(run: Run, market: Market, home: Path) -> None:
    shown = run("grant", "preview", "buyer", home=home)
    assert shown.status == 0
    for footprint_id in market.ids:
        assert footprint_id in shown.out
    assert "emissions, carbon, method, other" in shown.out
    assert "at quality" in shown.out.splitlines()[-1]
    whole = run("grant", "preview", "buyer", "--json", home=home).json
    assert len(whole["data"]) == whole["total"] == whole["levels"]["quality"]
    part = run("grant", "preview", "buyer", "--limit", "1", home=home)
    assert f"{whole['total']} footprints" in part.out
    assert "--limit N" in part.err


def test_a_preview_of_a_peer_without_a_grant_is_empty(run: Run, home: Path, acme: str) -> None:
    done = run("grant", "preview", acme, home=home)
    assert (done.status, done.out) == (0, "acme sees nothing.\n")
    assert run("grant", "preview", "nobody", home=home).status == 1


def test_show_as_prints_the_very_bytes(run: Run, market: Market) -> None:
    (received,) = [
        one for one in market.buyer.json("received", "list")["data"] if one["id"] == market.ids[0]
    ]
    held = market.buyer.json("received", "show", received["id"])["footprint"]
    done = run("footprint", "show", market.ids[0], "--as", "buyer", home=market.seller.home)
    assert json.loads(done.out) == held
    assert not done.out.endswith("\n")
    assert "buyer gets the level quality; withheld: emissions, carbon, method, other." in done.err


def test_bytes_are_written_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "Größe \u2028 \x1b".encode()
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    output.write_bytes(data)
    assert raw.getvalue() == data


def test_at_a_terminal_bytes_do_not_steer_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    output.write_bytes(b'{"a":"\x1b"}')
    assert terminal.getvalue() == '{"a":"\\x1b"}\n'


def test_figures_are_rounded_for_everybody(run: Run, market: Market, tmp_path: Path) -> None:
    document = json.loads((WIERZBOLIT / "nmc811.json").read_text("utf-8"))
    document.pop("id", None)
    # Of its own: other tests, with the same nodes, rely on there being no 4712345060507.
    document["productIds"] = ["urn:gtin:4712345060996"]
    file = tmp_path / "rounded.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    home = market.seller.home
    done = run(*("footprint", "import", file, "--significant-digits", "2", "--json"), home=home)
    assert done.status == 0, done.err
    footprint_id = done.json["footprints"][0]["id"]
    shown = run("footprint", "show", footprint_id, "--as", "buyer", home=home)
    figure = json.loads(shown.out)["pcf"]["pcfExcludingBiogenicUptake"]
    assert len(figure.replace(".", "").strip("0")) <= 2
    assert figure != document["pcf"]["pcfExcludingBiogenicUptake"]
    for digits in ("0", "31", "x"):
        assert run("footprint", "import", file, "--significant-digits", digits).status == 2


def test_usage_terms_are_shown_as_a_promise(run: Run, market: Market) -> None:
    grant = ("grant", "add", "buyer", "--all", "--level", "quality")
    texts = ("--terms", "Not for resale.\x1b[2J", "--purpose", "CBAM report")
    assert run(*grant, *texts, home=market.seller.home).status == 0
    assert run("pull", "seller", home=market.buyer.home).status == 0
    shown = run("received", "show", market.ids[0], home=market.buyer.home)
    assert "Not for resale.\\x1b[2J" in shown.out
    assert "CBAM report" in shown.out
    assert "a promise to the peer; nothing enforces them" in shown.out
    listed = run("received", "list", "--json", home=market.buyer.home).json["data"]
    (terms,) = next(one for one in listed if one["id"] == market.ids[0])["usageTerms"]
    assert (terms["kind"], terms["purpose"]) == ("all", "CBAM report")
    assert run(*grant, "--terms", "", "--purpose", "", home=market.seller.home).status == 0
    assert run("pull", "seller", home=market.buyer.home).status == 0
    again = run("received", "show", market.ids[0], home=market.buyer.home)
    assert "promise" not in again.out
