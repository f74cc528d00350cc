"""`underseal peer` and `underseal grant`, as a person sees them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from tests.cli.conftest import Market, Run
from typer import Context

from underseal_cli import partners
from underseal_cli.peer_view import open_question, print_peer, state_of

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def acme(run: Run, market: Market) -> Iterator[str]:
    assert run("peer", "add", "acme", home=market.seller.home).status == 0
    yield "acme"
    run("peer", "remove", "acme", home=market.seller.home)


def test_credentials_are_shown_once_and_work_no_longer_when_renewed(
    run: Run, market: Market
) -> None:
    home = market.seller.home
    added = run("peer", "add", "once", home=home)
    assert added.status == 0
    assert "the secret is shown this once" in added.out
    assert f"{market.seller.url}/auth/token" in added.out
    secret = next(
        line.split()[-1] for line in added.out.splitlines() if line.startswith("client secret")
    )
    again = run("peer", "credentials", "once", home=home)
    assert again.status == 1
    assert "--renew" in again.err
    renewed = run("peer", "credentials", "once", "--renew", home=home)
    assert renewed.status == 0
    for done in (again, renewed, run("peer", "show", "once", home=home)):
        assert secret not in done.out + done.err
    assert run("peer", "remove", "once", home=home).out == "once is removed.\n"
    assert run("peer", "show", "once", home=home).status == 1


def test_a_name_that_is_taken_or_no_name_is_refused(run: Run, market: Market, acme: str) -> None:
    for name in (acme, "a/b", "", " "):
        done = run("peer", "add", name, home=market.seller.home)
        assert (done.status, done.out) == (1, ""), name
        assert done.err.startswith("Error: ")


def test_a_peer_that_cannot_be_reached_is_added_with_a_warning(run: Run, market: Market) -> None:
    home = market.seller.home
    done = run("peer", "add", "far", "--url", "https://localhost:9", home=home)
    assert done.status == 0
    assert "Warning: " in done.err
    assert "client secret" in done.out
    run("peer", "remove", "far", home=home)


def test_what_is_empty_clears_and_what_is_absent_stays(
    run: Run, market: Market, acme: str, tmp_path: Path
) -> None:
    home = market.seller.home
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n", encoding="utf-8")
    options = ("--client-id", "we", "--client-secret-file", secret, "--scope", "read")
    done = run("peer", "set", acme, *options, home=home)
    assert done.status == 0, done.err
    assert "s3cret" not in done.out + done.err
    peer = run("peer", "set", acme, "--scope", "", "--json", home=home).json
    assert peer["clientId"] == "we"
    assert peer["hasCredentials"] is True
    assert "scope" not in peer


def test_the_policy_on_unsigned_footprints(run: Run, market: Market, acme: str) -> None:
    home = market.seller.home
    for option, shown in (("--no-accept-unsigned", "not usable"), ("--accept-unsigned", "usable")):
        done = run("peer", "set", acme, option, home=home)
        line = next(line for line in done.out.splitlines() if line.startswith("unsigned"))
        assert line.split("  ")[-1].strip() == shown


@pytest.mark.parametrize(
    "options",
    [
        ("--confirm-endpoint",),
        ("--confirm-keys",),
        ("--confirm-keys", "--words", "abandon " * 8),
        ("--words", "abandon " * 8),
    ],
)
def test_there_may_be_nothing_to_confirm(
    run: Run, market: Market, acme: str, options: tuple[str, ...]
) -> None:
    done = run("peer", "set", acme, *options, home=market.seller.home)
    assert done.status == 1
    assert done.err.startswith("Error: ")


@pytest.mark.parametrize("content", ["", "nonsense", "Zertifikat für Größe"])
def test_a_ca_file_that_is_none_is_refused(
    run: Run, market: Market, acme: str, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content, encoding="utf-8")
    done = run("peer", "set", acme, "--ca-file", file, home=market.seller.home)
    assert done.status == 1, done


def test_a_ca_file_with_comments_in_any_language_is_taken(
    run: Run, market: Market, acme: str, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    authority = market.bench.ca_file.read_text(encoding="ascii")
    file.write_text(f"# Főtanúsítvány 根证书\n{authority}", encoding="utf-8")
    done = run("peer", "set", acme, "--ca-file", file, "--json", home=market.seller.home)
    assert done.json["hasCa"] is True


def test_a_private_network_is_allowed_by_name(run: Run, market: Market, acme: str) -> None:
    home = market.seller.home
    assert "private network" not in run("peer", "show", acme, home=home).out
    done = run("peer", "set", acme, "--allow-private-network", home=home)
    assert "private network" in done.out
    assert run("peer", "show", acme, "--json", home=home).json["allowPrivateNetwork"] is True
    done = run("peer", "set", acme, "--no-allow-private-network", "--json", home=home)
    assert done.json["allowPrivateNetwork"] is False
    done = run("peer", "add", "inside", "--allow-private-network", "--json", home=home)
    assert done.json["peer"]["allowPrivateNetwork"] is True


def test_what_the_other_side_has_ended_is_shown(
    run: Run, market: Market, acme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """How it comes to be known is tested where it does: tests/node/manage."""
    peer = run("peer", "show", acme, "--json", home=market.seller.home).json
    peer |= {
        "endedByPeerAt": "2026-03-01T12:00:00Z",
        "endedByPeerReason": "contract ended",
        "warnings": ["acme has ended the partnership"],
        "lastProblemAt": "2026-03-02T08:30:00Z",
        "lastProblem": "nobody answers",
    }
    assert state_of(peer) == "ended by them: 2026-03-01 12:00 UTC"
    assert state_of(peer | {"state": "suspended"}).startswith("suspended, and ended by them")
    assert state_of(peer | {"state": "revoked"}) == "revoked"
    assert open_question(peer) == "acme has ended the partnership"
    print_peer(peer)
    shown = capsys.readouterr()
    assert "ended by them" in shown.out
    assert "contract ended" in shown.out
    assert "2026-03-02 08:30 UTC: nobody answers" in shown.out
    assert "Warning: acme has ended the partnership" in shown.err


def test_the_grants_both_ways_are_shown_with_their_conditions(
    run: Run, market: Market, acme: str
) -> None:
    seller, buyer = market.seller.home, market.buyer.home
    assert "we may see" not in run("peer", "show", acme, home=seller).out
    limits = ("--until", "2099-01-01", "--purpose", "CBAM", "--terms", "No resale.")
    run("grant", "add", acme, "--all", "--level", "quality", *limits, home=seller)
    shown = run("peer", "show", acme, home=seller).out
    said = "all at the level quality, until 2099-01-01 00:00 UTC, for CBAM, terms: No resale."
    assert said in shown
    assert run("pull", "seller", home=buyer).status == 0
    lines = run("peer", "show", "seller", home=buyer).out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("we may see"))
    assert "at the level" in lines[first]
    assert any("as of 20" in line for line in lines[first:])
    assert run("peer", "show", "seller", "--json", home=buyer).json["grantedToUs"]


def test_an_empty_secret_file_is_refused(
    run: Run, market: Market, acme: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("\n", encoding="utf-8")
    done = run("peer", "set", acme, "--client-secret-file", file, home=market.seller.home)
    assert done.status == 1
    assert f"{file} is empty" in done.err


def test_a_grant_is_given_listed_and_taken_away(run: Run, market: Market, acme: str) -> None:
    home = market.seller.home
    assert run("grant", "list", acme, home=home).out.startswith("Nobody may see anything")
    footprint = ("--footprint", market.ids[0])
    assert run("footprint", "show", market.ids[0], "--as", acme, home=home).status == 1
    done = run("grant", "add", acme, *footprint, "--level", "FULL", home=home)
    assert done.status == 0, done.err
    assert market.ids[0] in done.out
    assert "full" in done.out
    seen = run("footprint", "show", market.ids[0], "--as", acme, home=home)
    assert seen.status == 0
    grant_id = run("grant", "list", acme, "--json", home=home).json["data"][0]["id"]
    assert run("grant", "remove", str(grant_id), home=home).status == 0
    assert run("footprint", "show", market.ids[0], "--as", acme, home=home).status == 1
    assert run("grant", "remove", str(grant_id), home=home).status == 1


def test_a_grant_that_covers_nothing_yet_is_given_with_a_warning(
    run: Run, market: Market, acme: str
) -> None:
    done = run(
        *("grant", "add", acme, "--product-id", "urn:gtin:4712345060507"), home=market.seller.home
    )
    assert done.status == 0
    assert "it covers no footprint yet" in done.err


def test_a_grant_that_is_given_again_keeps_its_end_until_that_is_cleared(
    run: Run, market: Market, acme: str
) -> None:
    home = market.seller.home
    granted = ("grant", "add", acme, "--all", "--json")
    assert "ends" in run(*granted, "--until", "2099-01-01", home=home).json["data"][0]
    assert "ends" in run(*granted, "--terms", "a", home=home).json["data"][0]
    assert "ends" not in run(*granted, "--until", "", home=home).json["data"][0]


def test_a_warning_names_a_grant_of_everything(run: Run, market: Market) -> None:
    home = market.buyer.home
    has_own = run("footprint", "list", "--json", home=home).json["data"] != []
    done = run("grant", "add", "seller", "--all", "--json", home=home)
    grant_id = done.json["data"][0]["id"]
    run("grant", "remove", str(grant_id), home=home)
    warning = f"Warning: grant {grant_id} (everything): it covers no footprint yet"
    assert (warning in done.err) != has_own


def test_a_list_that_may_be_longer_says_so(run: Run, market: Market) -> None:
    done = run("footprint", "list", "--limit", "1", home=market.seller.home)
    assert done.status == 0
    assert "--limit N" in done.err
    assert len(done.out.splitlines()) == 3
    assert run("footprint", "list", home=market.seller.home).err == ""


@pytest.mark.parametrize("is_reached", [True, False])
def test_an_approval_does_not_promise_what_is_not_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_reached: bool
) -> None:
    peer: dict[str, object]
    peer = {"name": "acme", "state": "active", "assurance": "confirmed", "companyIds": []}
    peer |= {"isReached": is_reached, "warnings": [] if is_reached else ["it does not know us"]}
    monkeypatch.setattr(partners, "manage_of", lambda _context: Answering(peer))
    partners.approve(cast("Context", None), "acme")
    shown = capsys.readouterr()
    assert ("both sides can call each other." in shown.out) == is_reached
    assert ("is approved here" in shown.out) == (not is_reached)
    assert ("Warning: it does not know us" in shown.err) == (not is_reached)


class Answering:
    """A node that answers everything alike."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def post(self, _path: str, _body: object = None) -> object:
        return self._answer


