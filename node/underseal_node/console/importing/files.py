"""Files between their upload and their import, in the memory of the session, never on a disk."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from underseal_node.console.forms import File
from underseal_node.console.importing.mapping import FileMapping, Mapped
from underseal_node.console.importing.outcomes import Outcome
from underseal_node.console.importing.reading import SheetView
from underseal_node.console.sessions import Session

__all__ = [
    "Checked",
    "Held",
    "Sent",
    "clean_name",
    "find",
    "hold",
    "known_mapping",
    "make_room",
    "remember",
    "shelf",
]

FILES, MAPPINGS = "imports", "mappings"
MAX_FILES = 5
MAX_MAPPINGS = 20
MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True)
class Sent:
    """What is sent to the node.

    Attributes:
        name: of the file.
        kind: what it is taken for.
        digits: to how many significant digits figures are rounded, as it was typed.
        content: of the file.
        energy_mapping: the mapping file of an energy export.
        others: further files that it names.
    """

    name: str
    kind: str
    digits: str
    content: bytes = field(repr=False)
    energy_mapping: File | None = None
    others: tuple[File, ...] = ()

    @property
    def digest(self) -> str:
        """All of it in few characters."""
        files = [one for one in (self.energy_mapping, *self.others) if one]
        texts = [self.name, self.kind, self.digits, *(one.name for one in files)]
        digests = [sha256(one).hexdigest() for one in (self.content, *(f.content for f in files))]
        return sha256(repr((texts, digests)).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Checked:
    """What the node has checked: this, and nothing else, may be imported.

    Attributes:
        sent: all of it.
        mapped: how it was made of the file, if the columns were mapped.
        outcome: what the check found.
        digest: of what was sent; the button that confirms brings it along.
    """

    sent: Sent
    mapped: Mapped | None
    outcome: Outcome
    digest: str


@dataclass(eq=False)
class Held:
    """A file.

    Attributes:
        id: in its address.
        name: as the browser told it.
        content: as it came.
        sheets: what is in it; of JSON nothing.
        kind: what it is taken for; empty until somebody says it.
        is_ours: whether its headings are those of our templates.
        key: of its headings.
        proposed: what seems to be where in its sheets.
        mapping: which column is which; `None`: it is sent as it is.
        digits: to how many significant digits figures are rounded, as it was typed.
        energy_mapping: the mapping file of an energy export.
        others: further files that it names.
        job: the last one that was started with it.
        checked: the last check that ended.
        imported: the job that imported it.
    """

    id: str
    name: str
    content: bytes = field(repr=False)
    sheets: tuple[SheetView, ...] = ()
    kind: str = ""
    is_ours: bool = True
    key: str = ""
    proposed: FileMapping = field(default_factory=lambda: FileMapping(()))
    mapping: FileMapping | None = None
    digits: str = ""
    energy_mapping: File | None = None
    others: tuple[File, ...] = ()
    job: str | None = None
    checked: Checked | None = None
    imported: str | None = None

    @property
    def path(self) -> str:
        """Of its page."""
        return f"/import/{self.id}"

    @property
    def size(self) -> int:
        """In bytes, together with what belongs to it."""
        more = [self.energy_mapping, *self.others]
        made = None if self.checked is None else self.checked.mapped
        checked = 0 if made is None else len(made.content)
        return len(self.content) + checked + sum(len(one.content) for one in more if one)

    def forget_check(self) -> None:
        """It is not what was checked any more."""
        self.job, self.checked, self.imported = None, None, None


def shelf(session: Session) -> dict[str, Held]:
    """The files of a session, the newest last."""
    found: dict[str, Held] = session.kept.setdefault(FILES, {})
    return found


def find(session: Session, held_id: str) -> Held | None:
    """A file by its id."""
    return shelf(session).get(held_id)


def hold(session: Session, held: Held, max_bytes: int) -> Held:
    """Keep a file, with an id; the oldest ones make room.

    Args:
        session: whose it is.
        held: the file.
        max_bytes: of one file; all of them together may have twice as many.
    """
    held.id = secrets.token_urlsafe(9)
    shelf(session)[held.id] = held
    make_room(session, max_bytes, newest=held.id)
    return held


def make_room(session: Session, max_bytes: int, *, newest: str) -> None:
    """Let go of the oldest files, if there are too many or they are too large.

    Args:
        session: whose they are.
        max_bytes: as for `hold`.
        newest: id of the one that stays.
    """
    files = shelf(session)
    files[newest] = files.pop(newest)
    while len(files) > MAX_FILES or (
        len(files) > 1 and sum(one.size for one in files.values()) > 2 * max_bytes
    ):
        del files[next(iter(files))]


def clean_name(name: str) -> str:
    """The name of a file without folders and without what cannot be seen."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(one for one in last if one.isprintable()).strip()
    return seen[-MAX_NAME_CHARACTERS:] or "file"


def remember(session: Session, key: str, mapping: FileMapping) -> None:
    """Use a mapping for the next file with the same headings."""
    known: dict[str, FileMapping] = session.kept.setdefault(MAPPINGS, {})
    known.pop(key, None)
    known[key] = mapping
    while len(known) > MAX_MAPPINGS:
        del known[next(iter(known))]


def known_mapping(session: Session, key: str) -> FileMapping | None:
    """The mapping that was used for the same headings before."""
    known: Mapping[str, FileMapping] = session.kept.get(MAPPINGS, {})
    return known.get(key)
