"""docs/reference/api.md has a heading for every route, and for nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from underseal_node.manage.app import create_manage_app
from underseal_node.node import Node
from underseal_node.pact.app import create_public_app
from underseal_node.settings import Settings
from underseal_node.store import gauges

FILE = Path(__file__).parents[3] / "docs" / "reference" / "api.md"
PUBLIC, MANAGEMENT = "# Public listener\n", "# Management listener\n"


def parts() -> dict[str, str]:
    """The text about each listener."""
    public, management = FILE.read_text(encoding="utf-8").split(MANAGEMENT)
    return {"public": public.split(PUBLIC)[1], "management": management}


def headings(text: str) -> list[str]:
    found = re.findall(r"^### ([A-Z]+ /\S*)$", text, re.MULTILINE)
    return sorted(re.sub(r"\{\w+\}", "{}", heading) for heading in found)


def operations(description: dict[str, Any]) -> list[str]:
    return [
        f"{method.upper()} {re.sub(r'{[a-z_]+}', '{}', path)}"
        for path, methods in description["paths"].items()
        for method in methods
    ]


def test_every_management_route_has_its_heading(node: Node) -> None:
    app = create_manage_app(node)
    # The console is for browsers; of it, programs call what gives links.
    assert headings(parts()["management"]) == sorted(
        [*operations(app.openapi()), "GET /openapi.json", "POST /console/links"]
    )


def test_every_public_route_has_its_heading(node: Node) -> None:
    app = create_public_app(node)
    routed = [
        f"{method} {re.sub(r'{[a-z_]+}', '{}', route.path)}"
        for route in app.routes
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    app.state.context.serving.close()
    assert headings(parts()["public"]) == sorted(routed)
    assert set(operations(app.openapi())) <= set(routed)


def test_headings_are_there_once() -> None:
    for text in parts().values():
        assert len(set(headings(text))) == len(headings(text))


@pytest.mark.parametrize("name", ["x-underseal-watermark", "x-underseal-changed-after"])
def test_the_extensions_are_described(name: str) -> None:
    assert name in parts()["public"]


def test_the_metrics_are_described(node: Node) -> None:
    text = parts()["management"]
    for name, _, _ in node.store.read_sync(gauges.measure):
        shown = name if f"`{name}`" in text else "_" + name.rpartition("_")[2]
        assert f"`{shown}`" in text, name


def test_settings_that_are_named_are_settings() -> None:
    text = FILE.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:max|manage|allowed|requests|pull)_\w+)`", text))
    assert named
    assert named <= set(Settings.model_fields)


def test_a_route_without_a_heading_would_be_found(node: Node) -> None:
    app = create_manage_app(node)

    @app.get("/undocumented")
    async def undocumented() -> None:
        """Nobody wrote about it."""

    assert "GET /undocumented" in operations(app.openapi())
    assert "GET /undocumented" not in headings(parts()["management"])
