"""Code on display: the lines that run, where they stand, and what another version changes."""

import asyncio
import functools
import socket

import pytest

from course_lib.lab.show import show
from course_lib.servers import blocking, connection, poll_loop, select_loop
from course_lib.servers.blocking import BlockingServer
from tests.helpers import ROOT
from tests.lab.cells import run_cell

BLOCKING = "course_lib/servers/blocking.py"


def lines_of(path: str, first: int, last: int) -> str:
    return "\n".join((ROOT / path).read_text().splitlines()[first - 1 : last])


def numbers_in(heading: str) -> tuple[int, int]:
    first, _, last = heading.rpartition("lines ")[2].partition("-")
    return int(first), int(last)


def test_a_class_is_shown_with_a_link_to_its_lines():
    shown = show(BlockingServer)
    first, last = numbers_in(shown.heading)
    assert shown.heading == f"[`{BLOCKING}`](../{BLOCKING}#L{first}-L{last}), lines {first}-{last}"
    assert shown.code == lines_of(BLOCKING, first, last)
    assert shown.code.startswith("class BlockingServer(Server):\n")
    assert shown.code.endswith("self.blocked.wake()")


def test_the_two_forms_that_a_notebook_gets():
    shown = show(BlockingServer.wake)
    code = "def wake(self) -> None:\n    self.blocked.wake()"
    assert repr(shown) == code
    assert shown._repr_markdown_() == f"{shown.heading}\n\n```python\n{code}\n```"


def test_a_method_loses_its_indentation_and_keeps_its_lines():
    shown = show(BlockingServer.serve)
    first, last = numbers_in(shown.heading)
    assert shown.code != lines_of(BLOCKING, first, last)
    assert [line.strip() for line in shown.code.splitlines()] == [
        line.strip() for line in lines_of(BLOCKING, first, last).splitlines()
    ]


def test_a_module():
    text = (ROOT / BLOCKING).read_text()
    assert show(blocking).code == text.rstrip("\n")
    assert show(blocking).heading.endswith(f", lines 1-{len(text.splitlines())}")


def test_a_property_shows_its_function():
    assert show(connection.Connection.done).code.startswith("@property\ndef done(self)")


def test_a_partial_shows_its_function():
    assert show(functools.partial(BlockingServer.wake)).code == show(BlockingServer.wake).code


def test_a_single_line():
    shown = show(run_cell("answer = lambda: 42")["answer"])
    assert shown.heading == "a cell of this notebook, line 1"
    assert shown.code == "answer = lambda: 42"


def test_the_standard_library_has_a_place_and_no_link():
    shown = show(asyncio.BaseEventLoop.run_forever)
    assert shown.heading.startswith("`asyncio/base_events.py`, lines ")
    assert shown.code.startswith("def run_forever(self):")


def test_a_package_has_a_place_and_no_link():
    assert show(pytest.approx).heading.startswith("`_pytest/")


def test_any_other_file_is_named_without_its_path():
    assert show(lines_of).heading.startswith("`test_show.py`, lines ")


@pytest.mark.parametrize("obj", [BlockingServer, blocking, asyncio.run, lines_of, pytest.approx])
def test_no_path_of_this_machine(obj):
    heading = show(obj).heading
    assert str(ROOT) not in heading
    assert "`/" not in heading
    assert "site-packages" not in heading


def test_a_source_that_holds_a_fence():
    shown = show(run_cell("def f():\n    '''\n    ```\n    code\n    ```\n    '''")["f"])
    first, *_, last = shown._repr_markdown_().splitlines()[2:]
    assert (first, last) == ("````python", "````")


# --- cells ------------------------------------------------------------------------------

CELL = """
    import functools
    from dataclasses import dataclass

    def decorated(cls):
        return cls

    class First:
        def method(self):
            return 1

    @decorated
    class Second(First):

        attribute = 1

        def other(self):
            return 2

        class Inner:
            def method(self):
                return 3

    @dataclass
    class Fields:
        number: int = 0

    @functools.cache
    def cached():
        return 4
    """


@pytest.mark.parametrize(
    ("name", "lines", "start", "end"),
    [
        ("First", (7, 9), "class First:", "        return 1"),
        ("Second", (11, 21), "@decorated\nclass Second(First):\n\n    attribute = 1", "            return 3"),
        ("Fields", (23, 25), "@dataclass\nclass Fields:", "    number: int = 0"),
        ("cached", (27, 29), "@functools.cache\ndef cached():", "    return 4"),
    ],
)
def test_what_a_cell_defines(name, lines, start, end):
    shown = show(run_cell(CELL)[name])
    assert shown.heading == f"a cell of this notebook, lines {lines[0]}-{lines[1]}"
    assert shown.code.startswith(start)
    assert shown.code.endswith(end)


