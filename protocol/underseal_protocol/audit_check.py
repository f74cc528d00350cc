"""Whether an audit log is what it was: entry by entry, and against what was signed about it.

Someone who can write into the database can change a log. What then gives it away:

- every entry names the hash of the one before it and its own number: editing, deleting, reordering
  and swapping show at the place;
- every signed head of the tree says how many entries there were, and their hash: a log that was
  cut off, or made anew from some entry on, is not the one that was signed. Entries and the head
  over them are written together: the node has not written what no head covers;
- without a key, a log can still be cut back to one of its heads, by removing the newer heads, too;
  with the keys of the node all of it can be made anew. Then only what others hold gives it away:
  the receipts and acknowledgements that this node has signed for them (`claims`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from underseal_protocol.audit import AuditEntry, pack_ids, read_entry, unpack_ids
from underseal_protocol.errors import AuditError
from underseal_protocol.merkle import Tree

__all__ = ["Claim", "LogCheck", "Problem", "ProblemKind"]

MAX_PROBLEMS = 1_000


class ProblemKind(StrEnum):
    """What is wrong with a log."""

    EDITED = "edited"  # an entry is not what was stored
    DELETED = "deleted"  # entries are missing, or a set of footprints is
    REORDERED = "reordered"  # an entry is at the place of another
    SWAPPED = "swapped"  # two entries are at each other's place
    BROKEN_CHAIN = "broken-chain"  # an entry does not follow from the one before
    TRUNCATED = "truncated"  # the log had more entries
    REWRITTEN = "rewritten"  # the log is not the one that was signed
    UNKNOWN_SIGNATURE = "unknown-signature"  # what is said to be ours is not signed by our keys
    UNSIGNED = "unsigned"  # no signed head covers the last entries
    OTHER_LOG = "other-log"  # the log, or what others hold, is of another node
    STOPPED = "stopped"  # the node adds nothing to it: it cannot tell that it is the one it signed


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a log.

    Attributes:
        kind: what.
        number: of the entry that it is about, or that it begins with; None if it is not about one.
        message: a sentence.
        is_of_statement: it is with what others hold, and not with the log.
    """

    kind: ProblemKind
    number: int | None
    message: str
    is_of_statement: bool = False


@dataclass(frozen=True)
class Claim:
    """What was signed about the log: a tree head, alone or in a receipt.

    Attributes:
        source: what says so, as the beginning of a sentence: "the receipt of ...".
        is_witness: whether somebody else holds it.
        size: how many entries there were; None if it says nothing about that.
        root: hash of the tree over them.
        number: of an entry.
        leaf: hash of that entry.
        acknowledgement: digest of an acknowledgement that the log must record.
        issuer: URL of the node that signed it.
        issued_at: when, by the clock of that node.
        kid: name of the key that it is signed with.
    """

    source: str
    is_witness: bool = False
    size: int | None = None
    root: bytes | None = None
    number: int | None = None
    leaf: bytes | None = None
    acknowledgement: str | None = None
    issuer: str | None = None
    issued_at: datetime | None = None
    kid: str | None = None


