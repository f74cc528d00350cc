"""`underseal verify`: without a node, from keys that the person at the terminal names."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Market, Run

from underseal_protocol.keys import KeyPurpose, SigningKey

VECTOR = json.loads(
    (Path(__file__).parents[1] / "vectors" / "credential" / "signed.json").read_text("utf-8")
)
ISSUER: str = VECTOR["issuer"]


def served(level: str = "full") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(VECTOR["served"][level])
    return document


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(VECTOR["keys"]), encoding="utf-8")
    return file


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(content: Any, name: str = "footprint.json") -> Path:
        file = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        file.write_text(text, encoding="utf-8")
        return file

    return written


@pytest.mark.parametrize("level", ["total", "quality", "breakdown", "full"])
def test_a_footprint_verifies_at_every_level(
    run: Run, keys: Path, write: Callable[..., Path], level: str
) -> None:
    done = run("verify", write(served(level)), "--keys", keys)
    assert done.status == 0, done.err
    first = done.out.splitlines()[0]
    assert first.startswith(f"verified: {served()['id']}, unchanged since {ISSUER} signed it")
    assert "status not proven (the file says Active)" in first
    assert f"the keys in {keys}" in done.out


def test_what_is_withheld_is_told_apart_from_what_is_shown(
    run: Run, keys: Path, write: Callable[..., Path], fulfils: Callable[[Any, str], None]
) -> None:
    result = run("verify", write(served("quality")), "--keys", keys, "--json").json
    fulfils(result, "verification")
    assert result["disclosed"] == ["quality", "verification"]
    assert result["withheld"] == ["carbon", "emissions", "method", "other"]
    assert result["issuer"] == ISSUER
    assert result["status"] == {"value": "Active", "isProven": False}


def test_it_is_known_by_one_digest_at_every_level(
    run: Run, keys: Path, write: Callable[..., Path]
) -> None:
    """What a printed page says of it."""
    shown = {
        run("verify", write(served(level)), "--keys", keys, "--json").json["credential"]
        for level in ("total", "full")
    }
    assert shown == {issued_digest()}
    assert f"credential: {issued_digest()}" in run("verify", write(served()), "--keys", keys).out


def issued_digest() -> str:
    """SHA-256 over header and payload of what was signed."""
    (entry,) = (one for one in served()["extensions"] if "sdJwt" in one["data"])
    signed = entry["data"]["sdJwt"].partition("~")[0].rpartition(".")[0]
    return urlsafe_b64encode(sha256(signed.encode()).digest()).decode().rstrip("=")


def test_a_statement_proves_the_status(
    run: Run, keys: Path, write: Callable[..., Path], fulfils: Callable[[Any, str], None]
) -> None:
    file = write(served())
    statement = write(VECTOR["status"] + "\n", "status.jws")
    done = run("verify", file, "--keys", keys, "--status", statement)
    assert "status Deprecated as of 2026-01-15T08:00:00Z" in done.out
    result = run("verify", file, "--keys", keys, "--status", statement, "--json").json
    fulfils(result, "verification")
    assert result["status"]["isProven"] is True


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda one: {"data": one},
        lambda one: {"data": [one]},
        lambda one: [one],
        lambda one: {"id": one["id"], "peer": "x", "footprint": one},
    ],
    ids=["response to one", "response to a list", "list", "show --json"],
)
def test_the_forms_in_which_footprints_come_are_understood(
    run: Run, keys: Path, write: Callable[..., Path], wrapped: Callable[[Any], Any]
) -> None:
    assert run("verify", write(wrapped(served())), "--keys", keys).status == 0


def test_what_show_prints_has_its_own_statement(
    run: Run, keys: Path, write: Callable[..., Path]
) -> None:
    shown = {"id": served()["id"], "footprint": served(), "statusStatement": VECTOR["status"]}
    done = run("verify", write(shown), "--keys", keys)
    assert "status Deprecated as of" in done.out


def changed(document: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    *way, last = pointer.split("/")
    place = document
    for step in way:
        place = place[step]
    place[last] = value
    return document


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (changed(served(), "pcf/pcfExcludingBiogenicUptake", "1"), "the core is not what was sig"),
        (changed(served(), "pcf/dqi", {"technologicalDQR": "1"}), "the block 'quality' is not"),
        (changed(served("total"), "pcf/dqi", {}), "the block 'quality' has content"),
        (changed(served(), "id", "00000000-0000-4000-8000-000000000000"), "is for the footprint"),
        (changed(served(), "extensions", []), "carries no credential"),
    ],
    ids=["core", "block", "block that is withheld", "id", "without credential"],
)
def test_what_was_changed_is_refused_and_named(
    run: Run, keys: Path, write: Callable[..., Path], document: Any, named: str
) -> None:
    file = write(document)
    done = run("verify", file, "--keys", keys)
    assert (done.status, done.out) == (1, "")
    first = done.err.splitlines()[0]
    assert first.startswith(f"Error: {file} does not verify with the keys in {keys}: ")
    assert named in first


def test_other_keys_are_refused(run: Run, write: Callable[..., Path]) -> None:
    other = SigningKey.generate(KeyPurpose.FOOTPRINT)
    file = write({"keys": [other.public_jwk()]}, "other.json")
    done = run("verify", write(served()), "--keys", file)
    assert done.status == 1
    assert "is not in the trusted key set" in done.err


def test_a_status_of_another_footprint_is_refused(
    run: Run, keys: Path, write: Callable[..., Path]
) -> None:
    statement = write(VECTOR["status"][:-4] + "AAAA", "status.jws")
    done = run("verify", write(served()), "--keys", keys, "--status", statement)
    assert done.status == 1


def test_of_several_each_is_judged(
    run: Run, keys: Path, write: Callable[..., Path], fulfils: Callable[[Any, str], None]
) -> None:
    bad = changed(served(), "companyName", "Somebody else")
    file = write({"data": [served(), bad, served("total")]})
    done = run("verify", file, "--keys", keys)
    assert done.status == 1
    assert done.out.count("verified: ") == 2
    assert f"{file} /data/1 does not verify" in done.err
    told = run("verify", file, "--keys", keys, "--json")
    assert told.status == 1
    fulfils(told.json, "verification")
    assert [one["verified"] for one in told.json["data"]] == [True, False, True]


def test_a_signed_document_that_is_no_footprint_is_refused(
    run: Run, write: Callable[..., Path]
) -> None:
    from datetime import UTC, datetime

    from underseal_protocol import segments
    from underseal_protocol.credential import issue
    from underseal_protocol.disclosure import Level

    key = SigningKey.generate(KeyPurpose.FOOTPRINT)
    document = served()
    document["extensions"] = document["extensions"][:-1]
    document["pcf"]["declaredUnitAmount"] = "many"
    now = datetime(2026, 1, 1, tzinfo=UTC)
    credential = issue(document, key=key, issuer=ISSUER, issued_at=now)
    body = segments.render(segments.pack(document, credential, ISSUER), Level.FULL, "Active")
    keys = write({"keys": [key.public_jwk()]}, "jwks.json")
    done = run("verify", write(body.decode()), "--keys", keys)
    assert done.status == 1
    assert "/pcf/declaredUnitAmount is 'many'" in done.err


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("nonsense", "not JSON"),
        ('{"keys": "none"}', "a key set is an object"),
        ('{"keys": []}', "there is no key in it"),
    ],
)
def test_a_key_set_that_is_none_is_named(
    run: Run, write: Callable[..., Path], content: str, named: str
) -> None:
    file = write(content, "jwks.json")
    done = run("verify", write(served()), "--keys", file)
    assert done.status == 1
    assert done.err.startswith(f"Error: {file}: {named}")


@pytest.mark.parametrize("content", ["nonsense", "[]", '"text"', "[1]", '{"a": 1, "a": 2}'])
def test_a_file_without_footprints_is_named(
    run: Run, keys: Path, write: Callable[..., Path], content: str
) -> None:
    file = write(content)
    done = run("verify", file, "--keys", keys)
    assert (done.status, done.out) == (1, "")
    assert str(file) in done.err


@pytest.mark.parametrize(
    "trust", [(), ("--keys", "x", "--url", "https://a.example"), ("--url", "x", "--peer", "y")]
)
def test_exactly_one_source_of_trust_has_to_be_named(
    run: Run, write: Callable[..., Path], trust: tuple[str, ...]
) -> None:
    done = run("verify", write(served()), *trust)
    assert done.status == 2
    assert "exactly one of --keys, --url and --peer" in done.err


@pytest.mark.parametrize(
    "url", ["http://a.example", "a.example", "https://u:p@a.example", "https://a.example/?x=1"]
)
def test_only_the_https_url_of_a_node_is_called(
    run: Run, write: Callable[..., Path], url: str
) -> None:
    done = run("verify", write(served()), "--url", url)
    assert done.status == 1
    assert "not the https URL of a node" in done.err
    assert "u:p" not in done.err


def test_nothing_that_the_file_names_is_called(run: Run, write: Callable[..., Path]) -> None:
    """The issuer in the file is another host than the one that is trusted and not there."""
    done = run("verify", write(served()), "--url", "https://localhost:9")
    assert done.status == 1
    assert "the keys of https://localhost:9 cannot be fetched" in done.err
    assert "kathodenwerk" not in done.err


@pytest.mark.xdist_group("cli")
class TestWithANode:
    """From a node that runs, over TLS."""

    @pytest.fixture
    def received(self, market: Market, write: Callable[..., Path]) -> Path:
        shown = market.buyer.run("received", "show", market.ids[0], "--json").stdout
        return write(shown, "received.json")

    def test_from_the_url_of_the_node_that_signed(
        self, run: Run, market: Market, received: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UNDERSEAL_CA_FILE", str(market.bench.ca_file))
        url = market.seller.url.replace("localhost", "LOCALHOST") + "/"
        done = run("verify", received, "--url", url)
        assert done.status == 0, done.err
        assert f"the keys that {market.seller.url} shows now" in done.out

    def test_from_a_host_whose_certificate_is_not_trusted(
        self, run: Run, market: Market, received: Path
    ) -> None:
        done = run("verify", received, "--url", market.seller.url)
        assert done.status == 1
        assert "CERTIFICATE_VERIFY_FAILED" in done.err
        assert "UNDERSEAL_CA_FILE" in done.err

    def test_from_another_node_than_the_one_that_signed(
        self, run: Run, market: Market, received: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UNDERSEAL_CA_FILE", str(market.bench.ca_file))
        done = run("verify", received, "--url", market.buyer.url)
        assert done.status == 1
        assert f"does not verify with the keys that {market.buyer.url} shows now" in done.err

    def test_from_the_keys_pinned_for_a_peer(
        self, run: Run, market: Market, received: Path
    ) -> None:
        done = run("verify", received, "--peer", "seller", home=market.buyer.home)
        assert done.status == 0, done.err
        assert "the keys pinned for the peer seller" in done.out
        missing = run("verify", received, "--peer", "nobody", home=market.buyer.home)
        assert missing.status == 1
        assert "nobody" in missing.err

    def test_a_ca_file_that_is_none_is_named(
        self,
        run: Run,
        market: Market,
        received: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("UNDERSEAL_CA_FILE", str(received))
        done = run("verify", received, "--url", market.seller.url)
        assert done.status == 1
        assert f"{received}, named in UNDERSEAL_CA_FILE, holds no certificates" in done.err
