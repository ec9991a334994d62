"""What a PBS job takes over of the environment in which snakemake was started.

``qsub -V`` would do that too, but qstat then prints the values, newlines and all, and its text
cannot be told apart from them.

They are set by lines of bash, before Python starts: it may need ``LD_LIBRARY_PATH`` for that, and
what a site's own lines change afterwards (``--precommand``) holds.
"""

import re
import shlex
from collections.abc import Mapping

#: What PBS and the login of the node set is not replaced.
OF_THE_NODE = {
    *("HOME", "HOST", "HOSTNAME", "LOGNAME", "MAIL", "PWD", "OLDPWD", "SHELL", "SHLVL", "TERM"),
    *("TMPDIR", "USER", "NCPUS", "OMP_NUM_THREADS", "ENVIRONMENT", "_"),
    *("DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"),
}
_PREFIXES = (
    "PBS_",
    "SSH_",
    "XDG_RUNTIME_",
    "XDG_SE",
    "XDG_VTNR",
    "KRB5",
    "STY",
    "TMUX",
    "SNAKEMAKE_PROFILE",
    "SNAKEMAKE_LOGGER_",
)


def portable(environment: Mapping[str, str]) -> dict[str, str]:
    """Those variables that are taken over."""
    return {
        name: value
        for name, value in environment.items()
        if name not in OF_THE_NODE and not name.startswith(_PREFIXES)
    }


#: What bash sets itself and lets nobody change.
_READ_ONLY = {"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"}

#: How bash hands on a function, such as ``module``.
_FUNCTION = re.compile(r"BASH_FUNC_([\w.:-]+)(?:%%|\(\))")


def as_bash(environment: Mapping[str, str]) -> str:
    """Lines of bash that set these variables and functions."""
    lines = []
    for name, value in environment.items():
        if function := _FUNCTION.fullmatch(name):
            lines.append(f"{function[1]} {value}\nexport -f {function[1]}")
        elif re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and name not in _READ_ONLY:
            lines.append(f"export {name}={shlex.quote(value)}")
    return "".join(f"{line}\n" for line in lines)
