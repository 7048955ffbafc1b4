"""What a client costs in memory: the measurement, and what is said and drawn of it."""

import pytest

from course_lib.lab import client_memory as module
from course_lib.lab.client_memory import ClientMemory, Look, MemoryRun, client_memory
from tests.helpers import nothing_left

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(module, "STEPS", (0, 30, 60))
    with nothing_left():
        yield


def a_run(name: str, bytes_each: int, threads_each: int) -> MemoryRun:
    return MemoryRun(
        name,
        [Look(clients, 2 + threads_each * clients, 20 * MIB + bytes_each * clients) for clients in (0, 100)],
    )


def test_a_thread_for_each_client_costs_memory_and_one_thread_for_all_hardly_any():
    picture = client_memory("threaded", "selectors")
    assert picture.text == (
        "threaded: each client costs one more thread and many KiB of memory\n"
        "selectors: each client costs no thread and hardly any memory"
    )
    threaded, selectors = picture.runs
    assert [look.clients for look in threaded.looks] == [0, 30, 60]
    assert [look.threads - threaded.looks[0].threads for look in threaded.looks] == [0, 30, 60]
    assert threaded.per_client > 5 * selectors.per_client


def test_the_share_of_a_client_is_what_all_of_them_have_added():
    assert a_run("some", 20_000, 1).per_client == 20_000


def test_words_follow_the_measurement():
    assert a_run("some", 1_000, 1).words() == "some: each client costs one more thread and hardly any memory"
    assert a_run("some", 9_000, 0).words() == "some: each client costs no thread and many KiB of memory"


def test_each_server_has_its_line():
    picture = ClientMemory([a_run("one", 20_480, 1), a_run("two", 512, 0)])
    (axes,) = picture.figure.axes
    assert [line.get_label() for line in axes.lines] == ["one: 20.0 KiB a client", "two: 0.5 KiB a client"]
    assert list(axes.lines[0].get_ydata()) == [0, pytest.approx(20_480 * 100 / MIB)]
    assert axes.lines[0].get_marker() != axes.lines[1].get_marker()


def test_it_needs_a_server():
    with pytest.raises(TypeError, match="needs the name of a rung"):
        client_memory()
