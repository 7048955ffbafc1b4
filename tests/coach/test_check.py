"""What ``check`` says to answers that are no honest tries, and to code that misbehaves."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from course_lib.coach import check, desk
from course_lib.coach.exercises import find
from course_lib.coach.verdict import ERROR, FAIL, PASS
from tests.helpers import nothing_left, wait_until
from tests.lab.cells import run_cell

CAPITALS = """
def shout(data):
    return data.upper()
"""


def answer(code: str, number: str = "0.1"):
    return check(number, run_cell(code)[find(number).name])


def words(said) -> str:
    return str(said)


# --- slips


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, 'give what you wrote: check("0.1", shout)'),
        ("shout", 'give what you wrote: check("0.1", shout)'),
        (42, 'give what you wrote: check("0.1", shout)'),
    ],
)
def test_what_is_no_function(given, expected):
    said = check("0.1", given)
    assert said.outcome == ERROR
    assert expected in str(said)


def test_an_unknown_number_lists_the_numbers():
    said = check("99.9", print)
    assert said.outcome == ERROR
    assert "there is no exercise '99.9'; there are 0.1, 1.1" in str(said)


def test_an_exception_is_told_with_its_line():
    said = answer("""
        def shout(data):
            number = len(data)
            return data[number]
        """)
    assert said.outcome == ERROR
    assert "IndexError: index out of range (your cell, line 3: return data[number])" in str(said)


def test_an_exception_is_told_where_the_peers_only_see_a_reset():
    said = answer(
        """
        def better_server(listener):
            client, address = listener.accept()
            client.sendall(b"Welcome to the server!")
            client.recv(1)
            nonsense
        """,
        "1.3",
    )
    assert "NameError: name 'nonsense' is not defined (your cell, line 5: nonsense)" in str(said)


def test_a_wrong_number_of_parameters_is_an_error():
    said = answer("def shout():\n    return b''")
    assert said.outcome == ERROR
    assert "takes 0 positional arguments but 1 was given" in str(said)


def test_what_it_printed_is_shown():
    said = answer("""
        def shout(data):
            print("I see", len(data), "bytes")
        """)
    assert said.outcome == FAIL
    assert "it printed:\n    I see 6 bytes" in str(said)


def test_a_global_that_cannot_be_carried_is_named():
    said = answer("""
        import threading
        lock = threading.Lock()
        def shout(data):
            with lock:
                return data.upper()
        """)
    assert said.outcome == ERROR
    assert "shout uses lock, a lock of this notebook" in str(said)


def test_globals_that_can_be_carried_are():
    said = answer("""
        import string
        TABLE = bytes.maketrans(string.ascii_lowercase.encode(), string.ascii_uppercase.encode())
        def helper(data):
            return data.translate(TABLE)
        def shout(data):
            return helper(data)
        """)
    assert said.outcome == PASS, said


# --- what must not outlive the check, nor stop it


def test_a_thread_left_behind_is_found():
    said = answer("""
        import threading
        def shout(data):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            return data.upper()
        """)
    assert said.outcome == FAIL
    assert "3 threads more than before" in str(said)


def test_a_socket_left_behind_is_found():
    said = answer("""
        import socket
        KEPT = []
        def shout(data):
            KEPT.append(socket.socket())
            return data.upper()
        """)
    assert said.outcome == FAIL
    assert "3 open descriptors more than before" in str(said)


ENDLESS = """
def shout(data):
    while True:
        pass
