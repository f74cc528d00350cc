"""Which texts can be read by people, by a list that no later version of Unicode changes.

`str.isprintable` goes by the tables of the running Python: what one reader refuses as unassigned,
another one accepts, and the same document would be sealed for one and broken for the other.
"""

from __future__ import annotations

import re

__all__ = ["is_printable"]

# Controls and line ends; spaces but for U+0020; what is not seen or turns the direction of writing;
# surrogates, private use and noncharacters; tags, and what is beyond all scripts.
_OTHERS = re.compile(
    "[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\ud800-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e00ff\U000e01f0-\U0010ffff]"
)


def is_printable(text: str) -> bool:
    """Whether a text has only printable characters; the format of sealed sums lists the others."""
    return _OTHERS.search(text) is None
