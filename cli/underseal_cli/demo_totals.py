"""The demo: a total is sealed, and verified by whoever may see the sealed sum."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from underseal_cli.calculations import short
from underseal_cli.demo_cast import CELL, PACK, Cast, side_by_side, until
from underseal_cli.demo_data import SEALED
from underseal_cli.demo_nodes import DemoError
from underseal_cli.demo_products import workbook
from underseal_cli.demo_public import public
from underseal_cli.demo_story import Story
from underseal_cli.files import write_whole
from underseal_cli.seal_proofs import GENERATORS
from underseal_protocol import base64url
from underseal_protocol.key_log import KEY_LOG_PATH
from underseal_protocol.seal.generators import encoded_vectors

__all__ = ["seal_total"]

PRODUCT_ID = "urn:gtin:2040000001056"
# In the bill of materials, and what would make the total smaller.
TRUE_KIT, FALSE_KIT = "kit from Tiszahajnal,1.01,", "kit from Tiszahajnal,0.01,"


def seal_total(cast: Cast, story: Story) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        made = pool.submit(lend_generators, cast)
        make_ready(cast, story)
        refuse_light(cast, story)
        made.result()
    held = read(cast, story, seal(cast, story))
    verify_files(cast, story, held)


def make_ready(cast: Cast, story: Story) -> None:
    """What the supplier endorses; what the pack maker buys from it, and lets it see."""
    cell, pack = cast.node(CELL), cast.node(PACK)
    side_by_side(
        partial(cell.run, "peer", "set", PACK, "--endorse", "auto", "--named", "yes"),
        partial(pack.run, "match", "--product", SEALED, "--accept"),
        partial(pack.run, "grant", "add", CELL, "--product-id", PRODUCT_ID),
    )
    peer = cell.look(f"/peers/{PACK}")
    story.check(
        f"{CELL}: peer set {PACK} --endorse auto --named yes",
        f"its figures may stand behind totals of {PACK}, and {PACK} may say so",
        ok=peer.get("endorse") == "auto" and peer.get("endorseNamed") is True,
    )


def refuse_light(cast: Cast, story: Story) -> None:
    """Less of the kit makes the total smaller, but then the inputs weigh less than the pack."""
    drafted = draft(cast, (TRUE_KIT, FALSE_KIT))
    done = cast.node(PACK).run("product", "seal", SEALED, "--yes", check=False)
    said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    story.check(
        f"{PACK}: product seal {SEALED}, a kilogram too light: {figure(drafted)} kgCO2e",
        said[0].removeprefix("Error: ") if said else f"exit status {done.returncode}",
        ok=done.returncode == 1 and bool(said) and said[0].startswith("Error: mass: "),
    )


def seal(cast: Cast, story: Story) -> str:
    """The true total, as a draft: then the signature of the footprint bears the seal."""
    drafted, node = draft(cast), cast.node(PACK)
    sealed = node.json("product", "seal", SEALED, "--yes")
    listed = sealed["shows"]["inputs"]
    story.check(
        f"{PACK}: product seal {SEALED}, as it is: {figure(drafted)} kgCO2e",
        f"{sealed['job']['state']}; it lists {len(listed)} inputs of {CELL}, and tells neither "
        "their quantities nor their figures",
        ok=sealed["job"]["state"] == "done"
        and [one["peer"] for one in listed] == [CELL, CELL]
        and sealed["shows"]["hasMassBalance"],
    )
    footprint_id = str(drafted["id"])
    node.run("footprint", "publish", footprint_id)
    node.run("grant", "add", CELL, "--footprint", footprint_id, "--level", "sealed")
    return footprint_id


def read(cast: Cast, story: Story, footprint_id: str) -> dict[str, Any]:
    """The supplier's node was told of it; the footprint as it holds it."""

    def judged() -> dict[str, Any] | None:
        if footprint_id not in {one["id"] for one in cast.received(CELL, PACK)}:
            return None
        held: dict[str, Any] = cast.node(CELL).look(f"/received/{footprint_id}?peer={PACK}")
        return held if "sealedSum" in held else None

    held = until(judged)
    if held is None:
        raise DemoError(f"{CELL} has not received the sealed sum of {footprint_id}")
    verdict = held["sealedSum"].get("verdict") or {"grade": "none", "endorsers": []}
    known = sum(one["isKnown"] for one in verdict["endorsers"])
    story.check(
        f"{PACK}: grant add {CELL} --level sealed; {CELL} was told, and fetched it",
        f"{held['sealedSum']['state']}, grade {verdict['grade']}; {known} listed endorsements, of "
        "suppliers that it knows",
        ok=(verdict["grade"], known, len(verdict["endorsers"])) == ("mass", 2, 2),
    )
    return held


def verify_files(cast: Cast, story: Story, held: dict[str, Any]) -> None:
    """A car maker without a node is given the files: as they are, and with one bit changed."""
    sealed = json.loads(held["sealedSum"]["sealedSum"])
    document = base64url.decode(sealed["document"])
    altered = document[:-1] + bytes([document[-1] ^ 1])
    files = {
        "pack.json": held["footprint"],
        "sealed.json": sealed,
        "altered.json": sealed | {"document": base64url.encode(altered)},
        "cell.keys": public(cast, CELL, "GET", KEY_LOG_PATH)[1],
        "pack.keys": public(cast, PACK, "GET", KEY_LOG_PATH)[1],
    }
    for name, content in files.items():
        file = cast.bench.directory / name
        file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    options = ("--keys", "pack.keys", "--endorser-keys", "cell.keys")
    true, false = side_by_side(
        *(
            # In this home are generators, and nothing else of it is used.
            partial(
                cast.node(CELL).run,
                *("verify", "pack.json", "--sealed", name, *options),
                check=False,
            )
            for name in ("sealed.json", "altered.json")
        )
    )
    said = [line.strip(" -") for line in true.stdout.splitlines()]
    story.check(
        "a car maker: underseal verify --sealed, with the keys of both in files",
        next((line for line in said if "arithmetically consistent" in line), true.stderr),
        ok=true.returncode == 0 and "grade mass" in said,
    )
    story.check(
        "the same, with one bit of the sealed sum changed",
        false.stderr.strip() or f"exit status {false.returncode}",
        ok=false.returncode == 1,
    )


def draft(cast: Cast, change: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """Draft the pack.

    Args:
        change: a text in its bill of materials, and what stands there instead.
    """
    node = cast.node(PACK)
    node.run("product", "import", str(workbook(cast, cast.company(PACK), change)))
    drafted: dict[str, Any] = node.json("product", "draft", SEALED)
    return drafted


def figure(drafted: dict[str, Any]) -> str:
    return short(drafted["draft"]["footprint"]["pcf"]["pcfExcludingBiogenicUptake"])


def lend_generators(cast: Cast) -> None:
    """Make them once: they are the same in every home, and each would take seconds over them."""
    generators = encoded_vectors()
    for key in (PACK, CELL):
        write_whole(cast.node(key).home / GENERATORS, [generators])
