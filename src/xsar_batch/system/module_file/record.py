"""Writing a module file: what this process has imported, and what it looked for in vain."""

import importlib
import importlib.util
import marshal
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.machinery import ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from xsar_batch.system.atomic_write import published
from xsar_batch.system.module_file import start

#: Typeshed does not know its ``iter_importer_modules``.
_PKGUTIL: Any = pkgutil

#: Modules of other systems, for which the standard library looks at its start.
ELSEWHERE = {"_overlapped", "_scproxy", "_winapi", "java", "msvcrt", "nt", "winreg"}


class Record:
    """What is asked of the environment while it is watched."""

    def __init__(self) -> None:
        #: Snakemake adds folders to it.
        self.path = sys.path[1:]
        self.absent: set[str] = set()
        self.texts: dict[str, str | None] = {}
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
                    self._note_texts(importlib.import_module(name).PathDistribution, stack)
            self._note_lists(stack)
            yield

    def _note_texts(self, kind: Any, stack: ExitStack) -> None:
        read_text = kind.read_text

        def read_and_note(distribution: Any, filename: str) -> str | None:
            text = read_text(distribution, filename)
            self.texts[f"{distribution._path}/{filename}"] = text
            return text

        kind.read_text = read_and_note
        stack.callback(setattr, kind, "read_text", read_text)

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
        modules: dict[str, tuple[str, bool, tuple[int, int] | None]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        with published(path) as half, half.open("wb") as file:
            # Python runs the beginning and reads no further.
            file.write(importlib.util.MAGIC_NUMBER + bytes(12))
            marshal.dump(compile(Path(start.__file__).read_bytes(), start.__file__, "exec"), file)
            for name, origin, is_package, code in _modules(folders):
                place = None
                if code is not None:
                    data = marshal.dumps(code)
                    place = (file.tell(), len(data))
                    file.write(data)
                modules[name] = (origin, is_package, place)
            index: dict[str, Any] = {
                "modules": modules,
                "absent": frozenset((self.absent | ELSEWHERE) - set(modules)),
                "path": self.path,
                "texts": self.texts,
                "listed": self.listed,
            }
            begin = file.tell()
            marshal.dump(index, file)
            file.write(begin.to_bytes(8, "big"))


def _modules(folders: list[Path]) -> Iterator[tuple[str, str, bool, CodeType | None]]:
    """Name, path, whether it is a package, and the code; None if it is compiled."""
    for name, module in sorted(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if spec is None or spec.name != name or name == "__main__" or not spec.origin:
            continue
        if not any(map(Path(spec.origin).is_relative_to, folders)):
            continue
        is_package = spec.submodule_search_locations is not None
        if type(spec.loader) is ExtensionFileLoader:
            yield name, spec.origin, is_package, None
        elif type(spec.loader) is SourceFileLoader:
            yield name, spec.origin, is_package, spec.loader.get_code(name)