class LogCheck:
    """Goes through a log once, from the first entry on.

    Args:
        claims: what was signed about it; signatures have been checked.
    """

    def __init__(self, claims: Iterable[Claim] = ()) -> None:
        self._claims = list(claims)
        self._by_size: dict[int, list[Claim]] = {}
        self._by_number: dict[int, list[Claim]] = {}
        self._sought: dict[str, Claim] = {}
        for claim in self._claims:
            if claim.size is not None:
                self._by_size.setdefault(claim.size, []).append(claim)
            if claim.number is not None:
                self._by_number.setdefault(claim.number, []).append(claim)
            if claim.acknowledgement is not None:
                self._sought[claim.acknowledgement] = claim
        self._tree = Tree()
        self._place = 0
        self._before: AuditEntry | None = None
        self._has_gap = False
        self._misplaced: dict[int, int] = {}
        self._used_sets: dict[str, int] = {}
        self._known_sets: set[str] = set()
        self._problems: list[Problem] = []
        self._forged: list[Problem] = []
        self._head_differs = False

    @property
    def size(self) -> int:
        """How many entries have been looked at."""
        return self._tree.size

    def root(self) -> bytes:
        """The hash of the tree over them."""
        return self._tree.head()

    def entry(self, place: int, body: bytes, stored_leaf: bytes | None = None) -> None:
        """Look at the next entry.

        Args:
            place: under which number it is stored.
            body: as stored.
            stored_leaf: the hash that is stored with it.
        """
        if place != self._place + 1:
            self._missing(self._place + 1, place - 1)
        self._place = place
        try:
            entry = read_entry(body)
        except AuditError as error:
            self._found(ProblemKind.EDITED, place, f"entry {place} is none: {error.message}")
            self._has_gap, self._before = True, None
            return
        is_edited = stored_leaf is not None and stored_leaf != entry.leaf
        if is_edited:
            self._found(
                ProblemKind.EDITED, place, f"entry {place} was changed: its hash is another one"
            )
        self._check_chain(place, entry, is_edited=is_edited)
        self._tree.append(entry.leaf)
        self._check_claims(place, entry)
        if entry.set_digest is not None:
            self._used_sets.setdefault(entry.set_digest, place)
        if entry.acknowledgement is not None:
            self._sought.pop(entry.acknowledgement, None)
        self._before = None if is_edited else entry

    def footprint_set(self, digest: str, packed: bytes) -> None:
        """Look at a set of footprints that is kept beside the log.

        Args:
            digest: under which it is stored.
            packed: see `pack_ids`.
        """
        try:
            is_same = pack_ids(unpack_ids(packed)) == (packed, digest)
        except AuditError:
            is_same = False
        if is_same:
            self._known_sets.add(digest)
        else:
            self._found(ProblemKind.EDITED, None, f"the set of footprints {digest} was changed")

    def forged(self, message: str) -> None:
        """A statement that others hold is said to be signed by this node, and is not."""
        if len(self._forged) < MAX_PROBLEMS:
            kind = ProblemKind.UNKNOWN_SIGNATURE
            self._forged.append(Problem(kind, None, message, is_of_statement=True))

    def finish(self) -> list[Problem]:
        """What is wrong, after all entries and sets; in the order of the entries."""
        self._report_misplaced()
        for digest, number in self._used_sets.items():
            if digest not in self._known_sets:
                self._found(
                    ProblemKind.DELETED,
                    number,
                    f"the set of footprints {digest} that entry {number} names is missing",
                )
        self._report_truncation()
        self._report_unsigned()
        for claim in self._sought.values():
            self._found(
                ProblemKind.DELETED, None, f"no entry records what {claim.source} acknowledges"
            )
        found = [*self._forged, *self._problems]
        return sorted(found, key=lambda one: (one.number is None, one.number or 0))

    def _check_chain(self, place: int, entry: AuditEntry, *, is_edited: bool) -> None:
        if entry.number != place:
            self._misplaced[place] = entry.number
            return
        if is_edited or self._before is None or place - 1 in self._misplaced:
            return
        if entry.previous != self._before.leaf:
            self._found(
                ProblemKind.BROKEN_CHAIN,
                place,
                f"entry {place} does not follow from entry {place - 1}: one of them was changed, "
                "or what stood between them was removed",
            )

    def _check_claims(self, place: int, entry: AuditEntry) -> None:
        if self._has_gap:
            return
        for claim in self._by_number.get(place, ()):
            if claim.leaf != entry.leaf:
                self._found(
                    ProblemKind.REWRITTEN,
                    place,
                    f"entry {place} is not the one that {claim.source} confirms",
                )
        claims = self._by_size.get(place, ())
        if not claims:
            return
        root = self._tree.head()
        for claim in claims:
            if claim.root == root:
                continue
            # Of our own heads the first that differs says it all; what others hold is proof.
            explained = self._head_differs or self._problems or self._misplaced
            if claim.is_witness or not explained:
                self._found(
                    ProblemKind.REWRITTEN,
                    place,
                    f"the first {place} entries are not those that {claim.source} is about",
                )
            self._head_differs |= not claim.is_witness

    def _missing(self, first: int, last: int) -> None:
        self._has_gap, self._before = True, None
        what = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        self._found(ProblemKind.DELETED, first, f"{what} missing")

    def _report_misplaced(self) -> None:
        for place, number in self._misplaced.items():
            if self._misplaced.get(number) != place:
                message = f"entry {number} is at the place of entry {place}"
                self._found(ProblemKind.REORDERED, place, message)
            elif place < number:
                message = f"entries {place} and {number} are at each other's place"
                self._found(ProblemKind.SWAPPED, place, message)

    def _report_truncation(self) -> None:
        beyond = [one for one in self._claims if max(one.size or 0, one.number or 0) > self._place]
        ours = max(
            (one for one in beyond if not one.is_witness),
            key=lambda one: one.size or 0,
            default=None,
        )
        for claim in beyond:
            if claim is ours or claim.is_witness:
                self._found(
                    ProblemKind.TRUNCATED,
                    self._place + 1,
                    f"the log ends with entry {self._place}; {claim.source} is about "
                    f"{max(claim.size or 0, claim.number or 0)} entries",
                )

    def _report_unsigned(self) -> None:
        signed = max((one.size or 0 for one in self._claims if not one.is_witness), default=0)
        if signed < self._place:
            message = (
                f"no signed head covers what is from entry {signed + 1} to entry {self._place}: "
                "nothing shows that the node wrote it"
            )
            self._found(ProblemKind.UNSIGNED, signed + 1, message)

    def _found(self, kind: ProblemKind, number: int | None, message: str) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(Problem(kind, number, message))
