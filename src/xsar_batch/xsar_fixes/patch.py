"""Replacing something of a library, and putting it back."""

from inspect import getattr_static
from types import ModuleType
from typing import Any


class Patch:
    """``ours`` in the place of what ``owner``, a class, a module or a table, holds under ``name``.

    ``plain`` is what was found there when this was made.
    """

    def __init__(self, owner: type | ModuleType | dict, name: str, ours: Any) -> None:
        self.owner, self.name, self.ours = owner, name, ours
        self.plain = owner[name] if isinstance(owner, dict) else getattr_static(owner, name)
        self._is_inherited = not isinstance(owner, dict) and name not in vars(owner)

    def apply(self) -> None:
        """Replace it."""
        self._put(self.ours)

    def remove(self) -> None:
        """Undo :meth:`apply`."""
        if not self._is_inherited:
            self._put(self.plain)
        elif self.name in vars(self.owner):
            delattr(self.owner, self.name)

    def _put(self, value: Any) -> None:
        if isinstance(self.owner, dict):
            self.owner[self.name] = value
        else:
            setattr(self.owner, self.name, value)
