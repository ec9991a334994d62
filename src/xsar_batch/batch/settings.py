"""The settings of a run: checked once, in the main process, and said in sentences when wrong."""

import datetime as dt
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from xsar_batch.conversion.user_function import OURS
from xsar_batch.failures import ConfigError
from xsar_batch.sentinel1.cell_size import normalised

#: Keys under which a single value stands for a list of one.
LISTS = (
    *("safes", "exclude", "select.mission", "select.mode", "select.product_type"),
    *("select.polarisation", "select.state"),
)

#: Keys whose value is true or false.
SWITCHES = ("warm", "remake", "repairs", "quicklooks", "report")


@dataclass(frozen=True)
class Settings:
    """Settings with their defaults filled in and environment variables expanded.

    The meaning of each is in ``workflow/schemas/config.schema.yaml``; a test holds the defaults
    here and there in step. They stand here too because a job must know them without
    loading and checking the schema.
    """

    safes: tuple[str, ...]
    output_dir: Path
    select: dict[str, Any] = field(default_factory=dict)
    exclude: list[str] = field(default_factory=list)
    duplicates: str = "latest"
    resolution: str = "1000m"
    function: str = OURS
    land_mask: Path | None = None
    threads: int = 1
    compression: int = 4
    quicklooks: bool = True
    report: bool = True
    report_interval: int = 60
    warm: bool = True
    remake: bool = False
    repairs: bool = True

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], schema: Path | None = None, in_job: bool = False
    ) -> "Settings":
        """Read Snakemake's ``config``; with a ``schema`` it is checked against that first.

        A job reads less of it: the variables in ``safes`` may not be set where it runs.

        Raises
        ------
        ConfigError
            One or more sentences, each with the corrected line.
        """
        config = _normalised(config)
        if schema is not None:
            _check(config, schema)
        values = {**config, "safes": () if in_job else _expand_all("safes", config["safes"])}
        values["exclude"] = [] if in_job else [*_expand_all("exclude", config.get("exclude", []))]
        values["output_dir"] = Path(_expand("output_dir", config["output_dir"]))
        _check_name(values["output_dir"])
        if "land_mask" in config and not in_job:
            values["land_mask"] = Path(_expand("land_mask", config["land_mask"]))
        if "function" in config and not in_job:
            values["function"] = _expand("function", config["function"])
        if "resolution" in config:
            values["resolution"] = normalised(config["resolution"])
        # To JSON schema 2.0 is an integer too.
        values.update(
            {
                k: int(values[k])
                for k in ("threads", "compression", "report_interval")
                if k in values
            }
        )
        return cls(**values)

    def told(self) -> dict[str, str]:
        """All of them as texts for people."""
        return {one.name: _told(getattr(self, one.name)) for one in fields(self)}


def _told(value: Any) -> str:
    if isinstance(value, (str, Path)):
        return str(value)
    return ", ".join(value) if isinstance(value, tuple) else json.dumps(value, default=str)


def expand_variables(text: str) -> str:
    """Expand ``~``, ``$NAME`` and ``${NAME}``; a variable that is not set is a KeyError."""

    def value(match: re.Match) -> str:
        return os.environ[match[1] or match[2]]

    expanded = re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, text)
    try:
        return str(Path(expanded).expanduser()) if expanded.startswith("~") else expanded
    except RuntimeError:
        # The ~ of a user whom nobody knows: a name like any other.
        return expanded


def _expand_all(key: str, texts: list[str]) -> tuple[str, ...]:
    return tuple(_expand(key, text) for text in texts)


def _expand(key: str, text: str) -> str:
    try:
        return expand_variables(text)
    except KeyError as missing:
        name = missing.args[0]
        raise ConfigError(
            f"{key}: the environment variable ${name} in {text!r} is not set.\n"
            f"    set it first:  export {name}=/a/folder\n"
            f"    or write the path itself:  {key}: /a/folder"
        ) from None


def _check_name(output_dir: Path) -> None:
    path = str(output_dir)
    # Where it is relative, what is above counts too: jobs may run anywhere.
    whole = str(output_dir.absolute())
    if {"{", "}"} & set(path):
        what, without = "braces, which mean something to Snakemake", "{ and }"
    elif "\\" in whole:
        path, what, without = whole, "a backslash, which netCDF takes for a slash", "\\"
    elif "!" in whole:
        path, what, without = whole, "an exclamation mark, which means an archive to fiona", "!"
    elif re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", whole):
        path, what, without = repr(whole), "a control character", "line ends and the like"
    else:
        return
    raise ConfigError(f"output_dir: {path} contains {what}.\n    write a path without {without}")


def _normalised(config: Mapping[str, Any]) -> dict[str, Any]:
    """Undo what YAML does to dates and the command line to truth, and let a single value stand for
    a list of one."""
    normal = {key: value for key, value in config.items() if value is not None}
    if isinstance(normal.get("select"), Mapping):
        normal["select"] = {k: v for k, v in normal["select"].items() if v is not None}
    for path in LISTS:
        *parents, key = path.split(".")
        place = normal
        for parent in parents:
            place = place.get(parent, {})
        if isinstance(place, dict) and isinstance(place.get(key), str):
            place[key] = [place[key]]
    # Snakemake's --config hands these over as text.
    if str(normal.get("land_mask", "")).lower() in ("null", "none"):
        del normal["land_mask"]
    for key in SWITCHES:
        if str(normal.get(key)).lower() in ("true", "false"):
            normal[key] = str(normal[key]).lower() == "true"
    if isinstance(normal.get("select"), dict):
        for key in ("start", "stop"):
            when = normal["select"].get(key)
            if isinstance(when, (dt.date, dt.datetime)):
                normal["select"][key] = when.isoformat()
    return normal


def _check(config: Mapping[str, Any], schema_path: Path) -> None:
    # Imported here: a job has no use for either.
    import jsonschema
    import yaml

    from xsar_batch.batch import config_errors

    schema = yaml.safe_load(Path(schema_path).read_text())
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(config),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    if errors:
        # Of several missing keys each error tells all.
        raise ConfigError(
            "\n".join(dict.fromkeys(config_errors.sentence(e, schema) for e in errors))
        )
    select = config.get("select", {})
    times = {}
    for key in ("start", "stop"):
        if key in select:
            when = select[key]
            try:
                times[key] = dt.datetime.fromisoformat(when)
            except ValueError as error:
                raise ConfigError(
                    f"select.{key}: {when!r} is no date ({error}).\n"
                    f"    write for example:  {key}: 2024-03-01"
                ) from None
    if len(select.get("stop", "")) == len("2024-03-31"):
        # A day without a time counts whole.
        times["stop"] += dt.timedelta(days=1, seconds=-1)
    if len(times) == 2 and times["start"] > times["stop"]:
        raise ConfigError(
            f"select: start {select['start']} is after stop {select['stop']}.\n"
            f"    write:  start: {select['stop']}\n            stop: {select['start']}"
        )
