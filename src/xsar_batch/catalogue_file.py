"""Which SAFE is where, on disk, for the jobs: one is looked up without reading the others.

A job must not list the archive, nor load a table of 100,000 rows to convert one SAFE. SQLite
finds a row by its key. The file is replaced as a whole and never changed in place, so jobs open
it as immutable: no locks, which parallel filesystems may not have.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from .publish import published


def write(path: Path, safes: Mapping[str, str]) -> None:
    """Write SAFE name -> path of the SAFE."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with published(path) as temporary, closing(sqlite3.connect(temporary)) as table:
        # The file gets its name when it is whole; a journal of its own would be for nothing.
        table.execute("PRAGMA journal_mode = OFF")
        table.execute("CREATE TABLE safes (name TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID")
        table.executemany("INSERT INTO safes VALUES (?, ?)", sorted(safes.items()))
        table.commit()


def find(path: Path, name: str) -> str | None:
    """Path of the SAFE called ``name``; None where the catalogue does not know it."""
    uri = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as table:
        row = table.execute("SELECT path FROM safes WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None
