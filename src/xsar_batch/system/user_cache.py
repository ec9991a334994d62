"""The user's cache folder."""

import os
from pathlib import Path


def folder() -> Path:
    """Where the XDG Base Directory Specification has it."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "xsar-batch"
