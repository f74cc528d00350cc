"""What a sealed sum shows of a footprint, and what not: for `underseal verify --sealed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from underseal_cli import output
from underseal_cli.errors import CliError, UsageError
from underseal_cli.evidence import Evidence, about
from underseal_cli.files import read_input, write_whole
from underseal_cli.manage_client import Manage
from underseal_cli.trusted_keys import TrustedKeys, keys_in_file, keys_of_peers

if TYPE_CHECKING:
    from underseal_protocol.attestation_claims import Attestation
    from underseal_protocol.credential import VerifiedCredential
    from underseal_protocol.seal.trust import KnownRoster

__all__ = [
    "add_sealed",
    "endorsers_of",
    "known_rosters",
    "make_ready",
    "print_sealed",
    "verdict_lines",
]

GENERATORS = Path("run") / "seal-generators.bin"  # in the home, as the node keeps them


def endorsers_of(files: Sequence[str], manage: Manage | None) -> list[TrustedKeys]:
    """Whose endorsements count for the person at the terminal.

    Args:
        files: key logs, or `URL=FILE` for key sets, which do not say whose they are.
        manage: the node whose peers count, too; None for no node.

    Raises:
        UsageError: a key set comes without the URL of its node.
        CliError: a file cannot be used, or the node does not answer.
    """
    found = []
    for given in files:
        url, separator, name = given.rpartition("=")
        keys = keys_in_file(Path(name if separator and "://" in url else given))
        issuers = (url.rstrip("/"),) if separator and "://" in url else keys.issuers
        if not issuers:
            raise UsageError(
                f"--endorser-keys {given}: a key set does not say whose it is",
                hint="Write it as URL=FILE, with the URL of the supplier's node, or give its key "
                "log.",
            )
        found.append(TrustedKeys(keys.ever, issuers, keys.source, keys.revoked))
    # What is given is meant: it takes the place of what the node has pinned for the same address.
    given_for = {issuer.rstrip("/") for one in found for issuer in one.issuers}
    pinned = [] if manage is None else keys_of_peers(manage)
    return [*found, *(one for one in pinned if given_for.isdisjoint(one.issuers))]


def make_ready(home: Path) -> None:
    """Have the generators in this process: from the home, or made now, which takes seconds."""
    from underseal_protocol.errors import SealEncodingError
    from underseal_protocol.seal.generators import encoded_vectors, preload_vectors

    file = home / GENERATORS
    try:
        preload_vectors(file.read_bytes())
    except (OSError, SealEncodingError):
        output.warn("Generators are made for sealed sums; that takes some seconds, once.")
        data = encoded_vectors()
        if file.parent.is_dir():
            try:
                write_whole(file, [data])
            except CliError:  # the next command makes them again
                return


def add_sealed(
    document: Mapping[str, Any],
    proven: VerifiedCredential,
    given: Evidence,
    attestations: Sequence[Attestation],
    proved: list[str],
    unproved: list[str],
) -> dict[str, Any]:
    """Check the sealed sum that is given, if one is; the members of the result.

    Args:
        document: the footprint.
        proven: what its credential proves.
        given: with the sealed sum, and whom to trust.
        attestations: that hold.
        proved, unproved: sentences, which are added to.

    Raises:
        EvidenceError: it does not hold; the message names the part.
    """
    from underseal_protocol.seal.sealed_sum import read_sealed_sum
    from underseal_protocol.seal.trust import KnownNode, TrustList
    from underseal_protocol.seal.verifier import verify_sealed

    if given.sealed is None:
        if proven.sealed_sum is not None:
            unproved.append(
                "that it adds up: a sealed sum of it is signed, and not given (--sealed)"
            )
        return {}
    publisher = given.trust.issuers or (proven.issuer,)
    nodes = [KnownNode(one.issuers, one.keys, dict(one.revoked)) for one in given.endorsers]
    # That an endorser has a key of the publisher is seen by these.
    nodes.append(KnownNode(publisher, given.trust.ever, dict(given.trust.revoked)))
    with about(f"the sealed sum in {given.sealed_in}"):
        found = read_sealed_sum(given.sealed)
        if found.statement is not None:
            given.trust.require_not_revoked(found.statement)
        found.require_bound(proven, keys=given.trust.keys, publisher=publisher)
        verdict = verify_sealed(
            found.document,
            document,
            publisher=publisher,
            trusted=TrustList(nodes, given.rosters),
            time=given.now,
            attestations=attestations,
        )
    proved.append(verdict.statement)
    unproved += verdict.not_shown
    return {"sealedSum": verdict.to_json()}


def print_sealed(verdict: Mapping[str, Any]) -> None:
    """What a sealed sum shows, for a person."""
    output.say("Sealed sum (experimental):", *(f"  {one}" for one in verdict_lines(verdict)))


def verdict_lines(verdict: Mapping[str, Any]) -> list[str]:
    """Grade, coverage and endorsers.

    Args:
        verdict: as JSON.
    """
    coverage = verdict["coveragePercent"]
    lines = [
        f"grade {verdict['grade']}",
        f"coverage: at least {coverage} % of {verdict['property']}" if coverage else "no coverage",
    ]
    for is_known in (True, False):
        known = [one for one in verdict["endorsers"] if one["isKnown"] is is_known]
        word = "known to you" if is_known else "not known to you, so they do not count"
        if known:
            lines.append(f"listed endorsers that are {word}:")
            lines += [f"  {_endorser(one)}" for one in known]
    if "roster" in verdict:
        lines += _hidden(verdict["roster"])
    elif not verdict["endorsers"]:
        lines.append("no listed endorsers")
    lines += [f"named factor: {one['name']}, per {one['unit']}" for one in verdict["factors"]]
    return [*lines, *verdict["reductions"]]


def _hidden(roster: Mapping[str, Any]) -> list[str]:
    """What is known of endorsers that are not named."""
    members, inputs = roster["members"], roster["inputs"]
    who = "1 member" if members == 1 else f"{members} members"
    count = "1 listed input" if inputs == 1 else f"{inputs} listed inputs"
    word = "which you trust" if roster["isKnown"] else "which you do not trust: it does not count"
    return [
        f"{who} of the roster {roster['name']} of {roster['issuer']}, {word}, endorsed {count}",
        f"by that roster, the publisher is {roster['publisherEntity']}",
    ]


def known_rosters(files: Sequence[Path], manage: Manage | None) -> list[KnownRoster]:
    """The rosters that the person at the terminal trusts.

    Args:
        files: what `underseal roster export` wrote.
        manage: the node whose trusted rosters count, too; None for no node.

    Raises:
        CliError: a file cannot be used, or the node does not answer.
    """
    from underseal_protocol.errors import RosterError
    from underseal_protocol.roster.statements import read_roster
    from underseal_protocol.seal.trust import KnownRoster

    given = [(f"--roster {one}", read_input(one).decode("ascii", "replace")) for one in files]
    if manage is not None:
        given += [(one["name"], one["statement"]) for one in manage.get("/rosters")["trusted"]]
    found = []
    for place, token in given:
        try:
            roster = read_roster(token).roster
        except RosterError as error:
            raise CliError(f"{place}: {error.message}", hint=error.hint) from None
        found.append(KnownRoster(roster.issuer, roster.name, roster.key))
    return found


def _endorser(one: Mapping[str, Any]) -> str:
    unit = f"{one['declaredUnitAmount']} {one['declaredUnitOfMeasurement']}"
    period = f"{one['referencePeriodStart'][:10]} to {one['referencePeriodEnd'][:10]}"
    why = "" if one["standing"] in ("known", "unknown") else f" ({one['standing']})"
    return f"{one['supplier']}: per {unit}, {period}{why}"
