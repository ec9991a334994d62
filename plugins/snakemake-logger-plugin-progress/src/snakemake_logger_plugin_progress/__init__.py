"""Snakemake logger that shows how a run goes: a bar on a terminal, lines with a time elsewhere.

It counts jobs (``tally``), tells each failure in one line with its cause (``failures``), lets
Snakemake's errors and warnings through and keeps its other ``messages`` back. What is seen is in
plain ``words``, as ``lines`` or as a ``bar``. What others print is not torn (``streams``).
``handler`` is what Snakemake sees of it.
"""

from .handler import LogHandler
from .settings import LogHandlerSettings

__all__ = ["LogHandler", "LogHandlerSettings"]
