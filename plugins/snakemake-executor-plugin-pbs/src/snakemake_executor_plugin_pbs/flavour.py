"""Which batch system the commands on PATH belong to: qsub, qstat and qdel are names of several."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Flavour:
    """The batch system and its version; ``refusal`` says why it cannot be used."""

    name: str
    version: str = ""
    refusal: str = ""


#: The oldest version whose documented commands are all that is needed here.
_OLDEST = 13

_PBS = re.compile(r"pbs_version\s*=\s*(?:PBSPro_)?(\S+)", re.IGNORECASE)
_TORQUE = re.compile(r"^Version: *(\d[\w.]*)|torque", re.IGNORECASE | re.MULTILINE)
_GRID_ENGINE = re.compile(r"grid ?engine|\b(?:SGE|UGE|OGE)\b", re.IGNORECASE)
_ONLY = "this executor needs PBS Pro 13 or later, or OpenPBS"


def recognise(said: str) -> Flavour:
    """The batch system, by what ``qstat --version`` has printed. What is not known is not refused:
    a site may have wrapped its commands."""
    if found := _PBS.search(said):
        version = found[1]
        major = re.match(r"\d+", version)
        if major and int(major[0]) < _OLDEST:
            return Flavour("PBS Pro", version, f"PBS Pro {version} is too old: {_ONLY}")
        return Flavour("PBS", version)
    if found := _TORQUE.search(said):
        return Flavour("Torque", found[1] or "", f"The PBS commands are those of Torque: {_ONLY}")
    if _GRID_ENGINE.search(said):
        return Flavour(
            "Grid Engine",
            refusal=f"The commands qsub and qstat are those of Grid Engine: {_ONLY}",
        )
    return Flavour("unknown")
