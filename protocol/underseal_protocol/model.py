"""The base of the models of PACT data types: unknown properties are kept, null is undefined."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

__all__ = ["Model"]


def _alias(name: str) -> str:
    """`technological_co2_removals` is `technologicalCO2Removals`."""
    return to_camel(name).replace("Co2", "CO2").replace("Dqr", "DQR")


class Model(BaseModel):
    """An immutable object of the data model.

    It is made from JSON by the names of the specification. Properties that the specification does
    not define are in `model_extra`.
    """

    model_config = ConfigDict(
        extra="allow", frozen=True, alias_generator=_alias, protected_namespaces=()
    )

    @model_validator(mode="before")
    @classmethod
    def _without_undefined(cls, members: Any) -> Any:
        """Null is as good as absent (PACT 3.0, Undefined Properties)."""
        if isinstance(members, dict) and None in members.values():
            return {name: value for name, value in members.items() if value is not None}
        return members
