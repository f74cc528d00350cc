"""What a calculation and the release gate say, for people."""

from __future__ import annotations

from typing import Any

from underseal_cli import output

__all__ = ["print_gate", "print_line_findings"]


def print_line_findings(found: list[dict[str, Any]]) -> None:
    """What a person should look at in a calculation."""
    for one in found:
        if one["severity"] != "info":
            lines = f" ({', '.join(one['lines'][:3])})" if one["lines"] else ""
            output.say(f"{one['severity']}: {one['message']}{lines}", f"  {one['hint']}")
    infos = sum(one["severity"] == "info" for one in found)
    if infos:
        noun = "note" if infos == 1 else "notes"
        output.say(f"info: {infos} {noun}; --json lists them")


def print_gate(verdict: dict[str, Any] | None, *, is_acknowledged: bool) -> None:
    """What the release gate says, if it is more than yes; each advice once, below its reasons."""
    if verdict is None or (verdict["outcome"] == "release" and not verdict["reasons"]):
        return
    output.say(f"release gate: {_said_by_gate(verdict, is_acknowledged=is_acknowledged)}")
    reasons: dict[str, list[str]] = {}
    for one in verdict["reasons"]:
        reasons.setdefault(one["advice"], []).append(one["text"])
    for advice, texts in reasons.items():
        output.say(*(f"  {text}" for text in texts), f"    {advice}")
    for one in verdict["leaks"]:
        low, high = (one.get(end) or "..." for end in ("low", "high"))
        output.say(
            f"  {one['label']} {one['figure']}: {one['value']}, could be known to {low} to {high}"
        )


def _said_by_gate(verdict: dict[str, Any], *, is_acknowledged: bool) -> str:
    if verdict["outcome"] == "release":
        names = ", ".join(sorted({one["peer"] for one in verdict["reasons"]}))
        if names == "anybody":
            return "nobody may see it yet; granting it will be stopped"
        return f"granting it to {names} will be stopped"
    if verdict["outcome"] == "coarser":
        return f"coarser: {verdict['digits']} significant digits"
    return f"{verdict['outcome']}, acknowledged" if is_acknowledged else str(verdict["outcome"])
