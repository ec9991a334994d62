"""The HTML of a report, from a template. Whatever comes from a SAFE or a log is text in it."""

import base64
import datetime as dt
import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from xsar_batch.conversion.layout import Layout
from xsar_batch.report import states
from xsar_batch.report.footprint_map import Map

_HERE = Path(__file__).parent


class Links:
    """Addresses of what stands beside the report, from where the report is."""

    def __init__(self, file: Path, layout: Layout) -> None:
        self._folder = file.absolute().parent
        self.status = self.to(layout.output_dir / "status.csv")
        self.logs = self.to(layout.logs)

    def to(self, path: Path) -> str:
        return quote(os.path.relpath(path.absolute(), self._folder))

    def log(self, name: str) -> str:
        return f"{self.logs}/{quote(name)}.log"


def render(links: Links, **shown: Any) -> str:
    """The whole page; ``shown`` are the variables of ``report.html.jinja``."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["plural"] = plural
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.jinja").render(
        links=links,
        states=states.STATES,
        fill=states.fill,
        now=dt.datetime.now(dt.UTC),
        style=Markup((_HERE / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=_data(shown["map"], links),
        drawing=Markup,
        **shown,
    )


def plural(count: int, one: str, many: str = "") -> str:
    """``1 SAFE``, ``2 SAFEs``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _data(drawn: Map, links: Links) -> dict[str, Any]:
    """What the script must know: all names, so that every SAFE can be found."""
    return {
        "linear": drawn.linear,
        "logs": links.logs,
        "layers": [
            {
                "state": layer.state,
                "sign": states.STATES[layer.state][0],
                "names": "\n".join(layer.names),
                "classes": "\n".join(layer.classes) if layer.state == "failed" else "",
            }
            for layer in drawn.layers
            if layer.names
        ],
    }
