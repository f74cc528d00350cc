"""An export of meters or of an MES, with its mapping: what it says, or every reason why it cannot
be taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from underseal_node.energy.instants import LocalTimes, span_of, zone_of
from underseal_node.energy.mapping import EnergyMapping, SheetPart, read_mapping
from underseal_node.energy.orders import read_orders
from underseal_node.energy.series import Placed, Placer, read_series
from underseal_node.energy.sheets import Problems
from underseal_node.errors import RefusedError
from underseal_node.settings import Settings
from underseal_node.sheets.problems import Problem
from underseal_protocol.errors import RollUpError, UnitError
from underseal_protocol.rollup.allocation_json import EnergySetup
from underseal_protocol.rollup.allocation_rule import ProductionOrder, require_rule
from underseal_protocol.rollup.metering import Measured, clashes_of

__all__ = ["Export", "Files", "read_export"]


@dataclass(frozen=True, slots=True)
class Files:
    """What somebody wants to import.

    Attributes:
        name: of the export.
        content: of the export.
        mapping_name: of the mapping.
        mapping: its content.
        others: further files that the mapping names, by their names there.
    """

    name: str
    content: bytes = field(repr=False)
    mapping_name: str
    mapping: bytes = field(repr=False)
    others: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Export:
    """What files say.

    Attributes:
        file: name of the export.
        mapping: as it was read.
        setup: what allocation needs of the mapping.
        measured: values of meters, that do not contradict each other.
        orders: none twice.
    """

    file: str
    mapping: EnergyMapping
    setup: EnergySetup
    measured: tuple[Placed[Measured], ...]
    orders: tuple[Placed[ProductionOrder], ...]


def read_export(files: Files, settings: Settings) -> Export:
    """Read an export.

    Args:
        files: with the mapping.
        settings: whose limits hold.

    Raises:
        UnpublishableError: something of it cannot be taken; with every reason that was found.
    """
    mapping = read_mapping(files.mapping_name, files.mapping)
    problems = Problems()
    setup = _setup(files, mapping, problems)
    problems.refuse()
    measured: list[Placed[Measured]] = []
    orders: list[Placed[ProductionOrder]] = []
    for part in (mapping.readings, mapping.orders):
        found = None if part is None else _file(files, part, problems)
        if part is None or found is None:
            continue
        times = LocalTimes(zone_of(mapping.timezone), mapping.clock_change, part.time_format)
        if part is mapping.readings:
            measured = read_series(*found, mapping, part, times, settings, problems)
        elif part is mapping.orders:
            orders = read_orders(*found, mapping, part, times, settings, problems)
    for problem in _contradictions(measured):
        problems.add(problem)
    problems.refuse()
    return Export(files.name, mapping, setup, tuple(measured), tuple(orders))


def _setup(files: Files, mapping: EnergyMapping, problems: Problems) -> EnergySetup:
    setup = mapping.setup()
    try:
        require_rule(setup.rule)
        zone_of(mapping.timezone)
        for part in (mapping.readings, mapping.orders):
            if part is not None and part.every is not None:
                span_of(part.every)
    except (RollUpError, RefusedError) as error:
        problems.add(Problem(files.mapping_name, "", error.message, error.hint))
    return setup


def _file(files: Files, part: SheetPart, problems: Problems) -> tuple[str, bytes] | None:
    if part.file is None:
        return files.name, files.content
    content = files.others.get(part.file)
    if content is None:
        problems.add(
            Problem(
                files.mapping_name,
                "",
                f"the mapping names the file {part.file!r}, which is not there",
                "Put it beside the mapping.",
            )
        )
        return None
    return part.file, content


def _contradictions(measured: list[Placed[Measured]]) -> list[Problem]:
    """Values of a meter that cannot both be right, at the place of the later one."""
    places: dict[int, Placer] = {id(one.value): one.place for one in measured}
    problems = []
    try:
        for clash in clashes_of(one.value for one in measured):
            second, first = places[id(clash.second)], places[id(clash.first)]
            message = f"{clash.message}; the other one is in {first}"
            problems.append(Problem(second.file, str(second), message, clash.hint))
    except UnitError as error:
        file = measured[0].place.file
        problems.append(Problem(file, "", error.message, error.hint))
    return problems