def test_a_call_that_has_failed_shows_in_the_list() -> None:
    peer = {"state": "active", "url": "https://x.example", "hasCredentials": True, "warnings": []}
    assert open_question(peer) == ""
    problem = "acme has suspended the partnership. Ask its operator, who can resume it."
    said = open_question(peer | {"lastProblem": problem, "warnings": ["x"]})
    assert said == "the last call failed: acme has suspended the partnership; x"
    assert open_question(peer | {"lastProblem": problem, "state": "suspended"}) == ""
    assert len(open_question(peer | {"lastProblem": "x" * 500})) < 140


def test_what_is_not_in_the_log_is_said_of_whom(run: Run, market: Market, acme: str) -> None:
    home = market.seller.home
    unknown = "00000000-0000-4000-8000-000000000000"
    done = run("audit", "show", "--peer", acme, "--footprint", unknown, home=home)
    said = f"There is nothing in the log about the peer {acme} and the footprint {unknown}."
    assert (done.status, done.out) == (0, f"{said}\n")
    done = run("audit", "show", "--peer", "acne", home=home)
    assert (done.status, "there is no peer 'acne'" in done.err) == (1, True)


def test_the_moment_of_a_theft_may_be_a_date(run: Run, market: Market, tmp_path: Path) -> None:
    file = tmp_path / "recovery.key"
    done = run(
        *("key", "revoke", "A" * 43, "--since", "28 November", "--recovery-key-file", file),
        home=market.seller.home,
    )
    assert done.status == 2
    assert "--since: " in done.err
    assert "Write a date, as 2026-12-31" in done.err
