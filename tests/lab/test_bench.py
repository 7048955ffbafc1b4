"""The benchmark: quick runs of real servers. How fast they are is not judged, only what is told of it."""

import json
import os
import socket
import sys
import threading
import time
from contextlib import ExitStack
from importlib import util
from statistics import median

import psutil
import pytest

from course_lib.eventloop.poller import SelectorPoller
from course_lib.lab.bench import BenchError, Result, Settings, bench, choose, entrants, memory, pinning, table
from course_lib.lab.bench.cpu_clock import CpuClock, cpu_seconds
from course_lib.lab.bench.echo_load import Failed, Talk
from course_lib.lab.bench.load import Load, LoadBroken, Measurement
from course_lib.lab.bench.peers import PEERS
from course_lib.lab.bench.runner import Row, Runner
from course_lib.lab.child_process import Facts
from course_lib.servers import LADDER
from course_lib.servers.selectors_loop import SelectorsServer
from tests.bench.wrong_servers import FAULTS
from tests.helpers import child, nothing_left, read_line, wait_until

QUICK = {"connections": 4, "seconds": 0.1, "rounds": 1, "progress": False}

ECHO = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
print("more words" * 100_000, flush=True)
while True:
    sock, _ = listener.accept()
    with sock:
        while data := sock.recv(65536):
            sock.sendall(data)
"""


def program(source: str, name: str = "mine") -> str:
    """A Python program as NAME=COMMAND."""
    return f"{name}={sys.executable} -c '{source}'"


@pytest.fixture(scope="module", autouse=True)
def drawn_before():
    """What matplotlib opens when it draws for the first time is no leak."""
    Result(Settings((1,)), [Row("none", 1)]).picture.png()


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Memory is measured where a test asks for it; and nothing is left behind."""
    monkeypatch.setattr(memory, "CLIENTS", 0)
    with nothing_left():
        yield
    assert not psutil.Process().children()


# --- what is measured


def test_a_result_holds_what_was_measured():
    result = bench("selectors", "select", connections=[1, 3], seconds=0.1, rounds=2, size=100, progress=False)
    assert [(row.server, row.connections) for row in result.rows] == [
        ("selectors", 1),
        ("select", 1),
        ("selectors", 3),
        ("select", 3),
    ]
    for row in result.rows:
        assert (row.failed, row.skipped, len(row.rounds)) == ("", "", 2)
        for one in row.rounds:
            assert one.requests > 0
            assert 0.1 <= one.seconds < 5
            assert 0 < one.p50 <= one.p99 <= one.slowest
            assert 0 < one.server_cpu <= one.seconds * 1.1
            assert 0 < one.load_cpu <= one.seconds * 1.1
    assert result["select", 3] is result.rows[3]
    with pytest.raises(KeyError):
        result["select", 4]


def test_the_ratio_is_that_to_the_cheapest_or_to_the_named_one():
    def row(name: str, *cpus: float) -> Row:
        return Row(name, 5, [Measurement(10, 1.0, 0.1, 0.2, 0.3, cpu, 0.5, 0.0) for cpu in cpus])

    rows = [row("dear", 20, 200, 44), row("cheap", 10, 100, 11), Row("lost", 5, failed="it died")]
    result = Result(Settings((5,)), rows)
    assert result.reference_at(5) is rows[1]
    assert tuple(result.times_reference(rows[0])) == (2, 2, 4)
    assert result.times_reference(rows[2]) is None
    result = Result(Settings((5,)), rows, reference="dear")
    assert result.times_reference(rows[1]).median == 0.5
    result = Result(Settings((5,)), rows, reference="lost")
    assert result.times_reference(rows[1]) is None
    assert "FAILED: it died" in str(result)


def test_silent_connections_are_there_while_the_others_talk():
    settings = Settings((1,), idle=20, seconds=0.5)
    with Load() as load, ExitStack() as stack:
        runner = Runner(entrants.entrant("selectors"), Row("selectors", 1), stack)
        runner.start(load, settings, None)
        runner.settle()
        alone = Facts.of(runner.server.process).descriptors
        thread = threading.Thread(target=runner.measure, args=[load, settings])
        thread.start()
        wait_until(lambda: Facts.of(runner.server.process).descriptors == alone + 21, limit=20)
        thread.join()
    assert runner.row.measured


def test_silent_connections_need_room_too():
    row = bench("blocking", connections=1, idle=1, seconds=0.1, rounds=1, progress=False).rows[0]
    assert row.skipped == "it serves one client at a time"


