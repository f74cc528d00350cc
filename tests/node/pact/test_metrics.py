"""The Prometheus page: the sum of what the processes have counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from underseal_node.metrics import RequestCounts, clear_counts, exposition

World = Any


def lines(page: bytes, name: str) -> dict[str, float]:
    found = [line.rpartition(" ") for line in page.decode().splitlines() if line.startswith(name)]
    return {key: float(value) for key, _, value in found}


def test_the_counts_of_all_processes_are_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (1, 2):
        monkeypatch.setattr("os.getpid", lambda pid=pid: pid)
        counts = RequestCounts(tmp_path, "public")
        counts.count("GET", "/3/footprints/{id}", 200, 0.002)
        counts.count("GET", "/3/footprints/{id}", 404, 9.0)
        counts.write()
    page = exposition(tmp_path, [("underseal_outbox_pending", "Events to deliver", 3)])
    labels = 'listener="public",method="GET",route="/3/footprints/{id}"'
    assert lines(page, "underseal_requests_total") == {
        f'underseal_requests_total{{{labels},status="200"}}': 2,
        f'underseal_requests_total{{{labels},status="404"}}': 2,
    }
    buckets = lines(page, "underseal_request_seconds_bucket")
    assert buckets['underseal_request_seconds_bucket{le="0.0025",listener="public"}'] == 2
    assert buckets['underseal_request_seconds_bucket{le="5.0",listener="public"}'] == 2
    assert buckets['underseal_request_seconds_bucket{le="+Inf",listener="public"}'] == 4
    assert lines(page, "underseal_outbox_pending") == {"underseal_outbox_pending": 3}


def test_an_earlier_run_is_forgotten(tmp_path: Path) -> None:
    counts = RequestCounts(tmp_path, "public")
    counts.count("GET", "/health", 200, 0.1)
    counts.write()
    assert lines(exposition(tmp_path), "underseal_requests_total")
    clear_counts(tmp_path)
    assert lines(exposition(tmp_path), "underseal_requests_total") == {}


def test_a_file_that_is_being_replaced_is_left_out(tmp_path: Path) -> None:
    counts = RequestCounts(tmp_path, "public")
    counts.count("GET", "/health", 200, 0.1)
    counts.write()
    (tmp_path / "metrics" / "public-0.json").write_text("{")
    assert len(lines(exposition(tmp_path), "underseal_requests_total")) == 1


async def test_requests_are_counted_by_the_template_of_their_path(
    world: World, ids: list[str]
) -> None:
    async with world.client("buyer") as client:
        for path in (f"/3/footprints/{ids[0]}", "/3/footprints?limit=x", "/secret", "/health"):
            await client.get(path)
        await client.get("/3/footprints", headers={"host": "evil.example"})
    world.app.gate.counts.write()
    page = exposition(world.node.home.run)
    found = {
        (key.split('route="')[1].split('"')[0], key.split('status="')[1].split('"')[0])
        for key in lines(page, "underseal_requests_total")
    }
    assert found == {
        ("/3/footprints/{id}", "404"),
        ("/3/footprints", "400"),
        ("none", "404"),
        ("/health", "200"),
        ("none", "421"),
    }
    assert ids[0].encode() not in page
