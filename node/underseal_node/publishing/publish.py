"""Publishing: import files, replace a footprint by another one, take one back.

Several files stand for themselves: each is published as a whole, in one transaction, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from underseal_node.node import Node
from underseal_node.publishing.results import Changed, ImportResult

__all__ = ["deprecate", "import_files", "supersede"]


async def import_files(
    node: Node, files: Sequence[tuple[str, bytes]], *, dry_run: bool
) -> ImportResult:
    """Publish the footprints in files.

    Args:
        node: who publishes; its process must be able to open the footprint key.
        files: name and content of each.
        dry_run: sign and store nothing, but say what would be.
    """
    raise NotImplementedError


async def supersede(node: Node, footprint_id: str, file: tuple[str, bytes]) -> Changed:
    """Publish a footprint in the place of another one, which is deprecated.

    Args:
        node: who publishes.
        footprint_id: of an own, active footprint.
        file: name and content; it holds exactly one footprint.

    Raises:
        NotFoundError: there is no own footprint with this id.
        RefusedError: it is deprecated already.
        UnpublishableError: the file cannot be published; with all problems.
    """
    raise NotImplementedError


async def deprecate(node: Node, footprint_id: str) -> Changed:
    """Say that a footprint should no longer be used. This is final.

    Args:
        node: who published it.
        footprint_id: of an own, active footprint.

    Raises:
        NotFoundError: there is no own footprint with this id.
        RefusedError: it is deprecated already.
    """
    raise NotImplementedError
