"""The generator that test vectors are made with. Whoever knows a tag knows every secret of it.

Never for a proof of anything (draft-irtf-cfrg-sigma-protocols, appendix Seeded PRNG).
"""

from __future__ import annotations

from underseal_protocol.seal.group import RandomBytes
from underseal_protocol.seal.range_statement import RANGE_SUITE
from underseal_protocol.seal.sigma import CIPHERSUITE, Flavor
from underseal_protocol.seal.transcript import Sponge, derive_session_id

__all__ = ["instance_drng", "prover_drng", "range_drng"]

_TAG = "TestDRNG-SIGMA-PROOFS"


def instance_drng(relation: str) -> RandomBytes:
    """What the instance and the witness of a vector are made of.

    Args:
        relation: name of the relation.
    """
    return _drng(f"{_TAG}-{CIPHERSUITE}-{relation}")


def prover_drng(relation: str, flavor: Flavor) -> RandomBytes:
    """What the prover of a vector hides the witness with.

    Args:
        relation: name of the relation.
        flavor: of the proof.
    """
    return _drng(f"{_TAG}-{flavor.value}-{CIPHERSUITE}-{relation}")


def range_drng(name: str) -> RandomBytes:
    """What the prover of a vector of range proofs hides the values with.

    Args:
        name: of what is proved, the `Relation` of the vector.
    """
    return _drng(f"TestDRNG-RANGE-PROOFS-{RANGE_SUITE}-{name}")


def _drng(tag: str) -> RandomBytes:
    return Sponge(derive_session_id(tag.encode("utf-8"))).squeeze