def test_a_class_inside_a_class_of_a_cell():
    inner = run_cell(CELL)["Second"].Inner
    assert show(inner).code == "class Inner:\n    def method(self):\n        return 3"


def test_a_class_inside_a_function_of_a_cell():
    cell = run_cell("def make():\n    class Local:\n        def f(self):\n            pass\n    return Local")
    assert show(cell["make"]()).code == "class Local:\n    def f(self):\n        pass"


def test_each_of_two_cells_shows_its_own_class():
    old = run_cell("class Same:\n    def f(self):\n        return 'old'")["Same"]
    new = run_cell("class Same:\n    def f(self):\n        return 'new'")["Same"]
    assert "'old'" in show(old).code
    assert "'new'" in show(new).code


def test_a_class_without_methods_is_that_of_the_newest_cell():
    run_cell("class Empty:\n    value = 'old'")
    new = run_cell("class Empty:\n    value = 'new'")["Empty"]
    assert "'new'" in show(new).code


def test_a_class_that_a_cell_defines_twice_is_the_last():
    cell = run_cell("class Twice:\n    def f(self): return 1\n\nclass Twice:\n    def f(self): return 2")
    assert show(cell["Twice"]).code == "class Twice:\n    def f(self): return 2"


def test_a_borrowed_method_does_not_lead_to_the_wrong_cell():
    lender = run_cell("class Lender:\n    def f(self):\n        return 1\n\nclass Taker:\n    wrong = 1")[
        "Lender"
    ]
    taker = run_cell("class Taker:\n    f = Lender.f", Lender=lender)["Taker"]
    assert show(taker).code == "class Taker:\n    f = Lender.f"


# --- no source ----------------------------------------------------------------------------


@pytest.mark.parametrize("obj", [len, socket.socket.recv, dict, type("Made", (), {"__module__": "__main__"})])
def test_what_has_no_source_in_python(obj):
    with pytest.raises(TypeError, match=f"^{obj.__name__} has no source in Python$"):
        show(obj)


@pytest.mark.parametrize("obj", [3, "blocking", None])
def test_an_instance_has_no_source(obj):
    message = f"^a function, a class or a module has a source, and no instance of {type(obj).__name__}$"
    with pytest.raises(TypeError, match=message):
        show(obj)


# --- two objects --------------------------------------------------------------------------


def test_a_difference():
    cell = run_cell(
        """
        def one(sock):
            first = 1
            second = 2
            third = 3
            data = sock.recv(10)
            return data

        def two(sock):
            first = 1
            second = 2
            third = 3
            data = sock.recv(20)
            return data
        """
    )
    shown = show(cell["one"], cell["two"])
    assert shown.code == (
        "@@ def two @@\n-def one(sock):\n+def two(sock):\n     first = 1\n"
        "@@ def two @@\n     third = 3\n-    data = sock.recv(10)\n+    data = sock.recv(20)\n"
        "     return data"
    )
    assert shown.language == "diff"
    assert shown.heading == "a cell of this notebook, lines 1-6 → a cell of this notebook, lines 8-13"


def test_what_is_left_out_stands_under_the_name_where_it_was():
    first = run_cell(
        "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        x = 1\n        return 2"
    )
    second = run_cell("class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2")
    assert show(first["A"], second["A"]).code.startswith("@@ def g @@\n     def g(self):\n-        x = 1\n")


def test_no_difference():
    assert show(BlockingServer, BlockingServer).code == "no difference"


def test_the_docstrings_of_modules_are_left_out_of_a_difference():
    code = show(select_loop, poll_loop).code
    assert select_loop.__doc__.splitlines()[0] in (ROOT / "course_lib/servers/select_loop.py").read_text()
    assert select_loop.__doc__.splitlines()[0] not in code
    assert "-class SelectServer(Server):\n" in code
    assert "+class PollServer(Server):\n" in code
    assert "@@ def run @@" in code
    assert "import select" not in code  # is the same in both


def test_the_docstring_of_a_class_stays_in_a_difference():
    first = run_cell("class A:\n    '''One.'''\n    def f(self): pass")["A"]
    second = run_cell("class A:\n    '''Two.'''\n    def f(self): pass")["A"]
    assert "-    '''One.'''\n+    '''Two.'''" in show(first, second).code
