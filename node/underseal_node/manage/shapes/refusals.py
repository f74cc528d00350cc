"""Why something was not done."""

from __future__ import annotations

from underseal_node.manage.shapes.base import Shape

__all__ = ["ProblemShape", "RefusalShape"]


class ProblemShape(Shape):
    """Why a file, or one footprint or row of it, cannot be published."""

    file: str
    place: str  # a JSON pointer, or "row 7, column pcfExcludingBiogenicUptake"; empty: the file
    message: str
    hint: str | None = None


class RefusalShape(Shape):
    """The body of every refusal: 400, 401, 404, 405, 409, 413, 421, 422, 500, 502, 503."""

    message: str
    hint: str | None = None
    problems: list[ProblemShape] | None = None
