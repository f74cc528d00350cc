"""`underseal audit open`, and `underseal verify --opening` on another machine without a node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import COMPANY_IDS, WIERZBOLIT, Run
from tests.committed import publish_committed
from tests.forking import QuickWorkbench
from tests.protocol.attested import (
    OWNER,
    OWNER_KEY,
    VERIFIER_KEY,
    attest,
)
from tests.protocol.attested import OWNER_KEYS as KEYS
from tests.protocol.committed import AUDITOR, COMMITMENT, LEAVES, opened, shown, signed

from underseal_cli.demo_nodes import NodeProcess
from underseal_node.node import open_node
from underseal_protocol import base64url
from underseal_protocol.attestation import AttestedBooks
from underseal_protocol.credential import verify as verify_credential
from underseal_protocol.disclosure import Level
from underseal_protocol.draft import Subject
from underseal_protocol.key_log import first_entry, next_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

pytestmark = pytest.mark.xdist_group("openings")

Write = Callable[[Any, str], Path]
Fulfils = Callable[[Any, str], None]
ROOT = base64url.encode(COMMITMENT.root)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: Any, name: str) -> Path:
        file = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        file.write_text(text, encoding="utf-8")
        return file

    return written


def keys_of(*keys: SigningKey) -> Any:
    return PublicKeySet([key.public_key() for key in keys]).to_jwks()


@pytest.fixture
def keys(write: Write) -> Path:
    return write(keys_of(OWNER_KEY), "owner.json")


# --- verified offline ---------------------------------------------------------------------------


@pytest.mark.parametrize("level", list(Level))
def test_the_lines_that_are_opened_are_proved(
    run: Run, write: Write, keys: Path, fulfils: Fulfils, level: Level
) -> None:
    file = write(shown(level), "footprint.json")
    opening = write(opened("line-1", "meter-7"), "opening.json")
    done = run("verify", file, "--keys", keys, "--opening", opening)
    assert done.status == 0, done.err
    proved, _, rest = done.out.partition("Not proved:")
    unproved, _, lines = rest.partition("Opened:")
    assert f"2 lines are in the tree with the root {ROOT}" in proved
    assert f"signed with the key {OWNER_KEY.kid} that it opened them for {AUDITOR} on" in proved
    assert "there is no other line" not in proved
    assert "what else it was calculated from" in unproved
    assert "that the lines are true" in unproved
    assert "line-1 (line): name=碳酸锂, quantity=0.01" in lines
    assert "meter-7 (reading): value=1.00, unit=kWh" in lines
    result = run("verify", file, "--keys", keys, "--opening", opening, "--json").json
    fulfils(result, "verification")
    found = result["opening"]
    assert (found["root"], found["verifier"], found["size"]) == (ROOT, AUDITOR, 16)
    assert found["isWhole"] is False
    assert {one["id"] for one in found["lines"]} == {"line-1", "meter-7"}


def test_all_of_it(run: Run, write: Write, keys: Path) -> None:
    file, opening = write(shown(), "footprint.json"), write(opened(), "opening.json")
    done = run("verify", file, "--keys", keys, "--opening", opening)
    assert done.status == 0, done.err
    assert "there is no other line: all 16 leaves of the tree are opened" in done.out
    assert "what else it was calculated from" not in done.out
    assert all(one["id"] in done.out for one in LEAVES)


def test_without_an_opening(run: Run, write: Write, keys: Path, fulfils: Fulfils) -> None:
    for credential, is_committed in ((signed(COMMITMENT), True), (signed(None), False)):
        file = write(shown(credential=credential), "footprint.json")
        done = run("verify", file, "--keys", keys)
        assert done.status == 0, done.err
        assert ("that is committed to, and not opened (--opening)" in done.out) is is_committed
        result = run("verify", file, "--keys", keys, "--json").json
        fulfils(result, "verification")
        assert "opening" not in result


def altered() -> Any:
    made = opened("line-1")
    made["leaves"][0]["leaf"]["quantity"] = "0.99"
    return made


def of_another_key() -> Any:
    return opened("line-1", key=SigningKey.generate(KeyPurpose.FOOTPRINT))


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (altered, "the lines that are opened is"),
        (of_another_key, "what is opened in"),
        (lambda: opened("line-1", credential_digest="A" * 43), "its credential is"),
        (lambda: opened("line-1", footprint_id="other"), "the footprint is"),
        (lambda: opened("line-1", issuer="https://other.example"), "the opening is of"),
        (dict, "this is no opening"),
        (lambda: [1], "this is no opening"),
        (lambda: "{", "not JSON"),
    ],
)
def test_what_does_not_hold_is_refused(
    run: Run, write: Write, keys: Path, made: Callable[[], Any], named: str
) -> None:
    file, opening = write(shown(), "footprint.json"), write(made(), "opening.json")
    done = run("verify", file, "--keys", keys, "--opening", opening)
    assert (done.status, done.out) == (1, "")
    assert named in done.err


def test_an_opening_under_a_revoked_key_is_refused(run: Run, write: Write) -> None:
    """The footprint stays what it is; what a thief opens is not of its owner."""
    now = datetime.now(UTC).replace(microsecond=0)
    stolen, identity, recovery = (
        SigningKey.generate(purpose)
        for purpose in (KeyPurpose.FOOTPRINT, KeyPurpose.IDENTITY, KeyPurpose.RECOVERY)
    )
    kept = [one.public_key() for one in (identity, OWNER_KEY)]
    first = first_entry(
        url=OWNER,
        keys=PublicKeySet([*kept, stolen.public_key()]),
        recovery=recovery.public_key(),
        key=identity,
        issued_at=now,
    )
    revoked = next_entry(
        first,
        keys=PublicKeySet(kept),
        revoked={stolen.kid: now},
        key=recovery,
        issued_at=now,
    )
    trust = write([first.token, revoked.token], "key-log.json")
    file = write(shown(), "footprint.json")
    good, bad = (write(opened("line-1", key=key), f"{key.kid}.json") for key in (OWNER_KEY, stolen))
    done = run("verify", file, "--keys", trust, "--opening", good)
    assert done.status == 0, done.err
    done = run("verify", file, "--keys", trust, "--opening", bad)
    assert done.status == 1
    assert f"the key '{stolen.kid}', which its owner has revoked" in done.err


def test_it_is_about_one_footprint(run: Run, write: Write, keys: Path) -> None:
    file = write([shown(), shown()], "footprints.json")
    opening = write(opened("line-1"), "opening.json")
    done = run("verify", file, "--keys", keys, "--opening", opening)
    assert done.status == 2
    assert "--opening is about one footprint" in done.err


def test_an_attestation_that_names_the_root(
    run: Run, write: Write, keys: Path, fulfils: Fulfils
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    proven = verify_credential(shown(), keys=KEYS, issuer=OWNER)
    books = AttestedBooks(COMMITMENT.disclosure, "所有行: all lines and all padding")
    found = attest(
        Subject.of_published(shown(), proven),
        books=books,
        issued_at=now,
        valid_until=now + timedelta(days=9),
    )
    beside = write(found.token, "attestation.jws")
    verifier_keys = write(keys_of(VERIFIER_KEY), "verifier.json")
    file = write(shown(Level.TOTAL), "footprint.json")
    options = ("--keys", keys, "--attestation", beside, "--verifier-keys", verifier_keys)
    done = run("verify", file, *options)
    assert done.status == 0, done.err
    assert f"it has looked into {ROOT}, and says of its being complete: 所有行" in done.out
    result = run("verify", file, *options, "--json").json
    fulfils(result, "verification")
    (one,) = result["attestations"]
    assert (one["root"], one["completeness"]) == (ROOT, books.completeness)
    other = write(shown(credential=signed(None)), "other.json")
    done = run("verify", other, *options)
    assert done.status == 1


# --- opened by a node ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Owner:
    """A node that has published a calculated and an imported footprint."""

    node: NodeProcess
    calculated: str
    imported: str


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    leaves: list[dict[str, Any]] = [
        {"kind": "line", "id": "bom/1", "material": "碳酸锂", "quantity": "0.38"},
        {"kind": "line", "id": "bom/2", "material": "NiSO4", "quantity": "0.05"},
        {"kind": "factor", "id": "factor/1", "value": {"total": "0.05"}},
    ]
    with QuickWorkbench() as bench:
        node = bench.node("owner")
        node.init("Owner", [COMPANY_IDS["seller"]])
        first, second = sorted(WIERZBOLIT.glob("*.json"))[:2]
        document = json.loads(first.read_text("utf-8"))
        opened_here = open_node(node.home)
        calculated = asyncio.run(publish_committed(opened_here, document, leaves))
        opened_here.close()
        bench.start_all()
        imported = node.json("footprint", "import", str(second))["footprints"][0]["id"]
        yield Owner(node, calculated, imported)


def test_from_the_list_to_the_auditor(
    run: Run, owner: Owner, tmp_path: Path, write: Write, fulfils: Fulfils
) -> None:
    home = owner.node.home
    listed = run("audit", "open", owner.calculated, "--list", home=home)
    assert listed.status == 0, listed.err
    assert "bom/1" in listed.out
    assert "material=碳酸锂, quantity=0.38" in listed.out
    assert 'value={"total": "0.05"}' in listed.out
    out = tmp_path / "opening.json"
    command = ("audit", "open", owner.calculated, "--lines", "bom/2,factor/1", "--for", "审计员")
    done = run(*command, "--out", out, home=home)
    assert done.status == 0, done.err
    assert f"{out}: 2 lines of {owner.calculated}, for 审计员" in done.out
    assert out.stat().st_mode & 0o077 == 0
    assert "碳酸锂" not in out.read_text("utf-8")
    footprint = write(owner.node.json("footprint", "show", owner.calculated), "shown.json")
    keys = write(jwks(owner), "keys.json")
    proved = run("verify", footprint, "--keys", keys, "--opening", out, "--json")
    assert proved.status == 0, proved.err
    fulfils(proved.json, "verification")
    assert {one["id"] for one in proved.json["opening"]["lines"]} == {"bom/2", "factor/1"}
    logged = run("audit", "show", "--footprint", owner.calculated, home=home)
    assert "lines-opened" in logged.out


def jwks(owner: Owner) -> Any:
    """The keys that the node shows to everybody."""
    node = open_node(owner.node.home)
    try:
        return node.public_keys.to_jwks()
    finally:
        node.close()


def test_everything(
    run: Run, owner: Owner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("audit", "open", owner.calculated, "--all", "--for", "A", home=owner.node.home)
    assert done.status == 0, done.err
    assert "all 3 lines of" in done.out
    assert (
        len(json.loads((tmp_path / f"{owner.calculated}.opening.json").read_text())["leaves"]) == 16
    )


@pytest.mark.parametrize(
    ("options", "status", "named"),
    [
        (("--lines", "bom/9", "--for", "A"), 1, "no line 'bom/9'"),
        (("--lines", ",", "--for", "A"), 1, "nothing to open"),
        (("--lines", "bom/1", "--for", " "), 1, "expected a name"),
        (("--lines", "bom/1"), 2, "need --for"),
        (("--all",), 2, "need --for"),
        (("--for", "A"), 2, "exactly one of --lines, --all and --list"),
        (("--list", "--all", "--for", "A"), 2, "exactly one of"),
        (("--lines", "bom/1", "--all", "--for", "A"), 2, "exactly one of"),
    ],
)
def test_what_is_not_opened(
    run: Run,
    owner: Owner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    status: int,
    named: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("audit", "open", owner.calculated, *options, home=owner.node.home)
    assert (done.status, done.out) == (status, "")
    assert named in done.err
    assert list(tmp_path.iterdir()) == []


def test_what_was_imported_has_no_lines(run: Run, owner: Owner) -> None:
    for options in (("--list",), ("--all", "--for", "A")):
        done = run("audit", "open", owner.imported, *options, home=owner.node.home)
        assert done.status == 1
        assert "published without a commitment" in done.err
