"""The example rows of the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["EXAMPLES"]

EXAMPLES: tuple[Mapping[str, Any], ...] = ()
