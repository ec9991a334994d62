"""Which of Snakemake's messages are worth a line."""

import logging
import os
from pathlib import Path

import snakemake

#: What comes from here at the level INFO is told by the counts, while jobs run.
_SNAKEMAKE = str(Path(snakemake.__file__).parent) + os.sep

#: Answers to Ctrl-C and SIGTERM, which are to be seen at once.
STOPPING = "Terminating processes on user request"
_ANSWERS = (STOPPING, "Will exit after finishing")

#: Before and after: true, and of use to nobody who looks on.
_BESIDE = (
    *("Using shell:", "Assuming unrestricted shared filesystem", "Select jobs to execute"),
    *("Group jobs: inactive", "Conda environments: ignored", "Singularity containers: ignored"),
    *("Shutting down", "Elapsed time:"),
)

#: Of a dry run, what refers to the list of jobs that is not shown.
_OF_DRY_RUN = ("Reasons:",)

#: The only error that says nothing: what failed stands above it.
THE_END = "Exiting because a job execution failed"


def is_worth_it(record: logging.LogRecord, at_work: bool, dryrun: bool) -> bool:
    """Whether a message without an event is shown; ``at_work`` from the first job to the last.

    Errors and warnings always are, and so is what others than Snakemake itself say: executors, and
    the Snakefile.
    """
    text = str(record.msg)
    if text.startswith(THE_END):
        return False
    if record.levelno >= logging.WARNING or not record.pathname.startswith(_SNAKEMAKE):
        return True
    if record.levelno < logging.INFO or text.startswith(_BESIDE):
        return False
    if dryrun and text.startswith(_OF_DRY_RUN):
        return False
    return not at_work or text.startswith(_ANSWERS)
