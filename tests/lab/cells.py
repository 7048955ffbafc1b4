"""Code that looks as if it came from a cell of a notebook."""

import itertools
import linecache
import textwrap
from typing import Any

_numbers = itertools.count(1)


def run_cell(source: str, **names: Any) -> dict[str, Any]:
    """Run ``source`` as ipykernel runs a cell, with ``names`` defined; return all that is defined then.

    Its file does not exist: the lines are in linecache only, and the module is ``__main__``.
    """
    source = textwrap.dedent(source).lstrip("\n")
    filename = f"/tmp/ipykernel_1234/{next(_numbers)}.py"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = {"__name__": "__main__", **names}
    exec(compile(source, filename, "exec"), namespace)
    return namespace