"""


def test_an_endless_loop_is_cut_off_and_its_line_told():
    began = time.monotonic()
    said = answer(ENDLESS)
    assert said.outcome == FAIL
    assert "no end in time; it stands at your cell, line" in str(said)
    assert time.monotonic() - began < find("0.1").limit


@pytest.mark.parametrize("end", ["sys.exit()", "sys.exit(0)", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_ending_the_process_is_no_answer(end):
    said = answer(f"""
        import os, sys
        def shout(data):
            {end}
        """)
    assert said.outcome in (FAIL, ERROR)


def test_swallowing_everything_does_not_help():
    said = answer("""
        import signal, time
        for number in (signal.SIGINT, signal.SIGTERM):
            pass
        def shout(data):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                try:
                    time.sleep(1)
                except BaseException:
                    pass
        """)
    assert said.outcome == FAIL


def test_closing_all_descriptors_does_not_help():
    said = answer("""
        import os, time
        def shout(data):
            os.closerange(0, 100)
            time.sleep(60)
        """)
    assert said.outcome in (FAIL, ERROR)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_hides_is_killed(tmp_path):
    said = answer(f"""
        import os, time
        def shout(data):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
                    time.sleep(60)
                os._exit(0)
            return data.upper()
        """)
    assert said.outcome in (PASS, FAIL, ERROR)
    file = tmp_path / "pid"
    if file.exists() and file.read_text():
        wait_until(lambda: not psutil.pid_exists(int(file.read_text())), what="its end")


# --- cheating


def test_an_object_that_equals_everything_does_not_pass():
    said = answer("""
        class Same(bytes):
            def __eq__(self, other):
                return True
            def __ne__(self, other):
                return False
            __hash__ = None
        def shout(data):
            return Same()
        """)
    assert said.outcome == FAIL


def test_an_answer_that_pretends_when_it_is_unpacked_does_not_pass():
    class Forger:
        __name__ = "shout"

        def __call__(self, data):
            return data

        def __reduce__(self):
            return os._exit, (0,)

    assert check("0.1", Forger()).outcome == ERROR


def test_patching_modules_here_changes_no_verdict(monkeypatch):
    monkeypatch.setattr("socket.socket.recv", lambda *unused: b"x")
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    said = answer("def recv_exactly(sock, size):\n    return sock.recv(size)", "1.1")
    assert said.outcome == FAIL


def test_patching_modules_there_changes_no_verdict():
    said = answer(
        """
        def recv_exactly(sock, size):
            import socket, time
            socket.socket.recv = lambda *unused: b"x"
            time.monotonic = lambda: 0.0
            return b"x" * size
        """,
        "1.1",
    )
    assert said.outcome == FAIL


def test_answers_learned_by_heart_do_not_pass():
    first = answer("def shout(data):\n    return b''")
    wanted = first.verdict.facts[1][1]
    said = answer(f"ANSWERS = {wanted}\ndef shout(data):\n    return ANSWERS.pop(0)")
    assert said.outcome == FAIL


FORGED = """
import json, os
def shout(data):
    verdict = json.dumps({"word": "", "verdict": {"exercise": "0.1", "title": "", "outcome": "PASS"}})
    told = json.dumps({"event": "returned", "value": {"list": []}})
    for line in (verdict, told, "0.1: PASS"):
        print(line, flush=True)
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, (line + "\\n").encode())
            except OSError:
                pass
        try:
            with open(f"/proc/{os.getppid()}/fd/1", "w") as pipe:
                print(line, file=pipe, flush=True)
        except OSError:
            pass
    return {"outcome": "PASS"}
"""


def test_a_forged_verdict_does_not_pass():
    assert answer(FORGED).outcome in (FAIL, ERROR)


# --- and afterwards


def test_a_check_leaves_nothing_here():
    answer(CAPITALS)
    with nothing_left():
        assert answer(CAPITALS).passed
        assert not answer(ENDLESS).passed


def test_an_interrupt_ends_the_check_and_all_its_processes():
    script = f"""
import _thread, sys, threading, time
import psutil
sys.path.insert(0, ".")
from tests.lab.cells import run_cell
from course_lib.coach import check
shout = run_cell({ENDLESS!r})["shout"]
def interrupt():
    while len(psutil.Process().children(recursive=True)) < 2:
        time.sleep(0.01)
    _thread.interrupt_main()
threading.Thread(target=interrupt).start()
try:
    check("0.1", shout)
except KeyboardInterrupt:
    print(len(psutil.Process().children(recursive=True)), "left")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "0 left\n"


def test_it_works_in_plain_python_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from course_lib.coach import check\n"
        "def shout(data):\n    return data.upper()\n"
        "if __name__ == '__main__':\n    print(check('0.1', shout))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "0.1 How an exercise works: PASS\n", done.stderr


def test_the_mark_is_not_inherited_by_us():
    assert desk.MARK not in os.environ
