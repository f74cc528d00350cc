"""A publisher that cheats: it has every secret of its own, and skips every check of the prover."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from underseal_protocol.seal import prover, ranges
from underseal_protocol.seal.document import SealedDocument
from underseal_protocol.seal.document_format import encode_statement
from underseal_protocol.seal.group import ORDER, RandomBytes
from underseal_protocol.seal.ranges import prove_ranges, range_proof_bytes
from underseal_protocol.seal.relation import LinearRelation
from underseal_protocol.seal.sealing import Sealable
from underseal_protocol.seal.sigma import prove_compact
from underseal_protocol.seal.statement import (
    LIMB,
    range_statement,
    range_tag,
    sum_relation,
    sum_tag,
)


def modular(number: int) -> int:
    """As the group takes it, wrapped around."""
    return number % ORDER


def with_quantity(checked: Sealable, index: int, quantity: int) -> Sealable:
    inputs = list(checked.inputs)
    inputs[index] = replace(inputs[index], quantity=quantity)
    return replace(checked, inputs=tuple(inputs))


@contextmanager
def without_checks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "_require_openings", lambda *_: None)
        patch.setattr(LinearRelation, "require_witness", lambda *_: None)
        yield


class Forger(prover._Secrets):
    """The secrets of a document, whatever they are.

    Args:
        checked: with any integers modulo the order.
        high: of the excess of mass, if it is not what it should be.
        covered, whole: of the coverage, if they are not what they should be.
    """

    def __init__(
        self,
        checked: Sealable,
        *,
        high: int | None = None,
        covered: int | None = None,
        whole: int | None = None,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        super().__init__(checked, random_bytes)
        step = checked.total.step
        self.covered = checked.covered if covered is None else covered
        self.whole = self.covered // step if whole is None else whole
        self.high = (checked.excess or 0) // LIMB if high is None else high

    def document(self) -> SealedDocument:
        checked = self._checked
        excess = None if checked.excess is None else 0
        self._checked = replace(checked, excess=excess, covered=0)
        found = super().document()
        self._checked = checked
        if found.mass_high is not None:
            committed = prover._committed(modular(self.high), self._high)
            found = replace(found, mass_high=committed)
        if found.covered is not None:
            pair = (
                prover._committed(modular(self.covered), self._covered),
                prover._committed(modular(self.whole), self._whole),
            )
            found = replace(found, covered=pair)
        return found

    def range_openings(self) -> Any:
        checked = self._checked
        excess = None if checked.excess is None else 0
        self._checked = replace(checked, excess=excess, covered=0)
        values, blindings = super().range_openings()
        self._checked = checked
        step, header, place = checked.total.step, checked.header, len(values)
        if header.coverage:
            place -= 4
            left = self.covered - step * self.whole
            enough = 100 * self.whole - header.coverage * checked.total.number
            values[place:] = [self.whole, left, step - 1 - left, enough]
        if checked.excess is not None:
            values[place - 2 : place] = [self.high, checked.excess - LIMB * self.high]
        return values, blindings


def forge(
    checked: Sealable,
    *,
    with_ranges: bool = True,
    random_bytes: RandomBytes = secrets.token_bytes,
    **lies: int,
) -> bytes:
    """A document of any integers, with the best proofs that there are for them.

    Args:
        checked: what is written down; nothing of it is checked.
        with_ranges: where something else is refused before, that proof need not be there.
        random_bytes: of everything that is drawn.
        lies: see `Forger`.
    """
    secret = Forger(checked, random_bytes=random_bytes, **lies)
    unsigned = secret.document()
    unsigned = replace(unsigned, statement=encode_statement(unsigned))
    with without_checks():
        relation = sum_relation(unsigned, checked.total)
        sum_proof = prove_compact(sum_tag(unsigned), relation, secret.witness(), random_bytes)
        statement = range_statement(unsigned, checked.total, checked.mass)
        if not with_ranges:
            return unsigned.statement + sum_proof + bytes(range_proof_bytes(statement))
        values, blindings = secret.range_openings()
        range_proof = prove_ranges(range_tag(unsigned), statement, values, blindings, random_bytes)
    return unsigned.statement + sum_proof + range_proof
