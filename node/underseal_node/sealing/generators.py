"""The generators of range proofs, made once for a home: that takes seconds, reading them does not.

What is in the file need not be trusted: it is compared with a digest that stands in the code.
"""

from __future__ import annotations

import structlog

from underseal_node.home import Home, write_private
from underseal_protocol.errors import SealEncodingError
from underseal_protocol.seal.generators import (
    KEPT,
    Advance,
    bit_generators,
    encoded_vectors,
    missing_generators,
    preload_vectors,
)

__all__ = ["FILE_NAME", "make_ready"]

log = structlog.get_logger(__name__)

FILE_NAME = "seal-generators.bin"


def make_ready(home: Home, advance: Advance | None = None) -> None:
    """Have the generators in this process; slow the first time in a home.

    Args:
        home: of the node.
        advance: is called for each generator that has to be made.
    """
    if not missing_generators(KEPT):
        return
    file = home.run / FILE_NAME
    try:
        preload_vectors(file.read_bytes())
    except FileNotFoundError:
        log.info("generators of range proofs are made, once", file=str(file))
    except (OSError, SealEncodingError) as error:
        log.warning("generators of range proofs are made anew", file=str(file), reason=str(error))
    else:
        return
    bit_generators(KEPT, advance)
    try:
        write_private(file, encoded_vectors())
    except OSError as error:  # the next process makes them again
        log.warning("generators cannot be kept", file=str(file), reason=str(error))
