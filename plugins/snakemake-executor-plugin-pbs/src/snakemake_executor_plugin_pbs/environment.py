"""What a PBS job takes over of the environment in which snakemake was started.

``qsub -V`` would do that too, but qstat then prints the values, newlines and all, and its text
cannot be told apart from them.
"""

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
    "XDG_",
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
