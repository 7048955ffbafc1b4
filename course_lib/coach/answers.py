"""``answer("6.1")``: what the learner has written, in use again where later exercises build on it.

An answer that passes is kept as a file of Python beside the file of the progress: its definition, and what
that needs of the notebook, such as imports, helpers and constants. The whole cell is not kept: it may hold a
call of ``check``, or print something.

Read progress_file.py first. Next: desk.py.
"""

import ast
import linecache
import symtable
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import Any

from course_lib.coach import progress_file
from course_lib.coach.exercises import find
from course_lib.lab.source import source_of

MARK = "__answer__"
"""The attribute of an object that ``answer`` has returned: from what it was made."""

LONGEST = 1000
"""So many characters of a constant are kept; a longer one is data, and no part of an answer."""


def answer(number: str, **names: Any) -> Any:
    """Return what you wrote for exercise ``number``, as it passed; the course's solution until it has.

    ``names`` take the place of what the answer means by them: ``answer("8.3", Future=Future)`` is your
    Task, made of the Future that is given here. Raises UnknownExercise.
    """
    exercise = find(number)
    code, file = progress_file.kept(exercise.id)
    why = f"{exercise.id} has not passed yet"
    if code:
        try:
            return _marked(built(code, file, names)[exercise.name], number, names)
        except Exception:  # it needs what was not kept, or another Python, or was changed by somebody
            why = f"your answer to {exercise.id} cannot be used outside its notebook"
    print(f"{why}, so this is the course's solution")  # noqa: T201
    made = built(exercise.solution, f"<solution {exercise.id}>", names)[exercise.name]
    return _marked(made, number, names)


def _marked(made: Any, number: str, names: dict[str, Any]) -> Any:
    setattr(made, MARK, (number, names))
    return made


def built(code: str, file: str, names: dict[str, Any]) -> dict[str, Any]:
    """Return all that ``code`` defines, with ``names`` in place of its own."""
    tree = ast.parse(code)
    tree.body = [statement for statement in tree.body if not _defines(statement, names)]
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    # In __main__ nothing is looked up by name: so it travels whole, as what is defined in a cell does.
    namespace = {"__name__": "__main__", **names}
    exec(compile(tree, file, "exec"), namespace)
    return namespace


def _defines(statement: ast.stmt, names: dict[str, Any]) -> bool:
    """Tell whether ``statement`` defines some of ``names``, and nothing else; make it so for an import."""
    match statement:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            aliases[:] = [each for each in aliases if (each.asname or each.name) not in names]
            return not aliases
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name in names
    return False


def keep(number: str, passed: Any) -> None:
    """Keep an answer that has passed."""
    with suppress(Exception):  # whatever a notebook holds: the answer has passed
        code = "\n\n".join(Kept(find(number).name, passed).parts)
        progress_file.keep(number, f"# Your answer to exercise {number}, as it passed.\n\n{code}\n")


class Kept:
    """The source of an object and of what it needs, in the order in which it can be run."""

    def __init__(self, name: str, obj: Any) -> None:
        self.parts: list[str] = []
        self._namespace = _globals_of(obj)
        self._seen: set[str] = set()
        self._add(name, obj)

    def _add(self, name: str, value: Any) -> None:
        if name in self._seen:
            return
        self._seen.add(name)
        if isinstance(value, ModuleType):
            self.parts.append(f"import {value.__name__} as {name}")
        elif _is_of_a_module(value):
            self.parts.append(f"from {value.__module__} import {value.__name__} as {name}")
        elif MARK in getattr(value, "__dict__", ()):  # its own: a class derived from it has another
            self._add_answer(name, *vars(value)[MARK])
        elif isinstance(value, (type, FunctionType)):
            self._add_definition(name, value)
        elif _is_constant(value):
            self.parts.append(f"{name} = {value!r}")
        else:
            self.parts.append(f"{name}  # a {type(value).__name__} of the notebook, which cannot be kept")

    def _add_definition(self, name: str, value: Any) -> None:
        code = source_of(value).text
        for needed in sorted(set(_globals_in(symtable.symtable(code, "answer", "exec")))):
            if needed in self._namespace:
                self._add(needed, self._namespace[needed])
        self.parts.append(code)
        if value.__name__ != name:
            self.parts.append(f"{name} = {value.__name__}")

    def _add_answer(self, name: str, number: str, names: dict[str, Any]) -> None:
        """An answer in an answer: ask for it again, so that it is the newest one."""
        for each in names:
            self._add(each, names[each])
        self._add("answer", answer)
        arguments = "".join(f", {each}={each}" for each in names)
        self.parts.append(f'{name} = answer("{number}"{arguments})')


def _globals_in(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that code uses and does not define in a scope of its own."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or table.get_type() == "module"):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _globals_in(inner)


def _globals_of(obj: Any) -> dict[str, Any]:
    for each in (obj, *vars(obj).values()):
        if isinstance(function := getattr(each, "__func__", each), FunctionType):
            return function.__globals__
    return vars(sys.modules["__main__"])


def _is_of_a_module(value: Any) -> bool:
    """Tell whether an import finds it."""
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if module == "__main__" or not isinstance(name, str):
        return False
    return getattr(sys.modules.get(module or ""), name, None) is value


def _is_constant(value: Any) -> bool:
    """Tell whether what ``repr`` says makes it anew."""
    try:
        text = repr(value)
        return len(text) <= LONGEST and bool(ast.literal_eval(text) == value)
    except (ValueError, SyntaxError):
        return False
