"""Tracebacks side by side: which calls they tell, and in which words."""

from course_lib.eventloop import Reactor
from course_lib.lab.tracebacks import Call, calls_of, tracebacks
from tests.lab.cells import run_cell

CELL = """
class Order:
    def on_line(self):
        return int("no <number>")

def order():
    return Order().on_line()
"""


def raised(call) -> BaseException:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("it should raise")


def test_the_calls_from_the_outermost_to_the_innermost():
    error = raised(run_cell(CELL)["order"])
    assert calls_of(error)[1:] == [
        Call("order", "", "return Order().on_line()"),
        Call("Order.on_line", "", 'return int("no <number>")'),
    ]


def test_what_is_no_cell_says_where_it_stands():
    errors = []
    reactor = Reactor()
    reactor.on_error = errors.append
    reactor.call_soon(run_cell(CELL)["order"])
    reactor.run_once(0)
    reactor.close()
    *_, first, second, _ = calls_of(errors[0])
    assert first.function.startswith("Reactor.run_")
    assert first[1:] == ("course_lib/eventloop/reactor.py", "callback(*args)")
    assert second.file == ""


def test_side_by_side_in_words_aligned_at_the_errors():
    long, short = raised(run_cell(CELL)["order"]), raised(run_cell("def other():\n    1 / 0")["other"])
    for error in (long, short):
        error.__traceback__ = error.__traceback__.tb_next  # without the frame of this test
    lines = repr(tracebacks(first=long, second=short)).splitlines()
    width = len(lines[0]) - len("second")
    assert [line[:width].rstrip() for line in lines] == [
        *("first", "", "order", "    return Order().on_line()", "Order.on_line"),
        *('    return int("no <number>")', lines[-1][:width].rstrip()),
    ]
    assert [line[width:] for line in lines] == [
        *("second", "", "", "", "other", "    1 / 0", "ZeroDivisionError: division by zero")
    ]
    assert lines[-1].startswith("ValueError: invalid literal")


def test_the_table_needs_no_style_and_escapes_the_code():
    shown = tracebacks(first=raised(run_cell(CELL)["order"]))._repr_mimebundle_()["text/html"]
    assert "no &lt;number&gt;" in shown
    assert "<style" not in shown
    assert "style=" not in shown
    assert shown.count("<tr>") == 5  # the names, three calls, what was raised
