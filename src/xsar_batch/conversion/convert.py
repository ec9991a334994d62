"""One SAFE becomes one product, or fails with a reason. What a job runs."""

import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from xsar_batch.conversion import recipe, user_function, watchdog
from xsar_batch.conversion.error_classes import classify
from xsar_batch.conversion.job import Job
from xsar_batch.conversion.outcome import Outcome
from xsar_batch.failures import (
    BadProduct,
    ConfigError,
    Failure,
    LandMaskError,
    TimedOut,
)
from xsar_batch.sentinel1 import footprint, safe
from xsar_batch.sentinel1.stability import unchanged
from xsar_batch.system.versions import versions

if TYPE_CHECKING:
    import xarray as xr

# xsar, xarray and dask are imported when the SAFE has passed its check: a bad one must not cost
# the seconds, or on a parallel file system the minutes, that those imports take.

logger = logging.getLogger("xsar_batch")

#: Set where a logger of Snakemake tells the last line of each log that ends with a failure.
TOLD_ELSEWHERE = "SNAKEMAKE_LOGGER_TELLS_FAILURES"


class _Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, so that no library swallows it."""


class _TimeOver(BaseException):
    """The parent says so, by SIGALRM."""


def run(job: Job) -> int:
    """Convert, and tell: log, outcome, one line on stderr. Returns the exit code.

    With ``job.log``, all that this process prints from now on goes there.
    """
    terminal = sys.stderr
    if job.log:
        # What converts is not kept from it by a log that cannot be.
        with suppress(OSError):
            terminal = _print_to(job.log)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, force=True)
    signal.signal(signal.SIGTERM, _on_terminate)
    signal.signal(signal.SIGALRM, _on_time_over)
    outcome = Outcome(
        job.outcome,
        job.name,
        safe=str(job.safe),
        product=str(job.product),
        threads=job.threads,
        asked_mb=job.memory_mb or None,
        asked_minutes=job.minutes or None,
        recipe=dict(job.recipe),
        run=job.run,
    )
    logger.info("%s -> %s", job.safe, job.product)
    outcome.record["footprint"] = footprint.of(job.safe)
    try:
        known = convert(job, outcome.forget_old_product)
    except BaseException as error:
        stop = _stop(error)
        if isinstance(stop, (KeyboardInterrupt, _Terminated)):
            by, code = ("Ctrl-C", 130) if isinstance(stop, KeyboardInterrupt) else ("SIGTERM", 143)
            line = outcome.interrupted(by, code)
        else:
            if isinstance(stop, _TimeOver):
                failure: Failure = TimedOut(watchdog.time_out(job.minutes))
            else:
                failure = classify(error, job.safe, job.land_mask, job.product.parent)
            if failure.name in ("unknown", "out-of-memory", "timed-out"):
                _say("".join(traceback.format_exception(error)).rstrip(), sys.stderr)
            line, code = outcome.failed(failure), failure.exit_code
            _say(f"{job.name}: {line}", terminal)
    else:
        line, code = outcome.done(**known), 0
    # Not through logging: the last line stands alone, for people and for scripts.
    if job.log or code in (0, 130, 143):
        _say(line, sys.stderr)
    return code


def _stop(error: BaseException | None) -> BaseException | None:
    """The signal behind an exception, if there is one.

    What a handler raises while a class is being made, as in an import, comes out as RuntimeError.
    """
    signals = (KeyboardInterrupt, _Terminated, _TimeOver)
    while error is not None and not isinstance(error, signals):
        error = error.__cause__ or error.__context__
    return error


def _say(text: str, where: TextIO) -> None:
    """Print. A log on a full disk must not hide why the conversion failed."""
    with suppress(OSError):
        print(text, file=where, flush=True)


def convert(job: Job, before_publishing: Callable[[], None]) -> dict[str, Any]:
    """Check the SAFE, run the function, check the result, publish the product.

    Returns what the outcome should know of the product. ``before_publishing`` is called when all
    checks are passed, just before the product gets its name.

    Raises
    ------
    Failure, or whatever the function raises
        Nothing is left under the product's name then that was not there before.
    """
    with unchanged(job.safe):
        checked, ds, workarounds = _checked_and_computed(job)

    from xsar_batch import quicklook
    from xsar_batch.product import cf, netcdf, noise, verify

    is_ours = job.function == user_function.OURS
    verify.check_dataset(
        ds,
        checked,
        job.recipe["resolution"] if is_ours else None,
        flagged=recipe.wants_repairs(job.recipe),
    )
    noise_warning = noise.warning(ds, checked.ipf)
    if noise_warning:
        logger.warning(noise_warning)
        ds = ds.assign_attrs(comment=noise_warning)
    ds = cf.conform(ds)
    ds = netcdf.with_provenance(ds, checked.name, checked.ipf, job.recipe, workarounds)

    def check(path: Path) -> None:
        verify.check_file(path, ds)
        _check_in_force(job)
        before_publishing()

    job.product.parent.mkdir(parents=True, exist_ok=True)
    netcdf.write(ds, job.product, job.compression, check)
    if job.quicklook is not None:
        quicklook.attempt(ds, job.name, job.quicklook)
    return {
        "product_bytes": job.product.stat().st_size,
        "ipf": checked.ipf,
        "versions": versions(),
    }


def _checked_and_computed(job: Job) -> "tuple[safe.Safe, xr.Dataset, str]":
    """All that is read of the SAFE."""
    checked = safe.check(job.safe, recipe.wants_repairs(job.recipe))
    if not job.land_mask.is_file():
        raise LandMaskError(
            f"{job.land_mask} is not there; make it with: "
            f"python workflow/scripts/land_mask.py {job.land_mask}"
        )
    logger.info("the SAFE is whole: IPF %s, %s", checked.ipf, " ".join(checked.polarisations))
    return checked, *compute(job)


def compute(job: Job) -> "tuple[xr.Dataset, str]":
    """Call the function and compute what it returns, with exactly ``job.threads`` threads.

    Returns the computed Dataset, and the names of the workarounds for xsar.

    There is no distributed client: with one, xsar hangs (umr-lops/xsar#176).
    """
    import dask
    import xarray as xr
    import xsar

    from xsar_batch import xsar_fixes

    # Told of every product, and of no consequence: what xsar asks xarray to join has one axis, and
    # where noise is NaN it casts for a template that nobody reads.
    warnings.filterwarnings("ignore", category=FutureWarning, module="xsar")
    warnings.filterwarnings("ignore", message="invalid value encountered in cast")
    logging.getLogger("xsar").setLevel(logging.WARNING)
    applied = xsar_fixes.apply(repairs=recipe.wants_repairs(job.recipe))
    xsar.Sentinel1Meta.set_mask_feature("land", str(job.land_mask))
    call = user_function.load(job.function, job.recipe["function"])
    logger.info("%s at %s", job.recipe["function"], job.recipe["resolution"])
    with dask.config.set(
        scheduler="sync" if job.threads == 1 else "threads", num_workers=job.threads
    ):
        ds = call(os.fspath(job.safe), job.recipe["resolution"])
        if not isinstance(ds, xr.Dataset):
            raise BadProduct(
                f"{job.function} returned a {type(ds).__name__}, expected an xarray.Dataset"
            )
        return ds.load(), " ".join(applied)


def _check_in_force(job: Job) -> None:
    """A job that outlived its run must not publish what the next run would have to replace."""
    known = recipe.in_force(job.recipes) if job.recipes else None
    if known and known.recipe != job.recipe:
        raise ConfigError("other settings came into force during the run: start it again")


def _on_terminate(signum: int, frame: object) -> None:
    # Once: PBS, and who watches over its jobs, may both send it.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


def _on_time_over(signum: int, frame: object) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    raise _TimeOver


def _print_to(log: Path) -> TextIO:
    """Send stdout and stderr, those of C libraries too, to a file; returns the old stderr, or
    nowhere if a logger of Snakemake tells failures."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    is_told = bool(os.environ.get(TOLD_ELSEWHERE))
    terminal = os.fdopen(os.open(os.devnull, os.O_WRONLY) if is_told else os.dup(2), "w")
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    return terminal
