"""What users can set: each field is an option ``--logger-progress-...`` and a key of profiles."""

# ruff: noqa: UP045 - Snakemake reads the types of these fields, and knows Optional but not "| None".

from dataclasses import dataclass, field
from typing import Any, Optional

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning, "env_var": False, "required": False})


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Settings of what is shown."""

    rules: Optional[str] = _setting(
        None,
        "Rules whose jobs are counted, separated by commas. Unset: all, as Snakemake counts. "
        "Failures of others are shown all the same.",
    )
    interval: int = _setting(
        60, "Seconds between two lines where there is no terminal, such as in a file."
    )
    everything: bool = _setting(
        False, "Show all that Snakemake says too, as it does without this logger."
    )

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises
        ------
        WorkflowError
            The interval is too short.
        """
        if self.interval < 1:
            raise WorkflowError(
                f"logger-progress-interval: {self.interval} is less than 1. "
                "Write for example: logger-progress-interval: 1"
            )

    @property
    def counted(self) -> frozenset[str]:
        """Names of the rules that are counted; empty for all."""
        return frozenset(name.strip() for name in (self.rules or "").split(",")) - {""}
