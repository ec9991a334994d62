"""The HTML of a report, from a template, with all that it needs inside."""

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from xsar_batch.conversion.layout import Layout

_ASSETS, _VENDOR = Path(__file__).parent / "assets", Path(__file__).parent / "vendor"

#: Libraries, in the order in which they need each other.
LIBRARIES = ("d3.min.js", "plot.umd.min.js", "tabulator.min.js")

#: Our own, which become one script.
SCRIPTS = ("core.js", "table.js", "map.js", "charts.js", "failures.js", "facts.js", "live.js")

STYLES = (_VENDOR / "tabulator.min.css", _ASSETS / "report.css")


def data_file(report: Path) -> Path:
    """What a page that renews itself loads."""
    return report.with_name(f"{report.stem}-data.js")


def links(report: Path, layout: Layout) -> dict[str, str]:
    """Addresses of what stands beside the report, from where the report is."""
    folder = report.absolute().parent

    def to(path: Path) -> str:
        return quote(os.path.relpath(path.absolute(), folder))

    return {
        "status": to(layout.status),
        "logs": to(layout.logs),
        "quicklooks": to(layout.quicklooks),
        "products": to(layout.output_dir),
        "data": quote(data_file(report).name),
    }


def render(data: Mapping[str, Any], text: str) -> str:
    """The whole page; ``text`` is ``data`` as JSON."""
    states = data["columns"]["state"]
    counts = Counter(states["of"][place] for place in states["at"])
    scripts, style = _parts()
    return _template().render(
        data=data,
        counts={state: counts[state] for state in data["states"]},
        total=len(states["at"]),
        json=Markup(text),
        style=style,
        scripts=[script for script, _ in scripts],
        hashes=[digest for _, digest in scripts],
    )


@cache
def _parts() -> tuple[list[tuple[Markup, str]], Markup]:
    """Scripts with their digests for the policy, and the style."""
    ours = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)
    texts = [(_VENDOR / name).read_text(encoding="utf-8") for name in LIBRARIES]
    texts.append(f'"use strict";\n(() => {{\n{ours}\n}})();\n')
    scripts = [
        (Markup(text), base64.b64encode(hashlib.sha256(text.encode()).digest()).decode())
        for text in texts
    ]
    return scripts, Markup("\n".join(file.read_text(encoding="utf-8") for file in STYLES))


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")
