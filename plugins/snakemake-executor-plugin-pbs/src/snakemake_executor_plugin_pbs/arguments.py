"""Command lines that Snakemake has put together, taken apart again."""

import ast
import re

#: A quoted part of a command line, as Python writes a string, or one without quotes.
_PART = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s'"]+""")


def words(command: str) -> list[str]:
    """Split a command line that Snakemake has put together: it quotes as Python does, which is
    not what a shell reads where there are quotes or backslashes within."""
    found: list[str] = []
    end = -1
    for part in _PART.finditer(command):
        text = _unquoted(part[0]) if part[0][0] in "'\"" else part[0]
        if part.start() == end:
            found[-1] += text
        else:
            found.append(text)
        end = part.end()
    return found


def _unquoted(text: str) -> str:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        # Quoted for a shell, where a backslash means itself.
        return text[1:-1]


def without(arguments: list[str], option: str) -> list[str]:
    """Arguments without an option and its values."""
    if option not in arguments:
        return arguments
    start = arguments.index(option)
    end = start + 1
    while end < len(arguments) and not arguments[end].startswith("--"):
        end += 1
    return arguments[:start] + arguments[end:]
