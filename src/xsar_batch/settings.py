"""The settings of a run: checked once, in the main process, and said in sentences when wrong."""

import datetime as dt
import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .failures import ConfigError

#: Keys under which a single value stands for a list of one.
LISTS = ("safes", "select.mission", "select.mode", "select.product_type", "select.polarisation")


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
    duplicates: str = "latest"
    resolution: str = "1000m"
    function: str = "xsar_batch.l1b:l1b"
    land_mask: Path | None = None
    threads: int = 1
    compression: int = 4

    @classmethod
    def from_config(cls, config: Mapping[str, Any], schema: Path | None = None) -> "Settings":
        """Read Snakemake's ``config``; with a ``schema`` it is checked against that first.

        Raises
        ------
        ConfigError
            One or more sentences, each with the corrected line.
        """
        config = _normalised(config)
        if schema is not None:
            _check(config, schema)
        values = {**config, "safes": tuple(_expand("safes", s) for s in config["safes"])}
        values["output_dir"] = Path(_expand("output_dir", config["output_dir"]))
        if config.get("land_mask"):
            values["land_mask"] = Path(_expand("land_mask", config["land_mask"]))
        if "function" in config:
            values["function"] = _expand("function", config["function"])
        return cls(**values)


def expand_variables(text: str) -> str:
    """Expand ``~``, ``$NAME`` and ``${NAME}``; a variable that is not set is a KeyError."""

    def value(match: re.Match) -> str:
        return os.environ[match[1] or match[2]]

    expanded = re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, text)
    return str(Path(expanded).expanduser()) if expanded.startswith("~") else expanded


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


def _normalised(config: Mapping[str, Any]) -> dict[str, Any]:
    """Undo what YAML does to dates, and let a single value stand for a list of one."""
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

    schema = yaml.safe_load(Path(schema_path).read_text())
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(config),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    if errors:
        raise ConfigError("\n".join(_sentence(error, schema) for error in errors))
    for key in ("start", "stop"):
        when = config.get("select", {}).get(key)
        if when:
            try:
                dt.datetime.fromisoformat(when)
            except ValueError as error:
                raise ConfigError(
                    f"select.{key}: {when!r} is no date ({error}).\n"
                    f"    write for example:  {key}: 2024-03-01"
                ) from None


def _sentence(error: Any, schema: Mapping[str, Any]) -> str:
    """One jsonschema error as a sentence and the line as it should be."""
    path = [part for part in error.absolute_path if isinstance(part, str)]
    where = ".".join(path)
    if error.validator == "additionalProperties":
        return "\n".join(
            _unknown_key(where, key, error.instance[key], error.schema["properties"])
            for key in error.instance
            if key not in error.schema["properties"]
        )
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return "\n".join(
            f"{key}: is missing.\n    write for example:  {_line(key, _example(schema, [key]))}"
            for key in missing
        )
    value, name = error.instance, path[-1] if path else "config"
    reasons = {
        "type": f"{value!r} is not of type {_type_name(error.validator_value)}",
        "enum": f"{value!r} is none of {', '.join(map(str, error.validator_value or []))}"
        if error.validator == "enum"
        else "",
        "pattern": f"{value!r} is not written as expected",
        "minimum": f"{value} is less than {error.validator_value}",
        "maximum": f"{value} is more than {error.validator_value}",
        "minItems": "the list is empty",
        "minLength": "it is empty",
    }
    reason = reasons.get(error.validator, error.message)
    corrected = _corrected(value, error)
    if corrected is not None:
        return f"{where or 'config'}: {reason}.\n    write:  {_line(name, corrected)}"
    return f"{where or 'config'}: {reason}.\n    write for example:  " + _line(
        name, _example(schema, path)
    )


def _unknown_key(where: str, key: str, value: Any, known: Mapping[str, Any]) -> str:
    prefix = f"{where}." if where else ""
    close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    if close:
        return f"{prefix}{key}: there is no such key.\n    write:  {_line(close[0], value)}"
    return f"{prefix}{key}: there is no such key.\n    the keys are: {', '.join(known)}"


def _corrected(value: Any, error: Any) -> Any:
    """What the user most likely meant, or None."""
    if error.validator == "enum" and isinstance(value, str):
        close = difflib.get_close_matches(value.upper(), map(str, error.validator_value), n=1)
        close = close or difflib.get_close_matches(value.lower(), error.validator_value, n=1)
        return close[0] if close else None
    if error.validator == "type" and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    at_resolution = list(error.absolute_path) == ["resolution"]
    if at_resolution and (number := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(k?)m?\s*", str(value))):
        metres = float(number[1]) * (1000 if number[2] else 1)
        return f"{metres:g}m" if metres > 0 else None
    if error.validator in ("minimum", "maximum"):
        return error.validator_value
    return None


def _example(schema: Mapping[str, Any], path: list[str]) -> Any:
    place = schema
    for key in path:
        place = place.get("properties", {}).get(key, {})
    return place.get("examples", [None])[0]


def _type_name(types: Any) -> str:
    names = {"array": "list", "object": "section", "string": "text", "null": "null"}
    types = [types] if isinstance(types, str) else types
    return " or ".join(names.get(t, t) for t in types)


def _line(key: str, value: Any) -> str:
    """A setting as a line of YAML."""
    import yaml

    text = yaml.safe_dump({key: value}, default_flow_style=None, width=10_000, sort_keys=False)
    return text.strip()
