"""Setting a node up and opening it, in the two roles."""

from __future__ import annotations

import asyncio
import pickle
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from underseal_node.clock import Clock
from underseal_node.errors import ConfigurationError
from underseal_node.home import Home
from underseal_node.node import Node, Role, create_node, node_url, open_node, public_vault
from underseal_node.settings import Settings
from underseal_node.store import identity
from underseal_node.trust.keyring import VAULT_PURPOSE
from underseal_node.trust.vault import VaultError, VaultPurpose
from underseal_protocol.keys import KeyPurpose

COMPANY_ID = "urn:uuid:3f6c1b7e-5d2a-4c7b-9b1e-0a4d2f6e8c90"


def test_a_new_node_knows_who_it_is(node: Node) -> None:
    assert node.identity.company_name == "Cathode Works"
    assert node.identity.company_ids == (COMPANY_ID,)
    assert node.identity.url == "https://cathode.example"
    assert node.role is Role.MANAGE


def test_the_management_role_opens_every_key(node: Node) -> None:
    for purpose in VAULT_PURPOSE:
        assert node.signing_key(purpose).purpose is purpose
        assert node.signing_key(purpose) is node.signing_key(purpose)


def test_the_public_role_opens_the_access_token_key_only(home: Home) -> None:
    node = open_node(home.path, role="public")
    token = node.access_tokens().issue("client-1", node.now())
    assert node.access_tokens().verify(token, node.now()).client_id == "client-1"
    for purpose in set(VAULT_PURPOSE) - {KeyPurpose.ACCESS_TOKEN}:
        with pytest.raises(VaultError, match="does not hold the key"):
            node.signing_key(purpose)
    assert node.vault.purposes == {VaultPurpose.TOKEN_KEY, VaultPurpose.ENDORSEMENT}
    node.close()


def test_a_public_worker_needs_no_master_key(node: Node, home: Home) -> None:
    handed_over = pickle.loads(pickle.dumps(public_vault(node.vault)))
    token = node.access_tokens().issue("client-1", node.now())
    home.master_key_file.unlink()
    worker = open_node(home.path, role=Role.PUBLIC, vault=handed_over)
    assert worker.access_tokens().verify(token, node.now()).client_id == "client-1"
    worker.close()
    with pytest.raises(ConfigurationError, match="master key"):
        open_node(home.path)


def test_a_public_worker_given_the_whole_vault_keeps_its_part_only(node: Node, home: Home) -> None:
    worker = open_node(home.path, role=Role.PUBLIC, vault=node.vault)
    assert worker.vault.purposes == {VaultPurpose.TOKEN_KEY, VaultPurpose.ENDORSEMENT}
    worker.close()


def test_tokens_have_the_lifetime_of_the_settings(home: Home, clock: Clock) -> None:
    node = open_node(home.path, settings=Settings(token_lifetime_seconds=60), clock=clock)
    tokens = node.access_tokens()
    claims = tokens.verify(tokens.issue("client-1", node.now()), node.now())
    assert (claims.expires_at - claims.issued_at).total_seconds() == 60
    node.close()


def test_a_home_without_a_node_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no node") as caught:
        open_node(tmp_path)
    assert "underseal init" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_a_second_node_in_one_home_is_refused(home: Home) -> None:
    key = home.master_key_file.read_bytes()
    with pytest.raises(ConfigurationError, match="already"):
        create_node(home.path, company_name="B", company_ids=[COMPANY_ID], url="https://b.example")
    assert home.master_key_file.read_bytes() == key
    node = open_node(home.path)
    assert node.identity.company_name == "Cathode Works"
    node.close()


def test_an_interrupted_set_up_is_no_node_and_can_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    set_up = partial(
        create_node,
        tmp_path / "home",
        company_name="A",
        company_ids=[COMPANY_ID],
        url="https://a.example",
    )
    with monkeypatch.context() as patch:
        patch.setattr("underseal_node.trust.keyring.ensure_keys", interrupted)
        with pytest.raises(KeyboardInterrupt):
            set_up()
    with pytest.raises(ConfigurationError, match="there is no node"):
        open_node(tmp_path / "home")
    set_up()
    open_node(tmp_path / "home").close()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"company_name": "  "}, "company name is empty"),
        ({"company_name": "x" * 201}, "company name has 201 characters, expected at most 200"),
        ({"company_ids": []}, "company id is needed"),
        ({"company_ids": [COMPANY_ID, "529900T8BM49AURSDO55"]}, "is not a URN"),
        ({"url": "http://a.example"}, "not an https URL"),
    ],
)
def test_a_refused_argument_leaves_nothing_behind(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    arguments: dict[str, object] = {
        "company_name": "A",
        "company_ids": [COMPANY_ID],
        "url": "https://a.example",
    }
    with pytest.raises(ConfigurationError, match=reason):
        create_node(tmp_path / "home", **(arguments | changes))  # type: ignore[arg-type]
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://A.Example", "https://a.example"),
        ("https://a.example/", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("https://a.example:8443/pact/", "https://a.example:8443/pact"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
    ],
)
def test_the_url_has_one_form(given: str, kept: str) -> None:
    assert node_url(given) == kept
    assert node_url(kept) == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "http://a.example",
        "ftp://a.example",
        "https://",
        "https:///path",
        "https://a.example:99999",
        "https://a.example:x",
        "https://a.example/?q",
        "https://a.example/#f",
        "https://user:secret@a.example",
        "https://[::1",
        "https://a example",
        "https://ä.example",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL") as caught:
        node_url(url)
    assert "secret" not in caught.value.diagnosis()


async def test_who_answers_requests_does_not_wait_for_the_database(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("underseal_node.node.LOOK_AGAIN_SECONDS", 0.02)
    failing = [OperationalError("gone", {}, Exception())] * 3
    looked = []

    async def read(_work: object) -> None:
        looked.append(1)
        if failing:
            raise failing.pop()

    monkeypatch.setattr(node.store, "read", read)
    monkeypatch.setattr(node.store, "read_sync", lambda _work: pytest.fail("it has waited"))
    watching = asyncio.create_task(node.watch())
    async with asyncio.timeout(10):
        while len(looked) < 6:
            await asyncio.sleep(0.01)
            assert node.identity.company_name == "Cathode Works"
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    monkeypatch.setattr(node.store, "read_sync", lambda _work: looked.clear())
    node._look_again_at = 0
    assert node.current()  # it looks itself again
    assert looked == []


def test_an_identity_is_given_once(node: Node) -> None:
    with pytest.raises(ConfigurationError, match="already"):
        node.store.write_sync(lambda session: identity.create(session, node.identity, node.now()))


def test_no_secret_in_repr(node: Node, home: Home) -> None:
    node.signing_key(KeyPurpose.FOOTPRINT)
    shown = repr(node)
    assert home.master_key_file.read_text().strip() not in shown
    assert "PRIVATE" not in shown
    assert "EllipticCurve" not in shown
