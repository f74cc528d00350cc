"""Files that the person at the terminal names."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from underseal_cli.errors import CliError

__all__ = ["first_line", "read_input", "write_whole"]


def read_input(file: Path) -> bytes:
    """The content of a file; `-` is standard input.

    Raises:
        CliError: it cannot be read.
    """
    try:
        if str(file) == "-":
            return b"" if sys.stdin is None else sys.stdin.buffer.read()
        return file.read_bytes()
    except IsADirectoryError:
        raise CliError(
            f"{file} is a directory", hint=f"Name the files in it, such as {file}/*.json."
        ) from None
    except OSError as error:
        raise CliError(
            f"{file} cannot be read: {error.strerror}",
            hint="Check the name and the permissions of the file.",
        ) from None
    except ValueError:  # a NUL in it
        raise CliError(f"{str(file)!r} is not the name of a file") from None


def first_line(content: bytes) -> str:
    """The first line of a text, without its end; what is not UTF-8 in it is replaced."""
    return content.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")


def write_whole(file: Path, parts: Iterable[bytes], *, replace: bool = True) -> int:
    """Write a file that only its owner can read: whole, or not at all.

    Args:
        file: where to.
        parts: of its content.
        replace: whether an existing file may be replaced.

    Returns:
        How many bytes it has.

    Raises:
        CliError: it cannot be written, or exists.
    """
    if file.exists() and not file.is_file():  # as root, even a device would be replaced
        raise CliError(f"{file} is no file", hint="Choose another name.")
    if not replace and file.exists():
        raise CliError(
            f"{file} exists already, and may hold your work",
            hint="Choose another name, or remove it first.",
        )
    size = 0
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                for part in parts:
                    size += stream.write(part)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CliError(
            f"{file} cannot be written: {error.strerror}",
            hint="Check the directory, its free space and permissions; nothing was left behind.",
        ) from None
    return size
