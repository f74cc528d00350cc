"""Opening what footprints were calculated from."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from underseal_node.manage.shapes.base import InputShape, Shape

__all__ = ["LineShape", "OpenInput", "OpenedShape"]


class LineShape(Shape):
    """GET /footprints/{id}/lines -> Listing"""

    id: str
    kind: str  # such as "product", "line", "factor", "footprint", "reading"
    content: dict[str, Any]  # everything else that it says


class OpenInput(InputShape):
    """POST /footprints/{id}/opening"""

    lines: list[str] | None = None  # ids
    everything: bool = False  # instead of `lines`: all of them, and that there are no others
    verifier: Annotated[str, Field(min_length=1, max_length=300)]  # whom it is for


class OpenedShape(Shape):
    """POST /footprints/{id}/opening"""

    footprint_id: str
    verifier: str
    root: str  # of the Merkle tree, base64url
    lines: list[str]  # ids
    is_whole: bool  # all of them, and that there are no others
    sealed_quantities: int  # of a sealed sum, that were opened with them
    opening: dict[str, Any]  # what the verifier gets: underseal_protocol.opening