@pytest.mark.parametrize(("name", "most"), [("blocking", 1), ("thread_pool", 16), ("select", 1000)])
def test_who_has_no_room_for_so_many_is_skipped(name, most):
    entrant = entrants.entrant(name)
    assert entrant.refusal(most) == ""
    assert entrant.refusal(most + 1) == entrant.why != ""
    if most < 20:
        done = bench(name, **(QUICK | {"connections": most}))
        assert done.rows[0].measured
        done = bench(name, **(QUICK | {"connections": most + 1}))
        assert f"{name} skipped: {entrant.why}" in repr(done)
        assert f"{name}  skipped: {entrant.why}" in str(done)


@pytest.mark.parametrize("size", [1, 64 * 1024])
def test_small_and_large_messages(size):
    assert bench("selectors", "threaded", size=size, **QUICK).rows[1].measured


def test_memory(monkeypatch):
    monkeypatch.setattr(memory, "CLIENTS", 150)
    result = bench("threaded", "selectors", "blocking", **(QUICK | {"connections": 1}))
    assert result.memory.keys() == {"threaded", "selectors"}
    assert result.memory["threaded"] > 2 * result.memory["selectors"]
    assert "without the kernel's buffers" in str(result)


def test_who_never_sleeps_is_suspended_while_others_are_measured():
    result = bench("nonblocking", "selectors", **QUICK)
    assert [row.spins for row in result.rows] == [True, False]
    assert all(row.measured for row in result.rows)
    assert "suspended while others ran: nonblocking" in str(result)


def test_suspended_is_stopped_by_the_system():
    with Load() as load, ExitStack() as stack:
        runner = Runner(entrants.entrant("nonblocking"), Row("nonblocking", 2), stack)
        runner.start(load, Settings((2,)), None)
        runner.look()
        wait_until(lambda: runner.server.process.status() == psutil.STATUS_STOPPED)
        runner.measure(load, Settings((2,), seconds=0.05))
        wait_until(lambda: runner.server.process.status() == psutil.STATUS_STOPPED)
        runner.resume()
        wait_until(lambda: runner.server.process.status() != psutil.STATUS_STOPPED)


def test_a_class_and_a_function_of_the_learner():
    class Mine(SelectorsServer):
        name = "my own"

    def simple(listener):
        while True:
            sock, _ = listener.accept()
            with sock:
                while data := sock.recv(65536):
                    sock.sendall(data)

    result = bench(Mine, simple, **(QUICK | {"connections": 1}))
    assert [(row.server, row.measured) for row in result.rows] == [("my own", True), ("simple", True)]


# --- servers that are wrong


@pytest.mark.parametrize("server", FAULTS, ids=lambda server: server.__name__)
def test_a_wrong_server_is_one_line_and_the_others_are_measured(server):
    result = bench(server, "selectors", **(QUICK | {"seconds": 0.3}))
    wrong, right = result.rows
    assert FAULTS[server] in wrong.failed
    assert not wrong.measured
    assert right.measured
    lines = str(result).splitlines()
    assert [line for line in lines if "FAILED" in line] == [f"{server.__name__:9}  FAILED: {wrong.failed}"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (program("print(5); input()"), "it refused a connection"),  # port 5 is nobody's
        (program("print(70000)"), "its first line must be the port that it listens on, not '70000'"),
        (program("print()"), "it has ended with status 0"),
        (program('import sys; sys.exit("no coffee")'), "it has ended with status 1: no coffee"),
        ("mine=/no/such/program", "it cannot be started: No such file or directory"),
    ],
    ids=["nobody listens", "no port", "an empty line", "it fails", "no program"],
)
def test_a_wrong_program_is_one_line(text, words):
    row = bench("selectors", programs=[text], **QUICK).rows[0]
    assert words in row.failed
    assert "\n" not in row.failed


def test_a_program_that_prints_nothing(monkeypatch):
    monkeypatch.setattr("course_lib.lab.bench.program.START_LIMIT", 0.3)
    row = bench("selectors", programs=["sleeper=sleep 100"], **QUICK).rows[0]
    assert row.failed == "it printed no port within 0.3 s"


def test_a_program_that_goes_on_printing():
    """More than fits into a pipe: if nobody read it, it would hang."""
    row = bench("blocking", programs=[program(ECHO)], **(QUICK | {"connections": 1})).rows[0]
    assert row.server == "mine"
    assert row.measured, row.failed


