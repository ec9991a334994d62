"""Start Python with modules from one file: ``python FILE -m MODULE …`` or ``python FILE SCRIPT …``.

This is what Python runs of a module file (see the package), so it may import nothing that the file
does not hold: what it needs is built into Python. Modules keep their names, paths and sources. What
the file does not know is looked for as always. A file that is damaged, or of another environment,
is not used: Python goes on as if it had been started without it.
"""

import marshal
import posix
import sys

# importlib.machinery gives the same classes, after reading other files.
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import (
    ExtensionFileLoader,
    PathFinder,
    SourceFileLoader,
    spec_from_file_location,
)
from _imp import create_dynamic, source_hash
from _io import FileIO
from _thread import start_new_thread
from posix import O_CLOEXEC, O_RDONLY, close, getcwd, lseek, open, pread, stat, write

# The module `typing` takes too long, and is not needed to run.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

    #: Offset, size and checksum.
    Place = tuple[int, int, bytes]

SEEK_END = 2

#: Bytes at the end: where the index begins, and its checksum.
TAIL = 16

#: Where files without a name can be made if Python has no ``memfd_create``, and how.
SHARED_MEMORY = "/dev/shm"
O_TMPFILE = 0o20200000

#: Names this file. The same as in the package, which is not imported yet.
VARIABLE = "PYTHON_STARTER"


class Finder(PathFinder):
    """Takes the place of Python's own finder, and knows what that would find."""

    def __init__(self, known: "dict[str, Any]", descriptor: int) -> None:
        self.modules = known["modules"]
        self.absent = known["absent"]
        self.path = known["path"]
        self.texts = known["texts"]
        self.has_metadata = known["has_metadata"]
        self.children = known["children"]
        self.listed = known["listed"]
        self.libraries = known["libraries"]
        self._descriptor = descriptor
        self._loaded = 0

    # Not of the class: what is known differs by file.
    def find_spec(  # type: ignore[override]
        self, name: str, path: "Any" = None, target: "Any" = None
    ) -> "Any":
        found = self.modules.get(name)
        if found is not None:
            file, kind, place = found
            if kind == "compiled":
                loader = CompiledLoader(name, file, self, place)
                return spec_from_file_location(name, file, loader=loader)
            inside = [file.rpartition("/")[0]] if kind == "package" else None
            return spec_from_file_location(
                name,
                file,
                loader=Loader(name, file, self, place),
                submodule_search_locations=inside,
            )
        if name in self.absent:
            # Folders that were put on the path since may hold it.
            path = [] if path is not None else [x for x in sys.path[1:] if x not in self.path]
            if not path:
                return None
        return PathFinder.find_spec(name, path, target)

    def look_ahead(self) -> None:
        """Have the kernel look up the libraries that are opened where they are installed."""
        for path in self.libraries:
            try:
                stat(path)
            except OSError:
                continue

    def read(self, place: "Place") -> bytes:
        """What stands at a place.

        Raises
        ------
        ValueError
            Something else stands there.
        """
        offset, size, checksum = place
        data = pread(self._descriptor, size, offset)
        if source_hash(0, data) != checksum:
            raise ValueError("the module file is damaged")
        return data

    def load_compiled(self, spec: "ModuleSpec", place: "Place") -> "ModuleType":
        """Load a compiled module from a file without a name, in memory."""
        data = self.read(place)
        if hasattr(posix, "memfd_create"):
            descriptor = posix.memfd_create(spec.name)
        else:
            descriptor = open(SHARED_MEMORY, O_TMPFILE | posix.O_RDWR | O_CLOEXEC, 0o700)
        try:
            if write(descriptor, data) != len(data):
                raise OSError("no memory")
            # The C library takes what has the name of something loaded for that, and descriptors
            # are used again: so each name has one slash more.
            self._loaded += 1
            path = f"/proc/self{'/' * self._loaded}fd/{descriptor}"
            module = create_dynamic(ModuleSpec(spec.name, spec.loader, origin=path))
        finally:
            close(descriptor)
        module.__file__ = spec.origin
        return module


