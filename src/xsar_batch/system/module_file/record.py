"""Writing a module file: what this process has imported, and what it looked for in vain."""

import _imp
import importlib
import importlib.util
import marshal
import pkgutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.machinery import ExtensionFileLoader, FileFinder, PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xsar_batch.system.atomic_write import published
from xsar_batch.system.module_file import start

if TYPE_CHECKING:
    from xsar_batch.system.module_file.start import Place

#: Typeshed does not know its ``iter_importer_modules``.
_PKGUTIL: Any = pkgutil

#: Modules of other systems, for which the standard library looks at its start.
ELSEWHERE = {"_overlapped", "_scproxy", "_winapi", "java", "msvcrt", "nt", "winreg"}

#: Bytes of a compiled module that is copied. They are most, and as many MB as the code of all
#: modules; a process that loads them keeps them in its memory.
SMALL = 1 << 20


class Record:
    """What is asked of the environment while it is watched."""

    def __init__(self) -> None:
        #: Snakemake adds folders to it.
        self.path = sys.path[1:]
        self.absent: set[str] = set()
        self.texts: dict[str, str | None] = {}
        self.has_metadata: dict[str, bool] = {}
        self.children: dict[str, list[str]] = {}
        self.listed: dict[str, list[tuple[str, bool]]] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Be the last finder that is asked, and find nothing."""
        self.absent.add(name)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """From here on; all that is imported earlier is known all the same."""
        with ExitStack() as stack:
            sys.meta_path.append(self)
            stack.callback(sys.meta_path.remove, self)
            for name in ("importlib.metadata", "importlib_metadata"):
                with suppress(ImportError):
                    self._note_distributions(importlib.import_module(name), stack)
            self._note_lists(stack)
            yield

    def _note_distributions(self, metadata: Any, stack: ExitStack) -> None:
        """As :func:`.start._remember_distributions` tells it."""

        def note(kind: Any, method: str, answers: dict[str, Any], key: Callable[..., str]) -> None:
            ask = getattr(kind, method, None)
            if ask is None:
                return

            def ask_and_note(*words: Any) -> Any:
                answers[key(*words)] = answer = ask(*words)
                return answer

            setattr(kind, method, ask_and_note)
            stack.callback(setattr, kind, method, ask)

        kind = metadata.PathDistribution
        note(kind, "read_text", self.texts, lambda one, name: f"{one._path}/{name}")
        note(kind, "_has_metadata", self.has_metadata, lambda one: str(one._path))
        note(metadata.FastPath, "children", self.children, lambda one: str(one.root))

    def _note_lists(self, stack: ExitStack) -> None:
        list_modules = _PKGUTIL.iter_importer_modules.registry[FileFinder]

        def list_and_note(importer: FileFinder, prefix: str = "") -> Iterator[tuple[str, bool]]:
            names = list(list_modules(importer, ""))
            if importer.path in self.path:
                self.listed[importer.path] = names
            return ((prefix + name, is_package) for name, is_package in names)

        _PKGUTIL.iter_importer_modules.register(FileFinder, list_and_note)
        stack.callback(_PKGUTIL.iter_importer_modules.register, FileFinder, list_modules)

    def write(self, path: Path, folders: list[Path]) -> None:
        """Write a module file with all that is imported by now from these folders."""
        modules: dict[str, tuple[str, str, Place | None]] = {}
        copied = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        with published(path) as half, half.open("wb") as file:
            # Python runs the beginning and reads no further.
            code = compile(Path(start.__file__).read_bytes(), start.__file__, "exec")
            head = importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)
            file.write(head)
            for name, origin, kind, data in _modules(folders):
                place = None
                if data is not None:
                    place = (file.tell(), len(data), _imp.source_hash(0, data))
                    file.write(data)
                    copied.add(origin)
                modules[name] = (origin, kind, place)
            index = marshal.dumps(
                {
                    "environment": environment(),
                    "head": (0, len(head), _imp.source_hash(0, head)),
                    "modules": modules,
                    "absent": frozenset((self.absent | ELSEWHERE) - set(modules)),
                    "path": self.path,
                    "texts": self.texts,
                    "has_metadata": self.has_metadata,
                    "children": {
                        folder: list(names)
                        for folder, names in self.children.items()
                        if folder in self.path
                    },
                    "listed": self.listed,
                    "libraries": sorted(_libraries(folders) - copied),
                }
            )
            tail = file.tell().to_bytes(8, "big") + _imp.source_hash(0, index)
            file.write(index + tail)


def environment() -> dict[str, Any]:
    """What this Python is known by, and the folders in which is installed what it imports."""
    folders = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    return {
        "version": sys.version,
        "bin": str(Path(sys.executable).parent),
        "installed": [(folder, Path(folder).stat().st_mtime_ns) for folder in folders],
    }


def _libraries(folders: list[Path]) -> set[str]:
    """Files of these folders that are loaded."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    files = {fields[5] for fields in (line.split(None, 5) for line in lines) if len(fields) > 5}
    return {file for file in files if any(map(Path(file).is_relative_to, folders))}


def _modules(folders: list[Path]) -> Iterator[tuple[str, str, str, bytes | None]]:
    """Name, path, kind, and what is loaded: code, or a small library."""
    for name, module in sorted(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if spec is None and "." not in name:
            # It has put something else in its place.
            spec = PathFinder.find_spec(name)
        if spec is None or spec.name != name or name == "__main__" or not spec.origin:
            continue
        if not any(map(Path(spec.origin).is_relative_to, folders)):
            continue
        if type(spec.loader) is ExtensionFileLoader:
            library = Path(spec.origin)
            is_small = library.stat().st_size <= SMALL
            yield name, spec.origin, "compiled", library.read_bytes() if is_small else None
        elif type(spec.loader) is SourceFileLoader:
            code = spec.loader.get_code(name)
            assert code is not None
            kind = "module" if spec.submodule_search_locations is None else "package"
            yield name, spec.origin, kind, marshal.dumps(code)
