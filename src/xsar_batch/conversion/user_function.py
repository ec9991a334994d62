"""The function that converts a SAFE: ours, or one of the user's."""

import ast
import difflib
import hashlib
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

from xsar_batch.failures import ConfigError

OURS = "xsar_batch.l1b:l1b"


def identity(function: str) -> str:
    """Text that changes when the function does: its name and, of a file, a digest of the contents.

    Where the file is does not count. What the file imports does not count either: that is a
    limit which docs/own_function.md tells.

    Raises
    ------
    ConfigError
        The file or module is not there, or has no such function.
    """
    source, name = function.rsplit(":", 1)
    if not _is_file(source):
        origin = _find_module(function, source)
        # Of a compiled module the names are known only to its import.
        if origin and origin.endswith(".py"):
            _check_name(name, Path(origin).read_text(), source)
        return function
    text = _read(function, source)
    _check_name(name, text, source)
    return _identity_of(text, Path(source), name)


def load(function: str, expected: str) -> Callable:
    """Import and return the function; whatever its module raises on import is passed on.

    Raises
    ------
    ConfigError
        It is not the one whose identity is ``expected``: the file was changed meanwhile.
    """
    source, name = function.rsplit(":", 1)
    if not _is_file(source):
        return getattr(importlib.import_module(source), name)
    path = Path(source).resolve()
    text = _read(function, source)
    if _identity_of(text, Path(source), name) != expected:
        raise ConfigError(f"{source} was changed during the run: start it again")
    # A file may import its neighbours, as it could if it were run as a script.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    # Under a name that takes no other module's place, should the file be called xsar.py, and
    # registered, so that what it defines can be pickled and found by dataclasses.
    module = types.ModuleType(f"function_of_the_user_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    # This text and no other: the file, or a cached compilation of it, may be another by now.
    exec(compile(text, str(path), "exec"), module.__dict__)
    return getattr(module, name)


def _identity_of(text: str, path: Path, name: str) -> str:
    return f"{path.name}:{name} sha256:{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _is_file(source: str) -> bool:
    return source.endswith(".py") or "/" in source


def _read(function: str, source: str) -> str:
    try:
        return Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"function: cannot read {source}: {reason}\n"
            "    relative paths start at the folder where snakemake runs; write for example:"
            f"  function: {Path.cwd() / 'my_function.py'}:{function.rsplit(':', 1)[1]}"
        ) from None


def _find_module(function: str, module: str) -> str | None:
    """File of a module, which is not imported for that (its packages are)."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise ConfigError(
            f"function: there is no module {module!r} in this Python environment.\n"
            f"    write:  function: {OURS}    (ours)\n"
            f"    or:     function: path/to/file.py:{function.rsplit(':', 1)[1]}"
        )
    return spec.origin


def _check_name(name: str, text: str, source: str) -> None:
    """Check that Python code binds ``name`` outside of functions and classes.

    The code is read, not run: it may import xsar.
    """
    try:
        nodes = list(_top_level(ast.parse(text, source)))
    except SyntaxError as error:
        raise ConfigError(
            f"function: {source}, line {error.lineno}: {error.msg}\n"
            f"    check it with:  python -m py_compile {source}"
        ) from None
    functions = sorted(n.name for n in nodes if isinstance(n, ast.FunctionDef))
    names = {*functions, *(n.id for n in nodes if isinstance(n, ast.Name))}
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    # What a star brings in is not known without a run.
    if name not in names and "*" not in names:
        meant = difflib.get_close_matches(name, functions, n=1, cutoff=0) or functions or ["l1b"]
        raise ConfigError(
            f"function: {source} defines no {name!r} "
            f"(its functions: {', '.join(functions) or 'none'}).\n"
            f"    write:  function: {source}:{meant[0]}"
        )


def _top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes outside of functions and classes, those below ``if`` and ``try`` too."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _top_level(node)