def test_the_loads_own_death_is_nobodys_fault():
    with Load() as load:
        load.kill()
        with pytest.raises(LoadBroken, match="the load's own process is broken"):
            load.release()


def test_after_a_failed_hold_nothing_is_held():
    """Of six connections to a server for one client, five get no answer; the load is ready again."""
    with Load() as load, entrants.PythonServer(LADDER[0]) as server:
        address = server.start()
        with pytest.raises(Failed, match="connection 2 of 6"):
            load.hold(address, 6, 10)
        load.hold(address, 1, 10)
        load.release()


# --- the peers


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer(peer):
    if peer.package and util.find_spec(peer.package) is None:
        pytest.skip(f"{peer.package} is not installed")
    row = bench(peer.name, **(QUICK | {"connections": 8, "size": 5000})).rows[0]
    assert row.measured, row.failed


def test_a_missing_peer_is_listed(monkeypatch):
    monkeypatch.setattr(entrants, "find_spec", lambda name: None)
    result = bench("selectors", connections=1, seconds=0.05, rounds=1, peers=True, progress=False)
    assert "trio              skipped: not installed: pip install trio" in str(result)
    assert result["protocol/asyncio", 1].measured
    with pytest.raises(BenchError, match="trio cannot run here: not installed: pip install trio"):
        choose(["trio"], False, [])


# --- who takes part


def test_without_a_name_the_whole_ladder_takes_part():
    names = [each.name for each in choose([], peers=False, programs=[])]
    assert names == [rung.name for rung in LADDER]
    names = [each.name for each in choose([], peers=True, programs=["C=./c"])]
    assert names == ["C", *(rung.name for rung in LADDER), *(peer.name for peer in PEERS)]


def test_each_takes_part_once():
    chosen = choose(["epoll", "protocol/asyncio", "epoll"], peers=True, programs=["epoll=./mine"])
    names = [each.name for each in chosen]
    assert len(set(names)) == len(names) == 1 + len(PEERS)


def test_a_rung_that_cannot_run_here_is_listed(monkeypatch):
    monkeypatch.setattr(LADDER[0], "unavailable", "it is too old")
    refused = choose([], peers=False, programs=[])[0]
    assert refused.refusal(1) == "it is too old"
    with pytest.raises(BenchError, match="blocking cannot run here: it is too old"):
        choose(["blocking"], peers=False, programs=[])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"names": ["fastest"]}, "no server 'fastest'.*selectors.*trio"),
        ({"programs": ["./mine"]}, "NAME=COMMAND"),
        ({"programs": ["=./mine"]}, "NAME=COMMAND"),
        ({"programs": ["mine="]}, "NAME=COMMAND"),
        ({"programs": ["mine=echo 'a"]}, "mine.* cannot be read"),
    ],
)
def test_nobody_of_that_name(wrong, words):
    with pytest.raises(BenchError, match=words):
        choose(**({"names": ["select"], "peers": False, "programs": []} | wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"connections": 0},
        {"connections": []},
        {"connections": [1, -1]},
        {"idle": -1},
        {"seconds": 0},
        {"seconds": float("nan")},
        {"rounds": 0},
        {"size": 0},
        {"size": 1024 * 1024},
        {"reference": "trio"},
        {"connections": 10**7},
    ],
    ids=str,
)
def test_what_cannot_be_meant(wrong):
    with pytest.raises(BenchError):
        bench("selectors", progress=False, **wrong)


# --- how it is told


def test_plain_data():
    result = bench("selectors", "blocking", **(QUICK | {"rounds": 2}))
    data = json.loads(result.to_json())
    assert data.keys() == {"machine", "settings", "pinned", "rows"}
    assert data["machine"].keys() == {"python", "system", "processors"}
    assert data["settings"] == {"connections": [4], "idle": 0, "seconds": 0.1, "rounds": 2, "size": 1024}
    measured, skipped = data["rows"]
    assert len(measured["rounds"]) == 2
    rates = [each["requests"] / each["seconds"] for each in measured["rounds"]]
    assert measured["median"]["requests_per_second"]["median"] == pytest.approx(median(rates))
    assert measured["median"]["p99"]["low"] == min(each["p99"] for each in measured["rounds"])
    assert measured["compared"]["cpu_per_request"] == {"median": 1.0, "low": 1.0, "high": 1.0}
    assert skipped["skipped"] and not skipped["rounds"]
    for private in (os.uname().nodename, os.getcwd(), os.path.expanduser("~")):
        assert json.dumps(private) not in result.to_json()


