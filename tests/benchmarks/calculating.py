"""What takes processor time alone: a large roll-up, verdicts of the release gate, a sealed sum."""

from __future__ import annotations

from tests.benchmarks import release_gate, roll_up, sealing
from tests.benchmarks.machine import reference_seconds
from tests.benchmarks.results import Figure
from tests.benchmarks.work import done

UNIT = "reference s"


def roll_up_figures(lines: int) -> list[Figure]:
    """A tree of own intermediates with so many lines."""
    footprints = max(1, roll_up.FOOTPRINTS * lines // roll_up.LINES)
    found = done("roll-up", lines=lines, footprints=footprints)
    assert found["lines"] == lines
    seconds = reference_seconds(found["seconds"], found["signatures_per_second"])
    counted = {
        "seconds here": found["seconds"],
        "lines/s": lines / found["seconds"],
        "MB at most": found["peak_mb"],
    }
    to_adding = found["seconds"] / max(found["adding"], 1e-9)
    name = f"roll-up-{lines}"
    return [
        Figure("roll-up", name, seconds, UNIT, roll_up.TARGET_SECONDS, True, counted),
        Figure("roll-up", f"{name}-to-adding", to_adding, "adding fractions", at_most=True),
    ]


def release_gate_figures(footprints: int, releases: int) -> list[Figure]:
    """What is judged last, when as many releases are known."""
    found = done("release-gate", footprints=footprints, releases=releases)
    targets = {
        "allowed": release_gate.TARGET_SECONDS,
        "stopped": release_gate.TARGET_SECONDS_STOPPED,
    }
    return [
        Figure(
            "release-gate",
            f"release-gate-{footprints}-{releases}-{outcome}",
            reference_seconds(found[outcome], found["signatures_per_second"]),
            UNIT,
            target,
            True,
            {"seconds here": found[outcome]},
        )
        for outcome, target in targets.items()
    ]


def seal_figures(inputs: int, rounds: int) -> list[Figure]:
    """Sealed sums with mass and coverage, of named suppliers and of members of a roster."""
    figures = []
    for kind, hidden, targets in (
        ("seal", False, sealing.TARGETS),
        ("seal-members", True, sealing.HIDDEN_TARGETS),
    ):
        found = done("seal", inputs=inputs, rounds=rounds, hidden=hidden)
        units = {"prove": "multiplications", "verify": "multiplications", "size": "kB"}
        figures += [
            Figure(
                "seal",
                f"{kind}-{inputs}-{name}",
                found[name],
                unit,
                targets[name],
                True,
                {} if name == "size" else {"seconds here": found[f"{name}_seconds"]},
            )
            for name, unit in units.items()
        ]
    return figures
