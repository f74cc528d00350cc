"""Real nodes over real sockets, for tests that need more than one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.forking import QuickWorkbench

from underseal_cli.demo_nodes import NodeProcess, Workbench

StartNode = Callable[..., NodeProcess]

EXAMPLES = Path(__file__).parents[2] / "examples" / "battery"


@pytest.fixture
def workbench(request: pytest.FixtureRequest) -> Iterator[Workbench]:
    """A temporary directory with a certificate authority; its nodes are stopped at the end."""
    is_real = request.node.get_closest_marker("real_start") is not None
    with Workbench() if is_real else QuickWorkbench() as bench:
        yield bench


@pytest.fixture
def start_node(workbench: Workbench) -> StartNode:
    """Start a node: `start_node("seller", company_id="urn:...", requests_answer="auto")`.

    What is not known by name is a setting.
    """

    def start(
        name: str,
        *,
        company_id: str = "urn:pact:test.example:company-id:1",
        serve: tuple[str, ...] = (),
        **settings: str,
    ) -> NodeProcess:
        node = workbench.node(name, settings=settings)
        node.init(name.capitalize(), [company_id])
        node.start(*serve)
        return node

    return start


@pytest.fixture(scope="session")
def battery() -> Path:
    """The example supply chain."""
    return EXAMPLES
