"""The ways in which one SAFE can fail, each with a name, an exit code and an exception.

The exit codes follow ``sysexits.h`` where it has a fitting one, so that a shell script
round ``workflow/scripts/convert.py`` can tell the classes apart.
This module is imported before xsar is, by every job: it imports nothing heavy.
"""


class Failure(Exception):
    """A conversion failed for a known reason; ``str(failure)`` is the one line that users read.

    The base class itself stands for what nobody foresaw (class ``unknown``).
    """

    name = "unknown"
    exit_code = 1


class BadSafe(Failure):
    """The SAFE is incomplete, damaged or not there. Retrying is useless."""

    name = "bad-safe"
    exit_code = 65  # EX_DATAERR


class Unsupported(Failure):
    """The SAFE is whole, but of a kind that this conversion does not handle."""

    name = "unsupported"
    exit_code = 69  # EX_UNAVAILABLE


class BadProduct(Failure):
    """The result did not pass its checks, so it was not published."""

    name = "bad-product"
    exit_code = 70  # EX_SOFTWARE


class OutOfMemory(Failure):
    """Memory ran out; a retry asks for more."""

    name = "out-of-memory"
    exit_code = 71  # EX_OSERR


class LandMaskError(Failure):
    """The coastline is missing or cannot be read."""

    name = "land-mask"
    exit_code = 72  # EX_OSFILE


class DiskFull(Failure):
    """No space, or no quota, left where the product is to be written."""

    name = "disk-full"
    exit_code = 74  # EX_IOERR


class TimedOut(Failure):
    """It took longer than the rule's ``runtime``; a retry has more."""

    name = "timed-out"
    exit_code = 75  # EX_TEMPFAIL


class Killed(Failure):
    """A signal ended it before it could say why. Its exit code is 128 and the signal's number."""

    name = "killed"
    exit_code = 137  # SIGKILL


class ConfigError(Failure):
    """A setting is wrong, or was changed during a run."""

    name = "config"
    exit_code = 78  # EX_CONFIG


#: Exit code of each failure class, as documented for users.
EXIT_CODES = {
    cls.name: cls.exit_code
    for cls in (
        *(BadSafe, Unsupported, BadProduct, OutOfMemory),
        *(LandMaskError, DiskFull, TimedOut, ConfigError, Failure),
    )
}
