"""The ways in which one SAFE can fail, each with a name, an exit code and an exception.

The exit codes follow ``sysexits.h`` where it has a fitting one, so that a shell script
round ``workflow/scripts/convert.py`` can tell the classes apart.
This module is imported before xsar is, by every job: it imports nothing heavy.
``python -m xsar_batch.failures`` prints the table for README.
"""


class Failure(Exception):
    """A conversion failed for a known reason; ``str(failure)`` is the one line that users read.

    The base class itself stands for what nobody foresaw (class ``unknown``).
    """

    name = "unknown"
    exit_code = 1
    #: Whether a second attempt, with more memory and time, may go better.
    is_worth_a_retry = True
    #: What README's table says of the class.
    meaning = "anything else; the log holds the traceback"
    remedy = "read the end of the log; report it"


class BadSafe(Failure):
    """The SAFE is incomplete, damaged or not there. Retrying is useless."""

    name = "bad-safe"
    exit_code = 65  # EX_DATAERR
    is_worth_a_retry = False
    meaning = "the SAFE is not there, incomplete or damaged, or it changed while it was read"
    remedy = (
        "get it again; it is not tried twice in a run. If the SAFE is still being copied: "
        "repeat the command when it is whole"
    )


class Unsupported(Failure):
    """The SAFE is whole, but of a kind that this conversion does not handle."""

    name = "unsupported"
    exit_code = 69  # EX_UNAVAILABLE
    is_worth_a_retry = False
    meaning = (
        "this kind of product is not handled: SLC, OCN, RAW, WV, annotation products, modes "
        "for calibration (EN, N1 to N6), stripmap and COG with `repairs: false`; or the "
        "resolution is no whole number of pixels"
    )
    remedy = "leave it out by `select`, or change `resolution`"


class BadProduct(Failure):
    """The result did not pass its checks, so it was not published."""

    name = "bad-product"
    exit_code = 70  # EX_SOFTWARE
    meaning = "the result did not pass its checks"
    remedy = "see the log; with your own function, see there"


class OutOfMemory(Failure):
    """Memory ran out; a retry asks for more."""

    name = "out-of-memory"
    exit_code = 71  # EX_OSERR
    meaning = "memory ran out"
    remedy = "the next attempt asks for more"


class LandMaskError(Failure):
    """The coastline is missing or cannot be read."""

    name = "land-mask"
    exit_code = 72  # EX_OSFILE
    meaning = "the land polygons cannot be read"
    remedy = "see `land_mask`"


class DiskFull(Failure):
    """No space, or no quota, left where the product is to be written."""

    name = "disk-full"
    exit_code = 74  # EX_IOERR
    meaning = "no space or quota is left"
    remedy = "make room, repeat the command"


class TimedOut(Failure):
    """It took longer than the rule's ``runtime``; a retry has more."""

    name = "timed-out"
    exit_code = 75  # EX_TEMPFAIL
    meaning = (
        "the conversion took longer than its 10 minutes (20 at the second attempt), most "
        "often because a file server hangs; the log shows where it was"
    )
    remedy = (
        "see whether that place can be read; more time: `--set-resources "
        "convert:runtime=60` (minutes)"
    )


class Killed(Failure):
    """A signal ended it before it could say why. Its exit code is 128 and the signal's number."""

    name = "killed"
    exit_code = 137  # SIGKILL
    meaning = "the batch system or the kernel ended it, most often for memory or time"
    remedy = "repeat the command; if it comes back, ask for more of both"


class ConfigError(Failure):
    """A setting is wrong, or was changed during a run."""

    name = "config"
    exit_code = 78  # EX_CONFIG
    is_worth_a_retry = False
    meaning = "the settings, or the file of your function, changed during the run"
    remedy = "repeat the command"


#: Those that README explains, in its order. ``killed`` has no exit code of its own.
CLASSES: tuple[type[Failure], ...] = (
    *(BadSafe, Unsupported, BadProduct, OutOfMemory),
    *(LandMaskError, DiskFull, TimedOut, ConfigError, Failure),
)

#: Classes of failures that a second attempt meets again.
FINAL = {cls.name for cls in CLASSES if not cls.is_worth_a_retry}

#: Exit code of each failure class, as documented for users.
EXIT_CODES = {cls.name: cls.exit_code for cls in CLASSES}


def table() -> str:
    """Return the table of failure classes for README."""
    return "\n".join(
        (
            "| class | exit code | what it means | what to do |",
            "| --- | --- | --- | --- |",
            *(f"| `{c.name}` | {c.exit_code} | {c.meaning} | {c.remedy} |" for c in CLASSES),
        )
    )


if __name__ == "__main__":
    print(table())
