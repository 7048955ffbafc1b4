"""Finding the source of an object, also of one that was defined in a cell of a notebook.

``inspect`` finds functions everywhere and classes in files only: the class of a cell has no file of
its own. But its methods know the cell that they were compiled from.
"""

import ast
import functools
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import NamedTuple

from course_lib.lab.stacks import display_name, is_cell


class Source(NamedTuple):
    """The text of one object, as it stands in its file but without common indentation."""

    file: str
    """As ``display_name`` gives it."""

    first: int
    """The number of its first line in the file, counted from 1."""

    lines: list[str]
    """Without line ends."""

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def source_of(obj: object) -> Source:
    """Return the source of a function, method, property, class or module.

    Raises TypeError for any other object, and for what has no source in Python.
    """
    obj = _with_code(obj)
    if not (isinstance(obj, (type, ModuleType)) or inspect.isroutine(obj)):
        raise TypeError(
            f"a function, a class or a module has a source, and no instance of {type(obj).__name__}"
        )
    try:
        if isinstance(obj, type):
            filename, first, lines = _class_source(obj)
        else:
            lines, first = inspect.getsourcelines(obj)
            filename = inspect.getsourcefile(obj) or ""
    except (OSError, TypeError):
        raise TypeError(f"{obj.__name__} has no source in Python") from None
    text = textwrap.dedent("".join(lines))
    return Source(display_name(filename), max(first, 1), text.splitlines())


def _with_code(obj: object) -> object:
    """Return what holds the code of a property, a partial or a decorated function."""
    if isinstance(obj, property):
        obj = obj.fget
    elif isinstance(obj, (functools.partial, functools.cached_property)):
        obj = obj.func
    return inspect.unwrap(obj) if callable(obj) else obj


Found = tuple[str, int, list[str]]
"""File name, number of the first line, lines."""


def _class_source(cls: type) -> Found:
    for filename in _cells_of(cls):
        if found := _class_in(filename, cls.__qualname__):
            return found
    lines, first = inspect.getsourcelines(cls)
    return inspect.getsourcefile(cls) or "", first, lines


def _cells_of(cls: type) -> Iterator[str]:
    """Yield the cells that may define the class: those of its methods, then all, the newest first.

    Of two classes of one name and without a method the newest is taken.
    """
    for member in vars(cls).values():
        function = _with_code(getattr(member, "__func__", member))
        if isinstance(function, FunctionType) and function.__qualname__.startswith(cls.__qualname__ + "."):
            if is_cell(function.__code__.co_filename):
                yield function.__code__.co_filename
    if cls.__module__ == "__main__":
        yield from (filename for filename in reversed(list(linecache.cache)) if is_cell(filename))


def _class_in(filename: str, qualname: str) -> Found | None:
    lines = linecache.getlines(filename)
    found = None
    for name, node in _classes(ast.parse("".join(lines))):
        if name == qualname:  # the last one counts, as it does when the cell runs
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found = filename, first, lines[first - 1 : node.end_lineno]
    return found


def _classes(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield all classes beneath ``node``, with their qualified names."""
    for child in ast.iter_child_nodes(node):
        inside = prefix
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child
            inside = f"{prefix}{child.name}."
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside = f"{prefix}{child.name}.<locals>."
        yield from _classes(child, inside)
