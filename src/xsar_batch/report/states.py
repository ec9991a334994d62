"""The states of a SAFE and the classes of failures, in the words and signs of the report.

Every state has a sign and a pattern beside its colour, since colour alone tells some readers
nothing, and nobody on a page that was printed in black. The colours are of Okabe and Ito's set
(https://jfly.uni-koeln.de/color); they stand in ``report.css``, once for light and once for dark.
"""

from xsar_batch.failures import CLASSES, Killed

#: State of :mod:`xsar_batch.batch.status` -> sign and what it means, in the order of the page.
STATES = {
    "done": ("✓", "the product is there and passed its checks"),
    "failed": ("✕", "the last attempt gave no product; why is told below"),
    "running": ("◐", "a run that is at work has begun it"),
    "pending": ("○", "not tried yet, or to be made again"),
}

#: Colour of a state where there is no page: those of ``report.css`` in the light.
COLOURS = {"done": "#0072b2", "failed": "#d55e00", "running": "#8a6d00", "pending": "#6b7480"}


def _sentence(remedy: str) -> str:
    return f"{remedy[0].upper()}{remedy[1:]}.".replace("`", "")


#: Class of failure -> what to do about it.
ADVICE = {
    **{cls.name: _sentence(cls.remedy) for cls in CLASSES},
    Killed.name: _sentence(Killed.remedy),
    "interrupted": "Repeat the command.",
}
