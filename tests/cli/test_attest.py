"""From a draft to what a buyer sees: a supplier, a verifier and a buyer, whose nodes really run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import WIERZBOLIT, Done, Run
from tests.forking import QuickWorkbench

from underseal_cli.demo_nodes import NodeProcess, Workbench

pytestmark = pytest.mark.xdist_group("attest")

COMPANIES = {
    "seller": ("Wierzbolit", "urn:lei:999900WIERZBOLITKA02"),
    "verifier": ("中国质量认证中心", "urn:lei:999900TISZAHAJNALC34"),
    "buyer": ("Tiszahajnal", "urn:lei:529900T8BM49AURSDO55"),
}
STATEMENT = """
level = "limited"
coverage = "product level"
standard = "ISO 14064"
completedAt = 2026-01-31
validUntil = 9000-01-01
text = "核查声明"
document = "report.pdf"
"""

Fulfils = Callable[[Any, str], None]


@dataclass(frozen=True)
class Trio:
    """Three companies that know each other; the buyer may see all at the level quality."""

    bench: Workbench
    seller: NodeProcess
    verifier: NodeProcess
    buyer: NodeProcess


def befriend(bench: Workbench, one: NodeProcess, other: NodeProcess) -> None:
    """Register both at each other, and let each call once, so that keys are pinned."""
    pairs = ((one, other), (other, one))
    issued = {
        owner: owner.json("peer", "add", peer.name, "--url", peer.url) for owner, peer in pairs
    }
    for owner, peer in pairs:
        given = issued[peer]
        file = bench.directory / f"{owner.name}-{peer.name}.secret"
        file.write_text(given["client_secret"], encoding="utf-8")
        owner.run(
            *("peer", "set", peer.name, "--client-id", given["client_id"]),
            *("--client-secret-file", str(file)),
        )
    for owner, peer in pairs:
        owner.run("pull", peer.name)


@pytest.fixture(scope="module")
def trio() -> Iterator[Trio]:
    with QuickWorkbench() as bench:
        nodes = [bench.node(name) for name in COMPANIES]
        for node in nodes:
            company, company_id = COMPANIES[node.name]
            node.init(company, [company_id])
        bench.start_all()
        seller, verifier, buyer = nodes
        for pair in ((seller, verifier), (seller, buyer), (verifier, buyer)):
            befriend(bench, *pair)
        seller.run("grant", "add", "buyer", "--all", "--level", "quality")
        yield Trio(bench, seller, verifier, buyer)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a report and a statement, and the one that commands write into."""
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7 what was looked at")
    (tmp_path / "statement.toml").write_text(STATEMENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def footprint(files: Path, name: str, **changes: Any) -> Path:
    document = json.loads((WIERZBOLIT / "nmc811.json").read_text("utf-8"))
    for member in ("id", "companyIds", "extensions", "precedingPfIds"):
        document.pop(member, None)
    document["pcf"].pop("verification", None)
    document |= {
        "productIds": [f"urn:pact:wierzbolit.example:product-id:{name}"],
        "productNameCompany": f"正极材料 {name}",
        **changes,
    }
    file = files / f"{name}.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def keys_of(name: str, trio: Trio, files: Path) -> Path:
    """What the buyer has pinned, as a file that needs no node."""
    file = files / f"{name}.jwks.json"
    keys = trio.buyer.look(f"/peers/{name}/keys")["keys"]
    file.write_text(json.dumps({"keys": keys}), encoding="utf-8")
    return file


def drafted(run: Run, trio: Trio, files: Path, name: str) -> tuple[str, Path]:
    draft = files / f"{name}.draft.json"
    done = run("footprint", "draft", footprint(files, name), "--out", draft, "--json",
               home=trio.seller.home)  # fmt: skip
    assert done.status == 0, done.err
    return done.json["id"], draft


def test_from_the_draft_to_the_buyer(run: Run, trio: Trio, files: Path, fulfils: Fulfils) -> None:
    seller, verifier, buyer = trio.seller.home, trio.verifier.home, trio.buyer.home
    done = run("footprint", "draft", footprint(files, "one"), home=seller)
    assert done.status == 0, done.err
    (draft,) = files.glob("*.draft.json")
    footprint_id = draft.name.removesuffix(".draft.json")
    assert f"the draft of {footprint_id}  正极材料 one" in done.out
    assert "Not published." in done.out
    assert draft.stat().st_mode & 0o077 == 0
    listed = run("footprint", "drafts", "--json", home=seller)
    fulfils(listed.json, "draft-list")
    assert footprint_id in run("footprint", "drafts", home=seller).out

    done = run("attest", draft, "--statement", "statement.toml", "--level", "reasonable",
               home=verifier)  # fmt: skip
    assert done.status == 0, done.err
    assert "中国质量认证中心 attests the footprint" in done.out
    assert "reasonable assurance, product level, ISO 14064" in done.out
    token = files / f"{footprint_id}.attestation.jws"

    done = run("footprint", "publish", draft, "--attestation", token, "--json", home=seller)
    assert done.status == 0, done.err
    fulfils(done.json, "draft-published")
    assert (done.json["outcome"], done.json["notified"]) == ("published", ["buyer"])
    again = run("footprint", "publish", footprint_id, "--attestation", token, home=seller)
    assert f"{footprint_id}  unchanged, attested" in again.out

    assert run("pull", "seller", home=buyer).status == 0
    line = next(
        one for one in run("received", "list", home=buyer).out.splitlines() if footprint_id in one
    )
    assert line.rstrip().endswith("verifier")
    shown = run("received", "show", footprint_id, home=buyer).out
    assert "attested: 中国质量认证中心, reasonable assurance, product level" in shown
    received = run("received", "show", footprint_id, "--json", home=buyer)
    fulfils(received.json, "received")
    assert received.json["footprint"]["pcf"]["verification"] == {
        "coverage": "product level",
        "providerName": "中国质量认证中心",
        "completedAt": "2026-01-31T00:00:00Z",
        "standardName": "ISO 14064",
    }

    file = files / "received.json"
    file.write_text(received.out, encoding="utf-8")
    owner_keys, verifier_keys = keys_of("seller", trio, files), keys_of("verifier", trio, files)
    done = run("verify", file, "--keys", owner_keys, "--verifier-keys", verifier_keys)
    assert done.status == 0, done.err
    assert "attests it with reasonable assurance" in done.out.partition("Not proved:")[0]
    wrong = run("verify", file, "--keys", owner_keys, "--verifier-keys", owner_keys)
    assert wrong.status == 1
    assert "is not in the trusted key set" in wrong.err


def test_what_is_published_already_is_attested_beside(
    run: Run, trio: Trio, files: Path, fulfils: Fulfils
) -> None:
    seller, verifier, buyer = trio.seller.home, trio.verifier.home, trio.buyer.home
    done = run("footprint", "import", footprint(files, "two"), "--json", home=seller)
    footprint_id = done.json["footprints"][0]["id"]
    trio.seller.run("grant", "add", "verifier", "--footprint", footprint_id, "--level", "full")
    trio.verifier.run("pull", "seller")
    shown = files / "two.received.json"
    shown.write_text(run("received", "show", footprint_id, "--json", home=verifier).out, "utf-8")
    command = ("attest", shown, "--statement", "statement.toml", "--out", "two.jws", "--json")
    made = run(*command, home=verifier)
    assert made.status == 0, made.err
    fulfils(made.json, "attestation-made")
    assert made.json["statement"]["fileName"] == "report.pdf"
    assert made.json["statement"]["text"] == "核查声明"

    done = run("footprint", "attach", "two.jws", "--json", home=seller)
    assert done.status == 0, done.err
    fulfils(done.json, "attestation-attached")
    assert done.json["notified"] == ["buyer", "verifier"]
    assert "was attached already" in run("footprint", "attach", "two.jws", home=seller).out

    trio.buyer.run("pull", "seller")
    done = run("received", "attestations", footprint_id, home=buyer)
    assert done.out.startswith("attested (beside the footprint): 中国质量认证中心")
    asked = run("received", "attestations", footprint_id, "--json", home=buyer).json
    fulfils(asked, "attestation-list")

    held = files / "held.json"
    held.write_text(run("received", "show", footprint_id, "--json", home=buyer).out, "utf-8")
    options = ("--keys", keys_of("seller", trio, files), "--attestation", "two.jws")
    done = run("verify", held, *options, "--verifier-keys", keys_of("verifier", trio, files))
    assert done.status == 0, done.err
    assert "attests it with limited assurance" in done.out


def test_a_draft_without_an_attestation_and_the_draft_of_its_successor(
    run: Run, trio: Trio, files: Path
) -> None:
    home = trio.seller.home
    footprint_id, draft = drafted(run, trio, files, "three")
    assert run("footprint", "publish", draft, home=home).status == 0
    corrected = footprint(files, "three", comment="corrected")
    refused = run("footprint", "draft", corrected, home=home)
    assert (refused.status, refused.out) == (1, "")
    done = run("footprint", "draft", corrected, "--supersedes", footprint_id, "--json", home=home)
    assert done.json["supersedes"] == footprint_id
    done = run("footprint", "publish", done.json["id"], home=home)
    assert f"{footprint_id}  deprecated" in done.out


def test_a_changed_draft_is_said_to_be_another_one(run: Run, trio: Trio, files: Path) -> None:
    _, draft = drafted(run, trio, files, "four")
    token = files / "four.jws"
    options = ("--statement", "statement.toml", "--out", token)
    assert run("attest", draft, *options, home=trio.verifier.home).status == 0
    changed = footprint(files, "four", comment="changed")
    done = run("footprint", "draft", changed, "--out", draft, home=trio.seller.home)
    assert "There was a draft with other content" in done.err
    refused = run("footprint", "publish", draft, "--attestation", token, home=trio.seller.home)
    assert refused.status == 1
    assert "is not what was attested" in refused.err


def altered(draft: Path, **changes: Any) -> Path:
    value = json.loads(draft.read_text("utf-8"))
    value["footprint"] |= changes
    file = draft.with_suffix(".altered.json")
    file.write_text(json.dumps(value), encoding="utf-8")
    return file


def test_an_altered_draft_is_neither_attested_nor_published(
    run: Run, trio: Trio, files: Path
) -> None:
    _, draft = drafted(run, trio, files, "five")
    other = altered(draft, comment="altered")
    refused = run("attest", other, "--statement", "statement.toml", home=trio.verifier.home)
    assert (refused.status, refused.out) == (1, "")
    assert "the draft was altered: the block 'method'" in refused.err
    refused = run("footprint", "publish", other, home=trio.seller.home)
    assert "the draft was altered" in refused.err
    core = altered(draft, companyName="Somebody else")
    refused = run("footprint", "publish", core, home=trio.seller.home)
    assert "is not the one that this node has made: of the core" in refused.err


@pytest.mark.parametrize(
    ("name", "content", "status", "named"),
    [
        ("s.toml", "level = ", 1, "s.toml cannot be read"),
        ("s.json", "[]", 1, "no table of names and values"),
        ("s.json", '{"text": "x", "colour": "y"}', 1, "'colour' is not known"),
        ("s.json", '{"level": "limited"}', 1, "says nothing"),
        ("s.json", '{"text": "x"}', 2, "does not say: level, coverage, standard"),
        ("s.toml", 'text = "x"\ndocument = "missing.pdf"', 1, "missing.pdf cannot be read"),
        ("s.pdf", "", 1, "s.pdf is empty"),
        ("s.pdf", "%PDF", 2, "does not say: level, coverage, standard"),
    ],
)
def test_a_statement_that_says_too_little_is_named(
    run: Run, files: Path, name: str, content: str, status: int, named: str
) -> None:
    """Before any node is asked."""
    (files / name).write_text(content, encoding="utf-8")
    (files / "draft.json").write_text("{}", encoding="utf-8")
    done: Done = run("attest", "draft.json", "--statement", name, home=files)
    assert (done.status, done.out) == (status, "")
    assert named in done.err


def test_options_win_and_a_report_is_bound_by_its_digest(
    run: Run, trio: Trio, files: Path, fulfils: Fulfils
) -> None:
    _, draft = drafted(run, trio, files, "six")
    options = ("--level", "reasonable", "--standard", "ISO 14067", "--coverage", "PCF program",
               "--provider", "Audit & Söhne", "--comments", "一", "--completed-at", "2026-01-02",
               "--valid-until", "8000-01-01T00:00:00+01:00")  # fmt: skip
    home = trio.verifier.home
    done = run("attest", draft, "--statement", "report.pdf", *options, "--json", home=home)
    assert done.status == 0, done.err
    fulfils(done.json, "attestation-made")
    assert done.json["statement"].keys() == {"sha256", "fileName"}
    assert done.json["providerName"] == "Audit & Söhne"
    assert done.json["validUntil"] == "7999-12-31T23:00:00Z"
    wrong = run("attest", draft, "--statement", "report.pdf", *options, "--valid-until", "never",
                home=home)  # fmt: skip
    assert wrong.status == 2
    assert "validUntil: 'never' is not a point in time" in wrong.err
    refused = run("attest", draft, "--statement", "report.pdf", *options[:5], "everything",
                  home=home)  # fmt: skip
    assert refused.status == 1
    assert "verification.coverage = 'everything'" in refused.err


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{}", b"[]", b"nonsense"])
def test_what_is_no_draft_is_named(run: Run, trio: Trio, files: Path, content: bytes) -> None:
    (files / "x.json").write_bytes(content)
    for command, home in (
        (("footprint", "publish", "x.json"), trio.seller.home),
        (("attest", "x.json", "--statement", "statement.toml"), trio.verifier.home),
    ):
        done = run(*command, home=home)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith("Error: ")
    unknown = "00000000-0000-4000-8000-000000000000"
    done = run("footprint", "publish", unknown, home=trio.seller.home)
    assert done.status == 1
    assert f"there is no draft {unknown}" in done.err
