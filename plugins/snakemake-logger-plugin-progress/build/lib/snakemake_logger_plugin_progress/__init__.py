"""Snakemake logger that shows how a run goes: a bar on a terminal, lines with a time elsewhere.

It counts jobs (``tally``), tells each failure in one line with its cause (``failures``), lets
Snakemake's errors and warnings through and keeps its chatter back (``chatter``). What is seen is in
plain ``words``, as ``lines`` or as a ``bar``, and no other printer's text is torn (``order``).
``handler`` is what Snakemake sees of it.
"""

from .handler import LogHandler
from .settings import LogHandlerSettings

__all__ = ["LogHandler", "LogHandlerSettings"]