def test_shown_it_is_a_picture_and_words_without_numbers():
    bundles = [bench("selectors", "blocking", **QUICK)._repr_mimebundle_() for _ in range(2)]
    assert bundles[0]["text/plain"] == bundles[1]["text/plain"]
    assert bundles[0]["text/plain"].splitlines() == [
        "4 connections: measured selectors",
        "  blocking skipped: it serves one client at a time",
    ]
    assert bundles[0]["text/html"].startswith("<img alt=")


def test_a_picture_of_nothing():
    assert bench("blocking", **QUICK).picture.png().startswith(b"\x89PNG")


def test_the_table():
    def one(load: float, server: float, queued: float = 0.0) -> Measurement:
        return Measurement(100_000, 2.0, 0.0015, 0.003, 0.004, server, load, queued)

    rows = [
        Row("quick", 100, [one(2.0, 1.0), one(1.98, 1.1)]),
        Row("slow", 100, [one(1.0, 2.0), one(1.0, 2.0, queued=0.5)]),
    ]
    result = Result(Settings((100,), idle=1000), rows, {"quick": 2048}, pinning.Places(0, 3))
    lines = str(result).splitlines()
    assert lines[0] == (
        "100 connections and 1,000 silent ones, 1,024 bytes each way, 3 rounds of 2 s; ref. is quick"
    )
    assert lines[3].split() == (
        "quick 50,000 (50,000–50,000) 1,500 3,000 10.50 (10.00–11.00) 1.00 52 100 2.0".split()
    )
    assert lines[4].split()[-4:] == ["1.91", "100", "50", "-"]
    assert "The load was the bottleneck: more requests a second are in quick." in lines
    assert "for up to 25% of a round" in str(result)
    assert "Servers ran on processor 0, the load on 3." in str(result)
    assert max(map(len, lines)) <= 120
    assert list(table.bottlenecks(rows[:1])) == lines[5:6]


# --- the pieces


def test_the_cpu_clock_counts_all_threads_also_those_that_have_ended():
    work = """
import threading, time
def burn():
    while time.thread_time() < 0.1: pass
thread = threading.Thread(target=burn)
thread.start(); thread.join()
print(time.process_time(), flush=True)
input()
"""
    with child(work) as process:
        told = float(read_line(process))
        assert told >= 0.1
        assert cpu_seconds(process.pid) == pytest.approx(told, abs=0.05)
        clock = CpuClock([process.pid])
        last = clock.read()
        process.kill()
        process.wait()
        assert clock.read() == pytest.approx(last, abs=0.05)  # it stays where it was


def test_pinning():
    places = pinning.places()
    if places is None:
        pytest.skip("this system has no two processors to choose from")
    assert places.server != places.load
    with child("import threading\nthreading.Thread(target=input).start()\nprint(1, flush=True)") as process:
        read_line(process)
        assert len(pinning.threads(process.pid)) == 2
        pinning.pin(process.pid, places.load)
        for thread in pinning.threads(process.pid):
            assert os.sched_getaffinity(thread) == {places.load}


def test_where_there_is_one_processor_nothing_is_pinned(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2}, raising=False)
    assert pinning.places() is None
    monkeypatch.delattr(os, "sched_getaffinity")
    assert pinning.places() is None
    assert "Nothing was pinned" in str(Result(Settings((1,))))


def test_the_load_without_epoll(monkeypatch):
    """As on the systems that have none."""
    monkeypatch.setattr("course_lib.lab.bench.echo_load.best_poller", SelectorPoller)
    near, far = socket.socketpair()

    def echo() -> None:
        while data := far.recv(1000):
            far.sendall(data)

    thread = threading.Thread(target=echo)
    thread.start()
    try:
        talk = Talk([near], b"some words")
        latencies, lasted = talk.run(0.05)
        assert len(latencies) > 0
        assert lasted >= 0.05
        assert len(talk.finish()) == 1
        talk.close()
    finally:
        near.close()
        thread.join()
        far.close()


def test_an_answer_may_come_in_pieces():
    near, far = socket.socketpair()
    with near, far:
        talk = Talk([near], b"0123456789")
        far.sendall(far.recv(4))
        start = time.perf_counter()
        assert not talk.is_whole(near.fileno(), near.recv_into(talk.buffer))
        far.sendall(far.recv(100))
        assert len(talk.finish()) == 1
        assert time.perf_counter() - start < 1
        far.sendall(b"more")
        with pytest.raises(Failed, match="other bytes"):
            talk.is_whole(near.fileno(), near.recv_into(talk.buffer))
        talk.close()
