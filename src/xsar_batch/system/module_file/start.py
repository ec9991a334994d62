"""Start Python with modules from one file: ``python FILE -m MODULE …`` or ``python FILE SCRIPT …``.

This is what Python runs of a module file (see the package), so it may import nothing that the file
does not hold: what it needs is built into Python. Modules keep their names, paths and sources. What
the file does not know is looked for as always.
"""

import marshal
import sys

# importlib.machinery gives the same classes, after reading other files.
from _frozen_importlib_external import (
    ExtensionFileLoader,
    PathFinder,
    SourceFileLoader,
    spec_from_file_location,
)
from _io import FileIO
from posix import O_CLOEXEC, O_RDONLY, getcwd, lseek, open, pread

# The module `typing` takes too long, and is not needed to run.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

SEEK_END = 2


class Finder(PathFinder):
    """Takes the place of Python's own finder, and knows what that would find."""

    def __init__(self, known: "dict[str, Any]", descriptor: int) -> None:
        self.modules = known["modules"]
        self.absent = known["absent"]
        self.path = known["path"]
        self.texts = known["texts"]
        self.listed = known["listed"]
        self._descriptor = descriptor

    # Not of the class: what is known differs by file.
    def find_spec(  # type: ignore[override]
        self, name: str, path: "Any" = None, target: "Any" = None
    ) -> "Any":
        found = self.modules.get(name)
        if found is not None:
            file, is_package, place = found
            if place is None:
                return spec_from_file_location(name, file, loader=ExtensionFileLoader(name, file))
            inside = [file.rpartition("/")[0]] if is_package else None
            return spec_from_file_location(
                name,
                file,
                loader=Loader(name, file, self, place),
                submodule_search_locations=inside,
            )
        # Other folders were put on the path since: they may hold it.
        if name in self.absent and (path is not None or sys.path[1:] == self.path):
            return None
        return PathFinder.find_spec(name, path, target)

    def code(self, place: tuple[int, int]) -> "CodeType":
        offset, size = place
        return marshal.loads(pread(self._descriptor, size, offset))


class Loader(SourceFileLoader):
    """Loads a module's code from the file; all else, such as its source, as always."""

    def __init__(self, name: str, path: str, finder: Finder, place: tuple[int, int]) -> None:
        super().__init__(name, path)
        self._finder, self._place = finder, place

    def get_code(self, name: str) -> "CodeType | None":
        try:
            return self._finder.code(self._place)
        except (OSError, EOFError, ValueError, TypeError):
            return super().get_code(name)

    def exec_module(self, module: "ModuleType") -> None:
        super().exec_module(module)
        if module.__name__ in ("importlib.metadata", "importlib_metadata"):
            _remember_texts(module, self._finder.texts)
        elif module.__name__ == "pkgutil":
            _remember_lists(module, self._finder.listed)


def _remember_texts(metadata: "Any", texts: dict[str, str | None]) -> None:
    """Tell what stands in files of installed distributions, for entry points and versions."""
    read_text = metadata.PathDistribution.read_text

    def known(self: "Any", filename: str) -> str | None:
        key = f"{self._path}/{filename}"
        return texts[key] if key in texts else read_text(self, filename)

    metadata.PathDistribution.read_text = known


def _remember_lists(pkgutil: "Any", listed: dict[str, list[tuple[str, bool]]]) -> None:
    """Tell which modules are in the folders of the path, for who looks for plugins."""
    from _frozen_importlib_external import FileFinder

    list_modules = pkgutil.iter_importer_modules.registry[FileFinder]

    def known(importer: "Any", prefix: str = "") -> "Any":
        names = listed.get(importer.path)
        if names is None:
            return list_modules(importer, prefix)
        return [(prefix + name, is_package) for name, is_package in names]

    pkgutil.iter_importer_modules.register(FileFinder, known)


def use(path: str) -> None:
    """Have modules come from the file at ``path``, in this process."""
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    end = lseek(descriptor, 0, SEEK_END)
    index = int.from_bytes(pread(descriptor, 8, end - 8), "big")
    finder = Finder(marshal.loads(pread(descriptor, end - 8 - index, index)), descriptor)
    sys.meta_path[sys.meta_path.index(PathFinder)] = finder
    # -S: without the files that `site` reads.
    sys.path[1:] = finder.path


def main() -> None:
    """Be the module or the script that the arguments name."""
    use(sys.argv.pop(0))
    if sys.argv[0] == "-m":
        del sys.argv[0]
        sys.path[0] = getcwd()
        import runpy

        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return
    sys.path[0] = sys.argv[0].rpartition("/")[0] or "."
    with FileIO(sys.argv[0]) as file:
        code = compile(file.read(), sys.argv[0], "exec", dont_inherit=True)
    __main__ = type(sys)("__main__")
    __main__.__file__ = sys.argv[0]
    sys.modules["__main__"] = __main__
    exec(code, __main__.__dict__)


if __name__ == "__main__":
    main()
