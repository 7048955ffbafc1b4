"""The gauntlet itself: each scenario can fail, and says then what is wrong; nothing is left behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from course_lib.lab.gauntlet import LIMIT, SCENARIOS, ChildError, Report, Result, UnknownScenario, gauntlet
from course_lib.lab.gauntlet.report import FAIL, PASS, SKIP
from course_lib.servers import UnknownRung
from course_lib.servers.selectors_loop import SelectorsServer
from tests.helpers import ROOT, child, nothing_left, read_line, wait_until
from tests.lab.broken_servers import BROKEN, AnswersInCapitals, Broken

NAMES = [scenario.name for scenario in SCENARIOS]
OWN = ["descriptor_limit", "restart_same_port", "stop_under_load", "close_answered", "close_silent"]
"""The scenarios for which a server must be ours to start and stop."""


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Let the first progress bar and the first process make what they keep."""
    judge("blocking", "polite")


@pytest.fixture(autouse=True)
def clean(warm: None) -> Iterator[None]:
    with nothing_left():
        yield
    assert psutil.Process().children() == []


def judge(server: Any, *only: str, **options: Any) -> Report:
    return gauntlet(server, only or None, progress=False, **options)


# --- every scenario can fail


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_fault_is_found(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.lab.gauntlet.KNOWN_LIMIT", 0.8)  # a third of them wait that long
    report = judge(broken.server, broken.scenario)
    assert report.failed == [broken.scenario], str(report)
    assert report.surprises == []
    result = report[broken.scenario]
    for what in ("sent", "expected", "got"):
        assert re.search(getattr(broken, what), getattr(result, what)), f"{what}: {report}"
        assert getattr(result, what).strip()


def test_every_scenario_can_fail() -> None:
    assert {broken.scenario for broken in BROKEN} == set(NAMES)


POLITE = """
import threading
from course_lib.conversation import Echo
from course_lib.lab.gauntlet.talking import polite
from course_lib.lab.gauntlet.target import Failed, Target
from tests.lab.broken_servers import BROKEN

for broken in BROKEN:
    server = broken.server(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = Target(server.address, 0.5, None)
    try:
        polite(target)
    except Failed:
        print(broken, flush=True)
    target.close()
print("end", flush=True)
"""


def test_a_planted_fault_shows_only_where_it_is_looked_for() -> None:
    """All in one process, which ends with what they leave behind."""
    with child(POLITE) as process:
        rude = list(iter(lambda: read_line(process), "end"))
    assert rude == [str(broken) for broken in BROKEN if not broken.polite]


def test_a_declared_failure_is_cut_off_after_two_seconds() -> None:
    start = time.monotonic()
    assert judge("blocking", "idle_neighbour").failed == ["idle_neighbour"]
    assert 2 < time.monotonic() - start < 4


class Fine(SelectorsServer):
    """Declares a failure that does not happen."""

    known_failures = {"polite": "it is rude"}


def test_a_declared_failure_that_does_not_happen_is_a_surprise() -> None:
    report = judge(Fine, "polite")
    assert (report.passed, report.surprises) == (["polite"], ["polite"])
    assert "passed, though declared to fail: it is rude" in str(report)


class Mended(Fine):
    """What its parent declares is not its own."""


def test_a_derived_class_has_no_known_failures() -> None:
    report = judge(Mended, "polite")
    assert (report.server, report.passed, report.surprises) == ("Mended", ["polite"], [])


# --- servers that end, in whatever way


class Ends(SelectorsServer):
    """Ends with the second word of its client."""

    heard = 0

    def read(self, connection: Any) -> None:
        self.heard += 1
        if self.heard == 2:
            self.end()
        super().read(connection)

    def end(self) -> None:
        raise NotImplementedError


class Raises(Ends):
    def end(self) -> None:
        raise LookupError("no second word\nis foreseen")


class CallsExit(Ends):
    def end(self) -> None:
        sys.exit("enough")


class CallsHardExit(Ends):
    def end(self) -> None:
        os._exit(3)


class IsKilled(Ends):
    def end(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class ReturnsEarly(Ends):
    def end(self) -> None:
        self.stopping = True


class ReturnsAtOnce(SelectorsServer):
    """And leaves its listener open, so that its clients would wait in vain."""

    def serve_forever(self) -> None:
        pass


@pytest.mark.parametrize(
    ("server", "end"),
    [
        (Raises, "the server has died of LookupError: no second word"),
        (CallsExit, "the server has died of SystemExit: enough"),
        (CallsHardExit, "the server's process has ended with status 3"),
        (IsKilled, "the server's process has ended with status -9"),
        (ReturnsEarly, "serve_forever has returned"),
        (ReturnsAtOnce, "serve_forever has returned"),
    ],
)
def test_a_server_that_ends_is_reported_at_once(server: type, end: str) -> None:
    start = time.monotonic()
    report = judge(server, "polite")
    assert time.monotonic() - start < LIMIT / 2
    assert report.failed == ["polite"]
    assert report["polite"].got.endswith(f"; {end}"), str(report)


class DiesLast(SelectorsServer):
    """Gives every answer, and dies of the client's goodbye."""

    def close(self, connection: Any) -> None:
        raise EOFError("goodbye")


def test_a_server_that_dies_after_the_last_answer_has_failed() -> None:
    report = judge(DiesLast, "crowd")
    assert report.failed == ["crowd"]
    assert report["crowd"].got.endswith("; the server has died of EOFError: goodbye")


class RaisesInTheConstructor(SelectorsServer):
    def set_up(self) -> None:
        raise ValueError("not today")


class ExitsInTheConstructor(SelectorsServer):
    def set_up(self) -> None:
        os._exit(4)


class HasNoAddress:
    def __init__(self, address: Any, conversation: Any) -> None:
        pass

    def serve_forever(self) -> None:
        pass

    def stop(self) -> None:
        pass


class TakesNoArguments(HasNoAddress):
    def __init__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("server", "got"),
    [
        (RaisesInTheConstructor, "the server has died of ValueError: not today"),
        (ExitsInTheConstructor, "the server's process has ended with status 4"),
        (
            HasNoAddress,
            "the server has died of AttributeError: 'HasNoAddress' object has no attribute 'address'",
        ),
        (TakesNoArguments, r"the server has died of TypeError: .*__init__\(\) takes 1 positional argument"),
    ],
)
def test_a_server_that_does_not_start(server: type, got: str) -> None:
    report = judge(server, "polite", "restart_same_port")
    assert report.failed == ["polite", "restart_same_port"]
    for result in report.results:
        assert (result.sent, result.expected) == ("nothing yet", "a server that listens")
        assert re.match(got, result.got)


class Prints(AnswersInCapitals):
    """On both streams, in every way."""

    def set_up(self) -> None:
        super().set_up()
        print("too early for the last three lines")
        print("a line of Python's")
        os.write(1, b"a line of the system's, not in UTF-8: \xff\n")
        print("a line on standard error", file=sys.stderr)


def test_what_a_failing_server_has_printed_is_shown() -> None:
    report = judge(Prints, "polite", "connect_and_leave")
    expected = [
        "a line of Python's",
        "a line of the system's, not in UTF-8: \N{REPLACEMENT CHARACTER}",
        "a line on standard error",
    ]
    assert report["polite"].printed.splitlines() == expected
    assert "it printed: a line of Python's\n" in str(report)


class Chatters(SelectorsServer):
    """Prints more than anybody wants to read."""

    def run(self) -> None:
        while True:
            print("chatter" * 1000)


def test_of_endless_chatter_the_end_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.lab.gauntlet.LIMIT", 0.3)
    report = judge(Chatters, "polite")
    assert report.failed == ["polite"]
    assert len(report["polite"].printed) < 25_000


class Forks(SelectorsServer):
    """Leaves a process behind that holds all its descriptors, and one that is in no process group of ours."""

    def set_up(self) -> None:
        super().set_up()
        if os.fork() == 0:
            while True:
                time.sleep(60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_the_server_has_forked_is_ended_too() -> None:
    before = {process.pid for process in psutil.process_iter()}
    start = time.monotonic()
    assert judge(Forks, "polite").passed == ["polite"]
    assert time.monotonic() - start < LIMIT / 2

    def left() -> list[psutil.Process]:
        new = [process for process in psutil.process_iter() if process.pid not in before]
        return [process for process in new if is_child_of_this_run(process)]

    wait_until(lambda: not left(), what="every process ended")


def is_child_of_this_run(process: psutil.Process) -> bool:
    """Tell whether this worker's gauntlet has started it; another worker may be judging at the same time."""
    worker = "PYTEST_XDIST_WORKER"
    try:
        mine = process.environ().get(worker) == os.environ.get(worker)
        return mine and "course_lib.lab.gauntlet.child_main" in process.cmdline()
    except psutil.Error:  # it has ended meanwhile
        return False


# --- what can be judged, and what cannot


CELL = """
import socket
from course_lib.lab.gauntlet import gauntlet
from course_lib.servers.threaded import ThreadedServer

GREETING = b"hello"
def greeting(): return GREETING

class Base(ThreadedServer):
    "Defined in a cell, with globals, a helper, a base of its own."
    def serve(self, sock):
        sock.sendall(greeting())
        super().serve(sock)

class Cell(Base):
    name = "cell"
    def serve(self, sock):
        super().serve(sock)

def function(listener):
    while True:
        sock, _ = listener.accept()
        with sock:
            while data := sock.recv(1024):
                sock.sendall(greeting() + data)

for server in (Cell, function):
    report = gauntlet(server, ["polite"], progress=False)
    print(server.__module__, report.server, report["polite"].got)
"""


def test_classes_and_functions_of_a_notebook_cell() -> None:
    with child(CELL) as process:
        assert read_line(process) == "__main__ cell b'hellodqvkmpr', different from byte 0 on".replace(
            "dqvkmpr", polite_letters(7)
        )
        assert read_line(process).startswith("__main__ function b'hello")


def polite_letters(count: int) -> str:
    """What the first message of ``polite`` begins with."""
    return eval(judge(AnswersInCapitals, "polite")["polite"].sent).decode()[:count]


def echo(listener: socket.socket) -> None:
    while True:
        sock, _ = listener.accept()
        with sock:
            while data := sock.recv(1024):
                sock.sendall(data)


def test_a_function_has_its_own_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.lab.gauntlet.LIMIT", 1.0)
    report = judge(echo, "polite", "restart_same_port", "close_silent")
    assert report.server == "echo"
    assert (report.passed, report.failed) == (["polite", "restart_same_port"], ["close_silent"])


def test_a_function_is_not_judged_by_conversations_that_nobody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = tuple(scenario for scenario in SCENARIOS if scenario.name in ("polite", "close_silent"))
    monkeypatch.setattr("course_lib.lab.gauntlet.scenarios.SCENARIOS", chosen)
    report = gauntlet(echo, progress=False)
    assert (report.passed, report.skipped) == (["polite"], ["close_silent"])
    assert report["close_silent"].note == "a function has a conversation of its own"


def test_what_cannot_be_sent_to_another_process() -> None:
    class Holds(SelectorsServer):
        lock = threading.Lock()

    with pytest.raises(ChildError) as caught:
        judge(Holds, "polite")
    assert str(caught.value) == (
        "the server cannot be sent to another process: TypeError: cannot pickle '_thread.lock' object"
    )


def test_what_cannot_be_unpacked_there(monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(sys)("only_here")
    exec(
        "from course_lib.servers.threaded import ThreadedServer\nclass Lost(ThreadedServer): pass",
        vars(module),
    )
    monkeypatch.setitem(sys.modules, "only_here", module)
    report = judge(module.Lost, "polite")
    assert report["polite"].got == "ModuleNotFoundError: No module named 'only_here'"


@pytest.mark.parametrize("thing", [42, object(), SelectorsServer.__new__(SelectorsServer), lambda: None])
def test_what_is_no_server(thing: object) -> None:
    with pytest.raises(TypeError):
        judge(thing)


def test_unknown_names() -> None:
    with pytest.raises(UnknownRung, match="no server 'nope'; choose one of blocking, threaded"):
        judge("nope")
    with pytest.raises(UnknownScenario, match="no scenario 'nope'; choose from polite, two_in_one"):
        judge("blocking", "polite", "nope")


def test_one_scenario_may_be_named_without_a_list() -> None:
    assert gauntlet("blocking", "polite", progress=False).passed == ["polite"]


def test_scenarios_come_in_their_order() -> None:
    assert [result.scenario for result in judge("blocking", "all_bytes", "polite").results] == [
        "polite",
        "all_bytes",
    ]


NO_ROOM = """
import resource, psutil
from course_lib.lab.gauntlet import gauntlet
import tqdm.auto
used = psutil.Process().num_fds()
resource.setrlimit(resource.RLIMIT_NOFILE, (used + int(__import__("sys").argv[1]),) * 2)
report = gauntlet("threaded", ["polite", "crowd"], progress=False)
print(report.passed, report.skipped, report["crowd"].note, psutil.Process().num_fds() - used)
"""


@pytest.mark.parametrize(("room", "passed"), [(100, "['polite'] ['crowd']"), (4, "[] ['polite', 'crowd']")])
def test_without_descriptors_for_so_many_clients_it_skips(room: int, passed: str) -> None:
    pytest.importorskip("resource")
    with child(NO_ROOM, str(room)) as process:
        note = "this process may not open that many descriptors: raise `ulimit -n`"
        assert read_line(process) == f"{passed} {note} 0"


# --- interrupted


INTERRUPTED = """
import signal, sys, threading, time
import psutil
from course_lib.lab.gauntlet import gauntlet
import tqdm.auto

me = psutil.Process()
main = threading.main_thread().ident

def interrupt(delay):
    while not me.children():
        time.sleep(0.001)
    time.sleep(delay)
    signal.pthread_kill(main, signal.SIGINT)

def living():
    return [p for p in me.children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]

for step in range(12):
    interrupter = threading.Thread(target=interrupt, args=(step * 0.025,))
    interrupter.start()
    try:
        gauntlet("selectors", progress=False)
    except KeyboardInterrupt:
        pass
    else:
        sys.exit("not interrupted")
    interrupter.join()
    end = time.monotonic() + 2
    while living():
        if time.monotonic() > end:
            sys.exit(f"left behind after step {step}: {living()}")
print("nothing left", threading.active_count())
"""


def test_an_interrupt_leaves_no_process() -> None:
    """From the moment that the first process is there, in steps of 25 ms."""
    with child(INTERRUPTED) as process:
        assert read_line(process) == "nothing left 1"


# --- the report


def test_the_report_as_text() -> None:
    report = Report("mine", [PASSED, FAILED, KNOWN, SKIPPED])
    assert str(report) == (
        "mine: 1 of 3 passed, 1 known to fail, 1 could not be judged\n"
        "  pass  polite     One.\n"
        "  FAIL  dribble    Two <b>.\n"
        "                   sent: b'<b>'\n"
        "                   expected: b'&'\n"
        "                   came back: b''\n"
        "                   it printed: 1 < 2\n"
        "                     and more\n"
        "  FAIL  crowd      Three.\n"
        "                   sent: a\n"
        "                   expected: b\n"
        "                   came back: c\n"
        "                   known: it is so\n"
        "  skip  all_bytes  Four.\n"
        "                   not judged: the reason"
    )


def test_the_report_as_html() -> None:
    report = Report("<mine>", [PASSED, FAILED, KNOWN, SKIPPED])
    bundle = report._repr_mimebundle_()
    assert bundle["text/plain"] == str(report)
    html = bundle["text/html"]
    assert "&lt;mine&gt;: 1 of 3 passed" in html
    assert "Two &lt;b&gt;." in html
    assert "<b>sent:</b> b&#x27;&lt;b&gt;&#x27;<br>" in html
    assert "<b>it printed:</b> 1 &lt; 2<br>and more" in html
    assert "<b>known:</b> it is so" in html
    assert [html.count(mark) for mark in ("✓ pass", "✗ FAIL", "– skip")] == [1, 2, 1]
    assert set(re.findall(r"</?(\w+)", html)) <= {"p", "b", "table", "tr", "td", "div", "code", "br"}


def test_the_report_as_json() -> None:
    report = Report("mine", [PASSED, FAILED, KNOWN, SKIPPED])
    data = json.loads(report.to_json())
    assert data == report.to_dict()
    again = Report(data["server"], [Result(**result) for result in data["results"]])
    assert again == report


def test_the_outcomes() -> None:
    report = Report("mine", [PASSED, FAILED, KNOWN, SKIPPED, SURPRISE])
    assert report.passed == ["polite", "slow_reader"]
    assert report.failed == ["dribble", "crowd"]
    assert report.skipped == ["all_bytes"]
    assert report.surprises == ["dribble", "slow_reader"]
    assert report["crowd"] is KNOWN
    with pytest.raises(KeyError):
        report["nope"]


PASSED = Result("polite", "One.", PASS, seconds=1.2345)
FAILED = Result(
    "dribble", "Two <b>.", FAIL, "b'<b>'", "b'&'", "b''", printed="1 < 2\nand more", seconds=1.2345
)
KNOWN = Result("crowd", "Three.", FAIL, "a", "b", "c", known="it is so", seconds=1.2345)
SKIPPED = Result("all_bytes", "Four.", SKIP, note="the reason", seconds=1.2345)
SURPRISE = Result("slow_reader", "Five.", PASS, known="it is so", seconds=1.2345)


def test_two_runs_read_the_same_and_hold_no_time() -> None:
    first, second = (judge(AnswersInCapitals, "polite", "all_bytes") for _ in range(2))
    assert [r.seconds for r in first.results] != [r.seconds for r in second.results]
    assert all(result.seconds > 0 for result in first.results)
    assert first._repr_mimebundle_() == second._repr_mimebundle_()


# --- servers that are running already


STANDARD = """
import socketserver

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 1024
    def handle_error(self, request, address):
        pass  # the client is gone

with Server(("127.0.0.1", 0), Handler) as server:
    server.serve_forever()
"""

FOREIGN = {
    "socketserver": [sys.executable, "-c", STANDARD],
    "ncat -e": ["ncat", "-l", "127.0.0.1", "0", "-k", "-e", "/bin/cat"],
    "nonblocking": [sys.executable, "-m", "course_lib", "serve", "nonblocking", "--quiet"],
    "socat": ["socat", "TCP-LISTEN:0,bind=127.0.0.1,fork,reuseaddr,backlog=1024", "EXEC:cat"],
}


@contextmanager
def foreign(name: str) -> Iterator[tuple[tuple[str, int], int]]:
    """Run a server that is not ours; yield its address and its process id."""
    command = FOREIGN[name]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        listening: list[tuple[str, int]] = []

        def listens() -> bool:
            found = psutil.Process(process.pid).net_connections("tcp4")
            listening.extend(tuple(each.laddr) for each in found if each.status == psutil.CONN_LISTEN)
            return bool(listening)

        wait_until(listens, what=f"{name} listens")
        yield listening[0], process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the handlers of its clients too
        process.wait()


def test_a_foreign_server_without_its_process() -> None:
    with foreign("socketserver") as (address, _):
        report = judge(address)
    assert report.server == "{}:{}".format(*address)
    assert report.skipped == ["idle_cpu", *OWN]
    assert report.failed == [], str(report)
    assert report["idle_cpu"].note == "it needs to see the process: give its pid"
    assert {report[name].note for name in OWN} == {"it needs to start and stop the server itself"}
    assert report["never_reads"].note == "its memory, its use of the CPU (give the pid of the server)"
    assert report["reset_storm"].note == "its descriptors (give the pid of the server)"


def test_a_foreign_server_with_its_process() -> None:
    with foreign("socketserver") as (address, pid):
        report = judge(address, pid=pid)
    assert report.skipped == OWN
    assert report.failed == [], str(report)
    assert {report[name].note for name in report.passed} == {""}


@pytest.mark.parametrize("name", ["ncat -e", "socat"])
def test_a_foreign_server_in_another_language(name: str) -> None:
    """Without crowds, since each client costs a process here.

    ncat is asked for less: it has a backlog of ten, loses answers at a half-close, and may stall on a big
    message, as the gauntlet finds after 10 s each.
    """
    scenarios = ["polite", "two_in_one", "dribble", "all_bytes", "split_character", "idle_cpu"]
    if name == "socat":
        scenarios += ["big_message", "half_close", "slow_reader", "connect_and_leave", "reset_mid_message"]
    with foreign(name) as (address, pid):
        report = judge(address, *scenarios, pid=pid)
    assert (sorted(report.passed), report.failed) == (sorted(scenarios), []), str(report)


def test_a_foreign_server_that_spins() -> None:
    with foreign("nonblocking") as (address, pid):
        report = judge(address, "polite", "idle_cpu", pid=pid)
    assert (report.passed, report.failed) == (["polite"], ["idle_cpu"])
    assert report["idle_cpu"].got == "one that keeps the CPU busy"


def test_nobody_at_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    report = judge(address, "polite", "crowd")
    assert report.failed == ["polite", "crowd"]
    assert {result.got for result in report.results} == {"connection refused: nobody listens"}


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    with pytest.raises(psutil.NoSuchProcess):
        judge(("127.0.0.1", 1), pid=process.pid)
