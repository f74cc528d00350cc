"""Which properties of a footprint add up, and how (docs/adr/0015-roll-up.md).

Names are those of PACT 3.0 (`CarbonFootprint`). All are per declared unit.
"""

from __future__ import annotations

from underseal_protocol.methodology_figures import EXCLUDING, INCLUDING, SUMMANDS, UPTAKE

__all__ = [
    "AIRCRAFT",
    "AREA",
    "AVERAGED",
    "BIOGENIC_CARBON",
    "CAPTURE",
    "CARBON",
    "CCU_CARBON",
    "CONTENTS",
    "EXCLUDING",
    "EXEMPTED",
    "FOSSIL",
    "FOSSIL_CARBON",
    "GROSS",
    "INCLUDING",
    "LAND_REMOVALS",
    "NON_POSITIVE",
    "OF_OUTBOUND",
    "OPTIONAL",
    "OUTBOUND",
    "PACKAGING",
    "PACKAGING_CARBON",
    "PRIMARY",
    "PROPERTIES",
    "RATED",
    "RATINGS",
    "RECYCLED_CARBON",
    "REMOVALS",
    "STATED_NAMES",
    "SUMMANDS",
    "TAKEN_UP",
    "UPTAKE",
    "WEIGHT",
]

FOSSIL = "fossilGhgEmissions"
LAND_REMOVALS = "landManagementBiogenicCO2Removals"
REMOVALS, CAPTURE = "technologicalCO2Removals", "ccsTechnologicalCO2Capture"
LEAKAGE, AREA = "landCarbonLeakage", "landAreaOccupation"
AIRCRAFT = "aircraftGhgEmissions"
FOSSIL_CARBON, BIOGENIC_CARBON = "fossilCarbonContent", "biogenicCarbonContent"
RECYCLED_CARBON, CCU_CARBON = "recycledCarbonContent", "ccuCarbonContent"
PACKAGING, PACKAGING_CARBON = "packagingGhgEmissions", "packagingBiogenicCarbonContent"
OUTBOUND = "outboundLogisticsGhgEmissions"

# Of everything that was used, also of what was lost on the way.
GROSS = (*SUMMANDS, "landManagementFossilGhgEmissions", LEAKAGE, AREA, AIRCRAFT)
# Only of what is in the product when it leaves the gate.
CARBON = (FOSSIL_CARBON, BIOGENIC_CARBON, RECYCLED_CARBON, CCU_CARBON)
CONTENTS = (UPTAKE, *CARBON)
NON_POSITIVE = frozenset({LAND_REMOVALS, REMOVALS, CAPTURE, UPTAKE})
# Nobody has to state these: that they are missing is worth a word only if somebody states them.
OPTIONAL = frozenset({LEAKAGE, AREA, AIRCRAFT, LAND_REMOVALS, REMOVALS, CAPTURE, CCU_CARBON})

# No properties of PACT, but sums as well. The first is what the uptake takes off the total; it is
# known where the uptake itself is withheld. The others are averages before they are divided.
TAKEN_UP = "taken up"
WEIGHT = "absolute contributions"
PRIMARY = "contributions with primary data"
RATED = "contributions with ratings"
RATINGS = ("technologicalDQR", "geographicalDQR", "temporalDQR")
EXEMPTED = "exempted emissions"

# The same of our own outbound logistics, which count where the product is an intermediate.
AVERAGED = (WEIGHT, PRIMARY, RATED, *RATINGS)
OF_OUTBOUND = {name: f"{name} of outbound logistics" for name in AVERAGED}

# What the result states, in the order of the data model where it matters to readers.
PROPERTIES = (*GROSS, *CONTENTS, PACKAGING, PACKAGING_CARBON, OUTBOUND)
STATED_NAMES = (EXCLUDING, INCLUDING, *PROPERTIES)
