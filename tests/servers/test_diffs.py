"""The promise that neighbors are alike: a diff of two rungs shows the new idea, and little else."""

import ast
import difflib
import inspect
from pathlib import Path

import pytest

from course_lib.servers import LADDER
from tests.helpers import ROOT

SERVERS = ROOT / "course_lib" / "servers"
CORE = sorted(
    path
    for name in (
        "conversation.py",
        "framing.py",
        "chat.py",
        "clients.py",
        "listening.py",
        "waker.py",
        "servers",
        "eventloop",
        "eventloop/aio",
    )
    for path in (
        [ROOT / "course_lib" / name] if name.endswith(".py") else (ROOT / "course_lib" / name).glob("*.py")
    )
)


def code_lines(path: Path) -> list[str]:
    """Return the lines of code, one statement a line, without comments and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            body[:] = [statement for statement in body if not is_text(statement)]
    return [line for line in ast.unparse(tree).splitlines() if line.strip()]


def is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def changed(one: str, other: str) -> list[str]:
    """Return the lines that a diff of two rungs marks with - or +."""
    diff = difflib.ndiff(code_lines(SERVERS / one), code_lines(SERVERS / other))
    return [line for line in diff if line[0] in "-+"]


# Measured, and a little room. A larger number needs a reason, and a look at the diff.
@pytest.mark.parametrize(
    ("one", "other", "bound"),
    [
        ("select_loop.py", "poll_loop.py", 50),
        ("poll_loop.py", "epoll_loop.py", 27),
        ("epoll_loop.py", "selectors_loop.py", 61),
        ("blocking.py", "threaded.py", 23),
        ("threaded.py", "thread_pool.py", 34),
        ("threaded.py", "coroutines.py", 66),
    ],
)
def test_neighbors_are_alike(one: str, other: str, bound: int) -> None:
    lines = changed(one, other)
    print(*lines, sep="\n")
    assert 0 < len(lines) <= bound


NEIGHBORS = [
    ("blocking", "threaded"),
    ("threaded", "thread_pool"),
    ("nonblocking", "select"),
    ("select", "poll"),
    ("poll", "epoll"),
    ("epoll", "selectors"),
    ("selectors", "reactor"),
    ("threaded", "coroutines"),
    ("coroutines", "asyncio_streams"),
    ("reactor", "asyncio_protocol"),
    ("asyncio_streams", "asyncio_protocol"),
]


@pytest.mark.parametrize(("one", "other"), NEIGHBORS)
def test_methods_have_the_same_names_in_the_same_order(one: str, other: str) -> None:
    classes = {server.name: server for server in LADDER}
    first, second = (
        [name for name, value in vars(classes[rung]).items() if inspect.isfunction(value)]
        for rung in (one, other)
    )
    assert [name for name in first if name in second] == [name for name in second if name in first]
    if one in ("select", "poll"):
        assert first == second


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_a_file_fits_on_a_few_screens(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 150


def test_the_core_is_found() -> None:
    assert {"conversation.py", "framing.py", "clients.py", "select_loop.py"} <= {path.name for path in CORE}
