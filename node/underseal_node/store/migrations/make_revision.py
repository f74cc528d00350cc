"""Generate a revision from the difference between the tables and the scripts.

    python -m underseal_node.store.migrations.make_revision NUMBER MESSAGE

For developers: read what it wrote, edit it, and set `HEAD` in the package to the new number.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import Script
from sqlalchemy import create_engine

from underseal_node.store.migrate import alembic_configuration

__all__ = ["make_revision"]


def make_revision(number: str, message: str) -> Path:
    """Write `versions/revision_NUMBER_message.py`.

    Args:
        number: four digits, the next one.
        message: a few words.
    """
    configuration = alembic_configuration()
    configuration.set_main_option("file_template", "revision_%%(rev)s_%%(slug)s")
    with tempfile.TemporaryDirectory() as directory:
        engine = create_engine(f"sqlite:///{directory}/empty.db")
        with engine.begin() as connection:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
            script = command.revision(configuration, message, autogenerate=True, rev_id=number)
        engine.dispose()
    if not isinstance(script, Script):
        raise TypeError(f"one script was expected, Alembic made {script!r}")
    return Path(str(script.path))


if __name__ == "__main__":
    make_revision(*sys.argv[1:3])
