"""The order of course_lib/README.md is one in which nothing in eventloop/ is used before it has been read."""

import ast
import re
from pathlib import Path

import pytest

from tests.helpers import ROOT

PACKAGE = ROOT / "course_lib"
LINKS = re.findall(r"\]\(([\w/]+\.py)\)", (PACKAGE / "README.md").read_text(encoding="utf-8"))
ORDER = [name for name in LINKS if name.startswith("eventloop/") and not name.endswith("__init__.py")]
BEFORE = {"waker.py", "listening.py"}
"""Read with the servers, before all of these."""


def used(path: Path) -> set[str]:
    """Return the files of course_lib that a file needs when it is loaded; not those for its types only."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_lib."):
            found.add(f"{'/'.join(node.module.split('.')[1:])}.py")
    return found


def neighbors(path: Path) -> list[tuple[str, str]]:
    """Return what the docstring says of the way, as ("Read", file) and ("Next", file)."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    found = []
    for word, names in re.findall(r"(Read|Next:) ([\w/.]+\.py(?: and [\w/.]+\.py)*)", text):
        found += [
            (word.rstrip(":"), (path.parent / name).resolve().relative_to(PACKAGE).as_posix())
            for name in names.split(" and ")
        ]
    return found


def test_all_files_are_in_the_order():
    files = {path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "eventloop").rglob("*.py")}
    assert {name for name in files if not name.endswith("__init__.py")} == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("name", ORDER)
def test_what_a_file_uses_has_been_read(name: str):
    read = {*ORDER[: ORDER.index(name)], *BEFORE}
    assert used(PACKAGE / name) <= read


@pytest.mark.parametrize("name", ORDER)
def test_the_way_that_a_file_names_is_the_order(name: str):
    place = {each: number for number, each in enumerate(ORDER)}
    for word, other in neighbors(PACKAGE / name):
        assert (PACKAGE / other).is_file()
        if other in place:
            assert (place[other] < place[name]) == (word == "Read"), f"{word} {other}"
