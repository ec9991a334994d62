"""The states of a SAFE and the classes of failures, in the words and signs of the report.

Every state has a sign and a pattern beside its colour, since colour alone tells some readers
nothing, and nobody on a page that was printed in black. The colours are of Okabe and Ito's set
(https://jfly.uni-koeln.de/color); they stand in ``report.css``, once for light and once for dark.
"""

#: State of :mod:`xsar_batch.batch.status` -> sign and what it means, in the order of the page.
STATES = {
    "done": ("✓", "the product is there and passed its checks"),
    "failed": ("✕", "the last attempt gave no product; why is told below"),
    "running": ("◐", "a run that is at work has begun it"),
    "pending": ("○", "not tried yet, or to be made again"),
}

#: Colour of a state where there is no page: those of ``report.css`` in the light.
COLOURS = {"done": "#0072b2", "failed": "#d55e00", "running": "#8a6d00", "pending": "#6b7480"}

#: Class of failure -> what to do about it.
ADVICE = {
    "bad-safe": "Get these SAFEs again. Trying again without that is useless, and costs under a "
    "second each.",
    "unsupported": "Leave this kind of product out by the setting select, or change resolution.",
    "bad-product": "The result did not pass its checks: see the log. With a function of your own, "
    "see there.",
    "out-of-memory": "Run again: every attempt asks for more memory.",
    "land-mask": "See the setting land_mask.",
    "disk-full": "Make room and type the same command again.",
    "timed-out": "It took longer than the rule's runtime. Run again: every attempt has more.",
    "config": "The settings, or the file of your function, changed during the run. Type the same "
    "command again.",
    "unknown": "Nobody foresaw this. The end of the log holds the traceback: read it, report it.",
    "killed": "The batch system or the kernel ended these, most often for memory or time. Run "
    "again; if it comes back, ask for more of both.",
    "interrupted": "Type the same command again.",
}
