"""The node over the management API: who it is, what it counts, its alerts and its backup."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from underseal_node.backup import restore_backup
from underseal_node.home import Home
from underseal_node.node import open_node
from underseal_node.settings import Settings
from underseal_node.trust.keyring import VAULT_PURPOSE

Company = Any
Pair = tuple[Any, Any]
Documents = Callable[..., dict[str, Any]]
Refused = Callable[[httpx.Response, int], str]

PASSPHRASE = "correct horse battery"


async def test_a_node_says_who_it_is(company: Company) -> None:
    node = await company.get("/node")
    assert node["companyName"] == "Cathode"
    assert node["companyIds"] == ["urn:lei:529900T8BM49AURSDO55"]
    assert (node["url"], node["version"]) == ("https://cathode.example", version("underseal"))
    assert (node["endorse"], node["endorseNamed"]) == ("ask", False)
    assert node["keyThumbprints"].keys() == set(VAULT_PURPOSE)
    shown = {kid for kids in node["keyThumbprints"].values() for kid in kids}
    assert shown == set(company.node.public_keys.thumbprints())


async def test_the_page_for_prometheus_counts_what_waits(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    await supplier.publish(document(1), document(2))
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    await customer.post("/peers", {"name": "other", "url": "https://other.example"}, 201)
    await customer.patch("/peers/other", {"clientId": "a", "clientSecret": "b"})
    criteria = {"productId": ["urn:gtin:4712345060507"]}
    await customer.post("/requests", {"peer": "other", "criteria": criteria}, 201)

    async def page(company: Company) -> list[str]:
        answer = await company.http.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return list(answer.text.splitlines())

    assert {
        "underseal_footprints 2.0",
        "underseal_peers 1.0",
        "underseal_requests_waiting 0.0",
        "underseal_alerts 0.0",
    } <= set(await page(supplier))
    assert {
        "underseal_footprints 0.0",
        "underseal_peers 2.0",
        "underseal_outbox_pending 1.0",
        "underseal_outbox_dead 0.0",
        "underseal_inbox_open 0.0",
        "underseal_received_verified 2.0",
        "underseal_received_unsigned 0.0",
        "underseal_received_invalid 0.0",
    } <= set(await page(customer))


async def test_alerts_are_shown_newest_first(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    (footprint_id,) = await supplier.publish(document())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    assert (await customer.get("/alerts"))["data"] == []
    for number in (1, 2):
        customer.node.store.write_sync(
            lambda session, number=number: session.connection().exec_driver_sql(
                "INSERT INTO alert (created_at, kind, peer_id, footprint_id, message) "
                f"VALUES ('2026-03-01T12:00:0{number}.000000Z', 'changed', 1, "
                f"'{footprint_id}', 'alert {number}')"
            )
        )
    first, second = (await customer.get("/alerts"))["data"]
    assert (first["message"], second["message"]) == ("alert 2", "alert 1")
    assert (first["kind"], first["peer"], first["footprintId"]) == (
        "changed",
        "cathode",
        footprint_id,
    )
    assert len((await customer.get("/alerts", limit=1))["data"]) == 1


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
async def test_a_backup_can_be_restored(
    company: Company, document: Documents, tmp_path: Path, passphrase: str | None
) -> None:
    (footprint_id,) = await company.publish(document())
    answer = await company.http.post("/backup", json={"passphrase": passphrase})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/gzip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        names = set(archive.getnames())
    assert {"manifest.json", "underseal.db"} <= names
    assert ("secrets.sealed" in names) == (passphrase is not None)
    file = tmp_path / "node.backup"
    file.write_bytes(answer.content)
    home = Home(tmp_path / "restored")
    restored = restore_backup(file, home, passphrase=passphrase)
    assert restored.has_master_key == (passphrase is not None)
    if passphrase is not None:
        # What is restored is in the home, wherever the other nodes of the test have theirs.
        database = SecretStr(f"sqlite:///{home.database}")
        node = open_node(home.path, settings=Settings(database_url=database))
        assert node.public_keys.thumbprints() == company.node.public_keys.thumbprints()
        assert footprint_id in str(node.store.read_sync(_ids))
        node.close()
    assert list(company.node.home.backups.iterdir()) == []


def _ids(session: Any) -> list[str]:
    rows = session.connection().exec_driver_sql("SELECT id FROM footprint").fetchall()
    return [row[0] for row in rows]


async def test_a_backup_that_is_not_fetched_leaves_nothing(company: Company) -> None:
    async with company.http.stream("POST", "/backup", json={}) as answer:
        assert answer.status_code == 200
    assert list(company.node.home.backups.iterdir()) == []


async def test_a_short_passphrase_is_refused_and_not_repeated(
    company: Company, refused: Refused
) -> None:
    answer = await company.http.post("/backup", json={"passphrase": "s3cr3t"})
    assert "passphrase" in refused(answer, 409)
    assert "s3cr3t" not in answer.text
    assert list(company.node.home.backups.iterdir()) == []


async def test_a_home_that_cannot_be_written_is_named(company: Company, refused: Refused) -> None:
    company.node.home.backups.rmdir()
    assert "cannot be" in refused(await company.http.post("/backup", json={}), 409)


async def test_a_database_that_fails_is_a_sentence(company: Company, refused: Refused) -> None:
    company.node.store.write_sync(
        lambda session: session.connection().exec_driver_sql("DROP TABLE alert")
    )
    message = refused(await company.http.get("/alerts"), 503)
    assert "database failed" in message
    assert "Traceback" not in message


async def test_instants_are_utc_and_what_is_absent_is_left_out(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    text = (await company.http.get("/peers/buyer")).text
    assert json.loads(text)["createdAt"] == "2026-03-01T12:00:00.25Z"
    assert "null" not in text
