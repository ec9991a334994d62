"""What the jobs of a run must know, on disk: the settings, and which SAFE is where.

A job must not list the archive, nor load a table of 100,000 rows to convert one SAFE. SQLite
finds a row by its key. The file is replaced as a whole and never changed in place, so jobs open
it as immutable: no locks, which parallel filesystems may not have.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from xsar_batch.failures import ConfigError
from xsar_batch.system.atomic_write import published


def write(path: Path, known: Mapping[str, Any], safes: Mapping[str, str]) -> None:
    """Write what all jobs have in common (as JSON), and SAFE name -> path of the SAFE."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with published(path) as temporary:
        # What SQLite says of a file that cannot be made helps nobody.
        temporary.touch()
        _fill(temporary, known, safes)


def _fill(path: Path, known: Mapping[str, Any], safes: Mapping[str, str]) -> None:
    with closing(sqlite3.connect(path)) as table:
        # The file gets its name when it is whole; a journal of its own would be for nothing.
        table.execute("PRAGMA journal_mode = OFF")
        table.execute("CREATE TABLE known (everything TEXT)")
        table.execute("INSERT INTO known VALUES (?)", (json.dumps(known),))
        table.execute("CREATE TABLE safes (name TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID")
        table.executemany("INSERT INTO safes VALUES (?, ?)", sorted(safes.items()))
        table.commit()


def read(path: Path, name: str) -> tuple[dict[str, Any], str | None]:
    """What all jobs have in common, and the path of the SAFE called ``name`` (without .SAFE).

    The path is None where nobody listed that SAFE.

    Raises
    ------
    ConfigError
        The file is not there.
    """
    if not path.is_file():
        raise ConfigError(f"{path} is not there; it is written when a run starts")
    uri = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as table:
        (known,) = table.execute("SELECT everything FROM known").fetchone()
        row = table.execute("SELECT path FROM safes WHERE name = ?", (name,)).fetchone()
    return json.loads(known), row[0] if row else None
