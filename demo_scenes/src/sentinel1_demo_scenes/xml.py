"""XML as text: enough of it to write the metadata of a demo scene, the same bytes every time."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from textwrap import indent
from typing import SupportsFloat
from xml.sax.saxutils import escape, quoteattr

import numpy as np

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def tag(name: str, /, *content: object, **attributes: object) -> str:
    """An element: `content` is either elements made by this function, or one value as text.

    A trailing underscore of a keyword is dropped (`type_`), a double one stands for a colon.
    """
    text = "".join(
        f" {key.rstrip('_').replace('__', ':')}={quoteattr(str(value))}"
        for key, value in attributes.items()
    )
    if not content:
        return f"<{name}{text}/>"
    if isinstance(content[0], str) and content[0].startswith("<"):
        inner = "\n" + indent("\n".join(str(element) for element in content), "  ") + "\n"
    else:
        (value,) = content
        inner = escape(str(value))
    return f"<{name}{text}>{inner}</{name}>"


def tags(values: Mapping[str, object]) -> list[str]:
    """Elements with one value each."""
    return [tag(name, value) for name, value in values.items()]


def counted(name: str, items: Iterable[str]) -> str:
    """A list element of the annotations, which states its length."""
    items = list(items)
    return tag(name, *items, count=len(items))


def vector(name: str, values: np.ndarray, form: str = ".6e", parts: int = 1) -> str:
    """An element with numbers between blanks, which states how many they are.

    `parts` is 2 for complex numbers, whose real and imaginary parts alternate in `values`.
    """
    text = " ".join(format(value, form) for value in values.tolist())
    return tag(name, text, count=len(values) // parts)


def utc(time: datetime) -> str:
    """A time as the annotations write it: microseconds always, no time zone."""
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}"


def flag(value: bool) -> str:
    """A boolean of XML Schema."""
    return "true" if value else "false"


def number(value: SupportsFloat) -> str:
    """A number in full precision, as the annotations write it."""
    return f"{float(value):.15e}"
