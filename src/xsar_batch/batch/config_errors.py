"""What is wrong with a configuration, in sentences, each with the corrected line."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import yaml


def sentence(error: jsonschema.ValidationError, schema: Mapping[str, Any]) -> str:
    """One error as a sentence, and the line as it should be."""
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
    reason = _reason(error)
    corrected = _corrected(value, error)
    if corrected is not None:
        return f"{where or 'config'}: {reason}.\n    write:  {_line(name, corrected)}"
    return f"{where or 'config'}: {reason}.\n    write for example:  " + _line(
        name, _example(schema, path)
    )


def _reason(error: jsonschema.ValidationError) -> str:
    value, asked = error.instance, error.validator_value
    match error.validator:
        case "type":
            return f"{value!r} is not of type {_type_name(asked)}"
        case "enum":
            return f"{value!r} is none of {', '.join(map(str, asked))}"
        case "pattern":
            return f"{value!r} is not written as expected"
        case "minimum":
            return f"{value} is less than {asked}"
        case "maximum":
            return f"{value} is more than {asked}"
        case "minItems":
            return "the list is empty"
        case "minLength":
            return "it is empty"
    return error.message


def _unknown_key(where: str, key: str, value: Any, known: Mapping[str, Any]) -> str:
    prefix = f"{where}." if where else ""
    before, colon, after = str(key).partition(":")
    if colon and before in known:
        return f"{prefix}{key}: a blank is missing after the colon.\n    write:  {before}: {after}"
    close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    if close:
        return f"{prefix}{key}: there is no such key.\n    write:  {_line(close[0], value)}"
    return f"{prefix}{key}: there is no such key.\n    the keys are: {', '.join(known)}"


def _corrected(value: Any, error: Any) -> Any:
    """What the user most likely meant, or None."""
    if error.validator == "enum" and isinstance(value, str):
        return _closest(value, error.validator_value)
    if error.validator == "type" and isinstance(value, str) and value.isdigit():
        return int(value)
    at_resolution = list(error.absolute_path) == ["resolution"]
    if at_resolution and (number := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(k?)m?\s*", str(value))):
        metres = float(number[1]) * (1000 if number[2] else 1)
        return f"{metres:g}m" if metres >= 1 else None
    if error.validator in ("minimum", "maximum"):
        return error.validator_value
    return None


def _closest(value: str, choices: list[str]) -> str | None:
    """The choice most like ``value`` whatever its case; of several the first."""

    def likeness(choice: str) -> float:
        return difflib.SequenceMatcher(None, value.lower(), choice.lower()).ratio()

    best = max(choices, key=likeness)
    return best if likeness(best) >= 0.6 else None


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
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    # Of a bare value YAML marks the end.
    text = text.removesuffix("...\n").strip()
    return f"{key}: {text}"
