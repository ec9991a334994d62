"""What a check found, and the table of all."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

_WIDTH = 66


@dataclass(frozen=True)
class Check:
    """``found`` is a fact, ``change`` what to do about it; empty if all is well."""

    what: str
    found: str
    change: str = ""


def table(checks: Iterable[Check]) -> str:
    """A table in plain text, then what to change."""
    checks = list(checks)
    left = max(len(check.what) for check in checks)
    lines = []
    for check in checks:
        mark = "CHANGE" if check.change else "ok"
        first, *rest = textwrap.wrap(check.found, _WIDTH) or [""]
        lines.append(f"{mark:6}  {check.what.ljust(left)}  {first}")
        lines += [f"{'':6}  {'':{left}}  {line}" for line in rest]
    todo = [check for check in checks if check.change]
    lines += ["", "What to change:" if todo else "Nothing to change."]
    lines += [f"  {check.what}: {check.change}" for check in todo]
    return "\n".join(lines)