class Loader(SourceFileLoader):
    """Loads a module's code from the file; all else, such as its source, as always."""

    def __init__(self, name: str, path: str, finder: Finder, place: "Place") -> None:
        super().__init__(name, path)
        self._finder, self._place = finder, place

    def get_code(self, name: str) -> "CodeType | None":
        try:
            return marshal.loads(self._finder.read(self._place))
        except (OSError, EOFError, ValueError, TypeError):
            return super().get_code(name)

    def exec_module(self, module: "ModuleType") -> None:
        super().exec_module(module)
        if module.__name__ in ("importlib.metadata", "importlib_metadata"):
            _remember_distributions(module, self._finder)
        elif module.__name__ == "pkgutil":
            _remember_lists(module, self._finder.listed)


class CompiledLoader(ExtensionFileLoader):
    """Loads a compiled module from the file; from where it is installed if it is not in the file,
    or does not load from there."""

    def __init__(self, name: str, path: str, finder: Finder, place: "Place | None") -> None:
        super().__init__(name, path)
        self._finder, self._place = finder, place

    def create_module(self, spec: "ModuleSpec") -> "ModuleType":
        if self._place is not None:
            try:
                return self._finder.load_compiled(spec, self._place)
            # Libraries beside it are found only from where it is installed.
            except (OSError, ValueError, ImportError):
                pass
        return super().create_module(spec)


def _remember(
    kind: "Any", method: str, answers: "dict[str, Any]", key: "Callable[..., str]"
) -> None:
    """Have a method of a class give the answer that is known for its arguments, if there is one."""
    ask: Any = getattr(kind, method, None)
    if ask is None:
        return

    def known(*words: "Any") -> "Any":
        about = key(*words)
        return answers[about] if about in answers else ask(*words)

    setattr(kind, method, known)


def _remember_distributions(metadata: "Any", finder: Finder) -> None:
    """Tell what is installed and what stands in its files, for entry points and versions."""
    kind = metadata.PathDistribution
    _remember(kind, "read_text", finder.texts, lambda one, name: f"{one._path}/{name}")
    _remember(kind, "_has_metadata", finder.has_metadata, lambda one: str(one._path))
    _remember(metadata.FastPath, "children", finder.children, lambda one: str(one.root))


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


def opened(path: str) -> "tuple[dict[str, Any], int]":
    """The index of the file at ``path``, and its descriptor.

    Raises
    ------
    OSError, ValueError
        The file cannot be read, or is not as it was written.
    """
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    end = lseek(descriptor, 0, SEEK_END) - TAIL
    tail = pread(descriptor, TAIL, max(end, 0))
    begin = int.from_bytes(tail[:8], "big")
    if begin < end:
        index = pread(descriptor, end - begin, begin)
        if source_hash(0, index) == tail[8:]:
            return marshal.loads(index), descriptor
    close(descriptor)
    raise ValueError("it is damaged")


def is_of(environment: "dict[str, Any]") -> bool:
    """Whether this Python, and what is installed for it, are as they were."""
    return (
        environment["version"] == sys.version
        and environment["bin"] == sys.executable.rpartition("/")[0]
        and all(stat(path).st_mtime_ns == age for path, age in environment["installed"])
    )


def use(path: str) -> Finder:
    """Have modules come from the file at ``path``, in this process.

    Raises
    ------
    OSError, ValueError
        The file cannot be read, is damaged, or is of another environment.
    """
    known, descriptor = opened(path)
    if not is_of(known["environment"]):
        close(descriptor)
        raise ValueError("it is of another environment, or of an earlier state of this one")
    finder = Finder(known, descriptor)
    sys.meta_path[sys.meta_path.index(PathFinder)] = finder
    # -S: without the files that `site` reads.
    sys.path[1:] = finder.path
    return finder


def _do_without(path: str, error: Exception) -> None:
    """Be a Python that was started without the file, and so are those that this one starts."""
    import os

    print(f"{path} is not used: {error}. Modules are imported as always.", file=sys.stderr)
    os.environ.pop(VARIABLE, None)
    if sys.flags.no_site:
        import site

        site.main()


def main() -> None:
    """Be the module or the script that the arguments name."""
    path = sys.argv.pop(0)
    is_module = sys.argv[0] == "-m"
    try:
        finder = use(path)
        if is_module:
            # A PBS job has time for that while it imports Snakemake. A script is a conversion's
            # client, and loads none.
            start_new_thread(finder.look_ahead, ())
    except (OSError, ValueError) as error:
        _do_without(path, error)
    if is_module:
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
