"""The table of settings for README.md, made from the schema.

print it:  python -m xsar_batch.batch.settings_table
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

SCHEMA = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"


def table(schema: Mapping[str, Any]) -> Iterator[str]:
    """Lines of the table: key, default, meaning. Keys of a section follow it, with a dot."""
    yield "| setting | default | meaning |"
    yield "| --- | --- | --- |"
    yield from _rows(schema, "")


def _rows(section: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, setting in section["properties"].items():
        default = f"`{json.dumps(setting['default'])}`" if "default" in setting else ""
        if f"{prefix}{key}" in section.get("required", []):
            default = "(needed)"
        meaning = " ".join(setting["description"].split()).replace("|", "\\|")
        yield f"| `{prefix}{key}` | {default} | {meaning} |"
        if "properties" in setting:
            yield from _rows(setting, f"{prefix}{key}.")


if __name__ == "__main__":
    schema = yaml.safe_load((Path(sys.argv[1]) if sys.argv[1:] else SCHEMA).read_text())
    print("\n".join(table(schema)))
