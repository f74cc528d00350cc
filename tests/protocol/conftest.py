"""The published specification, where it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

SPECIFICATION = Path(__file__).parents[3] / "shared" / "pact"


@pytest.fixture(scope="session")
def published() -> dict[str, Any]:
    """The OpenAPI document of PACT 3.0."""
    path = SPECIFICATION / "openapi_v3.yaml"
    if not path.is_file():
        pytest.skip("the published OpenAPI document is not there")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return document


@pytest.fixture(scope="session")
def published_examples() -> Path:
    """The folder of the published examples."""
    if not (SPECIFICATION / "examples").is_dir():
        pytest.skip("the published examples are not there")
    return SPECIFICATION / "examples"
