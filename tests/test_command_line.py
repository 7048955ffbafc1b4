"""python -m course_lib as its users meet it: real processes, real ports, one line for each mistake."""

import json
import os
import pty
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

import psutil
import pytest

from course_lib.clients import dialogue
from course_lib.lab.waiting import wait_until
from course_lib.servers import LADDER
from tests.helpers import listening, nobody_listens, reset

COMMAND = [sys.executable, "-W", "error", "-m", "course_lib"]
LINES = ["hello", "你好,世界", "a b c", "naïve", "the fifth"]
ANSWERS = [f"The server received: {line}" for line in LINES]


@pytest.fixture(autouse=True)
def plain_python(monkeypatch):
    """Without what would hide that a line is left in a buffer."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    options = {"stdin": subprocess.DEVNULL, **options}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, **options)


@contextmanager
def serve(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `serve`; yield the process and its port, as it has announced it."""
    process = subprocess.Popen(
        [*COMMAND, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        match = re.search(r" serves \S+ on \S+:(\d+); Ctrl-C ends it", line)
        assert match, (line, process.stderr.read() if process.poll() is not None else "")
        yield process, int(match[1])
    finally:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen[str], how: signal.Signals) -> tuple[float, int, str]:
    """Send the signal; return the seconds to the end, the exit status and what stood on stderr."""
    start = time.monotonic()
    process.send_signal(how)
    status = process.wait(10)
    return time.monotonic() - start, status, process.stderr.read()


# --- serve


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.name)
def test_serve_answers_and_ends_quietly(rung, how):
    with serve(rung.name) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"ping")
            assert client.recv(1024) == b"ping"
            seconds, status, stderr = end(process, how)
        assert (status, stderr) == (0, "")
        assert seconds < 2  # within a second, and an interpreter's own end


def test_the_articles_first_dialogue():
    with serve("blocking", "--conversation", "article-blocking") as (_, port):
        heard = dialogue(("127.0.0.1", port), [*LINES, "close"], welcome=True)
    assert heard == ["Welcome to the server!", *ANSWERS, "The server received: close"]


def test_the_articles_second_dialogue_with_several_clients_at_once():
    heard: dict[int, list[str]] = {}

    def talk(number: int) -> None:
        heard[number] = dialogue(("127.0.0.1", port), [f"{number} {line}" for line in LINES], welcome=False)

    with serve("selectors", "--conversation", "article-selectors") as (_, port):
        threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert heard == {n: [f"The server received: {n} {line}" for line in LINES] for n in range(8)}


@pytest.mark.skipif(not shutil.which("nc"), reason="nc is not installed")
@pytest.mark.parametrize(
    ("rung", "conversation", "greeting", "farewell"),
    [
        ("blocking", "article-blocking", "Welcome to the server!", "The server received: close\n"),
        ("selectors", "article-selectors", "", ""),
    ],
)
def test_nc(rung, conversation, greeting, farewell):
    """Line by line, as a person types; "close" comes with its line end, and the server closes."""
    with serve(rung, "--conversation", conversation) as (_, port):
        nc = subprocess.Popen(["nc", "127.0.0.1", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert read(nc.stdout.fileno(), len(greeting.encode())) == greeting
            for line in LINES:
                nc.stdin.write(f"{line}\n".encode())
                nc.stdin.flush()
                answer = f"The server received: {line}\n"
                assert read(nc.stdout.fileno(), len(answer.encode())) == answer
            nc.stdin.write(b"close\n")
            nc.stdin.close()  # nc ends when both sides have
            assert nc.stdout.read().decode() == farewell
        finally:
            nc.kill()
            nc.wait()
            nc.stdout.close()


@contextmanager
def nc_as(name: str, port: int, others: str) -> Iterator[subprocess.Popen[bytes]]:
    """Enter the chat room with nc, as a person would."""
    nc = subprocess.Popen(["nc", "127.0.0.1", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        expect(nc, "What is your name? ")
        type_line(nc, name)
        expect(nc, f"* hello, {name}; here: {others}\n")
        yield nc
    finally:
        nc.kill()
        nc.communicate()


def type_line(nc: subprocess.Popen[bytes], line: str) -> None:
    nc.stdin.write(f"{line}\n".encode())
    nc.stdin.flush()


def expect(nc: subprocess.Popen[bytes], text: str) -> None:
    assert read(nc.stdout.fileno(), len(text.encode())) == text


@pytest.mark.skipif(not shutil.which("nc"), reason="nc is not installed")
def test_a_chat_with_nc():
    with serve("reactor", "--conversation", "chat") as (process, port):
        with nc_as("ann", port, "nobody else yet") as ann:
            with nc_as("bob", port, "ann") as bob:
                expect(ann, "* bob has joined\n")
                type_line(ann, "今天好吗")
                expect(bob, "ann: 今天好吗\n")
                type_line(bob, "good")
                expect(ann, "bob: good\n")
            expect(ann, "* bob has left\n")
        assert process.stdout.readline() == "client 1 has connected, hears 'What is your name? '\n"
        assert process.stdout.readline().startswith("client 1 says 'ann\\n', hears '* hello, ann")
        _, status, stderr = end(process, signal.SIGINT)
        assert (status, stderr) == (0, "")
        assert process.stdout.read().endswith("client 1 has left\n")


def test_a_chat_needs_a_server_that_speaks_first():
    words = "select speaks only when spoken to; a chat needs one of reactor"
    assert_one_line(run("serve", "select", "--conversation", "chat"), words)


def read(descriptor: int, size: int) -> str:
    data = b""
    while len(data) < size:
        piece = os.read(descriptor, size - len(data))
        assert piece, f"the end of the stream after {data!r}"
        data += piece
    return data.decode()


def test_serve_tells_what_it_hears():
    with serve("selectors", "--conversation", "article-selectors") as (process, port):
        dialogue(("127.0.0.1", port), ["hello"], welcome=False)
        assert process.stdout.readline() == "client 1 has connected\n"
        assert process.stdout.readline() == "client 1 says 'hello', hears 'The server received: hello'\n"


@pytest.mark.parametrize("rung", ["blocking", "threaded", "selectors", "asyncio_protocol"])
def test_a_server_that_nobody_reads_serves_on(rung):
    with serve(rung) as (process, port):
        process.stdout.close()
        for line in LINES:
            assert dialogue(("127.0.0.1", port), [line], welcome=False) == [line]
        _, status, stderr = end(process, signal.SIGINT)
    assert (status, stderr) == (0, "")


def test_a_console_that_knows_no_chinese(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with serve("selectors") as (process, port):
        assert dialogue(("127.0.0.1", port), ["你好"], welcome=False) == ["你好"]
        process.stdout.readline()
        assert process.stdout.readline() == "client 1 says '\\u4f60\\u597d', hears '\\u4f60\\u597d'\n"


@contextmanager
def serve_quietly(name: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Without its tale of every client, which would fill a pipe that nobody reads."""
    command = [*COMMAND, "serve", name, "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: listening(process.pid), what="the server listens", limit=10)
            yield process, listening(process.pid)[0][1]
        finally:
            process.kill()


def test_quiet_is_quiet():
    with serve_quietly("selectors") as (process, port):
        assert dialogue(("127.0.0.1", port), ["hello"], welcome=False) == ["hello"]
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


# --- connect


def test_connect_types_lines_and_reads_answers():
    with serve("selectors", "--conversation", "article-selectors") as (_, port):
        done = run("connect", str(port), stdin=None, input="hello\nend\nnever sent\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "The server received: hello\n", "")


def test_connect_ends_when_the_server_closes():
    with serve("blocking", "--conversation", "article-blocking") as (_, port):
        done = run("connect", str(port), stdin=None, input="close\n")
    assert done.returncode == 0
    assert done.stdout.startswith("Welcome to the server!")
    assert done.stdout.endswith("The server received: close\n")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_connect_can_be_interrupted_while_it_waits(how):
    keyboard, terminal = pty.openpty()
    with (
        serve("blocking", "--conversation", "article-blocking") as (_, port),
        subprocess.Popen(
            [*COMMAND, "connect", str(port)], stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
    ):
        assert process.stdout.readline() == b"Welcome to the server!\n"
        process.send_signal(how)
        assert process.communicate(timeout=10) == (b"", b"")
        assert process.returncode == 130
    os.close(keyboard)
    os.close(terminal)


@contextmanager
def connect_at_a_terminal(port: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run `connect` at a terminal of its own; yield the process, and what a person types on and looks at."""
    person, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL, *COMMAND, "connect", str(port)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        try:
            yield process, person
        finally:
            process.kill()
            os.close(person)


OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # from now on its Ctrl-C is for us
os.execv(sys.argv[1], sys.argv[1:])
"""


def read_screen(descriptor: int) -> str:
    """Return all that appears from now on until the terminal is closed."""
    data = b""
    try:
        while piece := os.read(descriptor, 1024):
            data += piece
    except OSError:
        pass  # Linux says so when the last process has left the terminal
    return data.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("key", "status", "echo"),
    [(b"\x03", 130, "^C"), (b"\x04", 0, ""), (b"end\n", 0, "end\n"), (b"close\n", 0, "close\n")],
    ids=["Ctrl-C", "Ctrl-D", "end", "close"],
)
def test_a_person_leaves(key, status, echo):
    with (
        serve("blocking", "--conversation", "article-blocking") as (_, port),
        connect_at_a_terminal(port) as (process, person),
    ):
        assert read(person, 24) == "Welcome to the server!\r\n"
        os.write(person, key)
        screen = read_screen(person)
        assert process.wait(10) == status
    answer = "The server received: close\n" if key == b"close\n" else ""
    assert screen.replace("\x08", "").replace("^D", "") == echo + answer


def test_connect_when_the_server_breaks_off():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with subprocess.Popen([*COMMAND, "connect", str(port)], stdin=-1, stdout=-1, stderr=-1) as process:
            reset(listener.accept()[0])
            stdout, stderr = process.communicate(timeout=10)
    assert (process.returncode, stdout) == (2, b"")
    assert stderr.decode() == f"course_lib: 127.0.0.1:{port} has broken off the connection\n"


def test_connect_when_nobody_reads_the_answers():
    with serve("selectors") as (_, port):
        with subprocess.Popen([*COMMAND, "connect", str(port)], stdin=-1, stdout=-1, stderr=-1) as process:
            process.stdout.close()
            process.stdin.write(b"hello\n")
            process.stdin.flush()
            assert (process.wait(10), process.stderr.read()) == (1, b"")


def test_connect_without_standard_input():
    command = f"exec {' '.join(COMMAND)} connect 1 <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30)
    assert_one_line(done, "standard input is closed")


# --- gauntlet


def test_gauntlet_prints_a_table_and_writes_json(tmp_path):
    file = tmp_path / "report.json"
    done = run("gauntlet", "select", "poll", "--only", "polite", "dribble", "--json", str(file))
    assert done.returncode == 0
    assert done.stdout.count("2 of 2 passed") == 2
    reports = json.loads(file.read_text())
    assert [report["server"] for report in reports] == ["select", "poll"]
    assert [r["outcome"] for report in reports for r in report["results"]] == ["pass"] * 4


def test_gauntlet_judges_a_server_that_is_running():
    with serve_quietly("selectors") as (process, port):
        done = run("gauntlet", "--address", f"127.0.0.1:{port}", "--pid", str(process.pid))
    assert done.returncode == 0, done.stdout
    assert "15 of 15 passed, 5 could not be judged" in done.stdout


def test_gauntlet_says_by_its_status_that_a_server_has_failed():
    with serve("selectors", "--conversation", "article-selectors") as (_, port):
        done = run("gauntlet", "--address", f":{port}", "--only", "polite")
    assert done.returncode == 1
    assert "FAIL" in done.stdout


@pytest.mark.parametrize("bars", [0, 1, 2])
def test_an_interrupted_gauntlet_leaves_nothing(bars):
    with subprocess.Popen([*COMMAND, "gauntlet", "selectors"], stdout=-1, stderr=-1) as process:
        seen = b""
        # The bar has come so far, or further: it does not show each step of a quick machine.
        while not any(int(steps) >= bars for steps in re.findall(rb"(\d+)/20", seen)):
            piece = os.read(process.stderr.fileno(), 1024)
            assert piece, seen
            seen += piece
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=10)
        assert process.returncode == 130
        assert b"Traceback" not in stderr
        assert psutil.wait_procs(children, timeout=5)[1] == []


# --- what a user can get wrong


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_port_in_use():
    with taken_port() as port:
        assert_one_line(
            run("serve", "blocking", "--port", str(port)), f"port {port} is in use", "0 for any free"
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "fastest"], ["'fastest'", "blocking", "selectors"]),
        (["serve", "blocking", "--conversation", "opera"], ["'opera'", "article-blocking"]),
        (["serve", "blocking", "--port", "70000"], ["70000", "0 to 65535"]),
        (["serve", "blocking", "--port", "http"], ["'http'"]),
        (["serve", "blocking", "--host", "192.0.2.1"], ["192.0.2.1", "127.0.0.1"]),
        (["serve", "blocking", "--host", "no such host"], ["no such host"]),
        (["connect", "nowhere"], ["'nowhere'"]),
        (["connect", "80", "--host", "a..b"], ["'a..b'"]),
        (["gauntlet", "--address", "a..b:80"], ["'a..b'"]),
        (["gauntlet", "--address", "127.0.0.1:0"], ["nobody listens"]),
        (["gauntlet", "--address", ":1", "--pid", "mine"], ["'mine'"]),
        (["gauntlet"], ["--address"]),
        (["gauntlet", "select", "--address", "127.0.0.1:1"], ["one of the two"]),
        (["gauntlet", "select", "--pid", "1"], ["--address"]),
        (["gauntlet", "fastest"], ["'fastest'", "selectors"]),
        (["gauntlet", "select", "--only", "kindness"], ["'kindness'", "polite"]),
        (["gauntlet", "select", "--json", "no/such/folder/x.json"], ["no/such/folder"]),
        (["gauntlet", "--address", "somewhere"], ["somewhere", "HOST:PORT"]),
        ([], ["COMMAND"]),
        (["dance"], ["dance"]),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line(arguments, words):
    assert_one_line(run(*arguments), *words)


@pytest.mark.parametrize(
    "arguments", [["connect", "{}"], ["gauntlet", "--address", "127.0.0.1:{}"]], ids=" ".join
)
def test_nobody_there(arguments):
    with nobody_listens() as (_, port):
        assert_one_line(run(*(a.format(port) for a in arguments)), f"nobody listens on 127.0.0.1:{port}")


def test_no_such_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    with taken_port() as port:
        for pid in (str(gone.pid), "0", "-1", "1" + 30 * "0"):
            done = run("gauntlet", "--address", f"127.0.0.1:{port}", f"--pid={pid}")
            assert_one_line(done, f"process {pid} does not exist")


PREPARED = """
import sys
from course_lib import chat, servers
from course_lib.__main__ import main, parser
from course_lib.lab import explain, interrupts, narrator
parser().parse_args(["serve", "select"])  # argparse imports more when it is used
{prepare}
sys.exit(main(["serve", *sys.argv[1:]]))
"""


def serve_prepared(prepare: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `serve` in a process that has imported all, and then has run ``prepare``."""
    code = PREPARED.format(prepare=prepare)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments], capture_output=True, text=True, timeout=30
    )


BECOME_NOBODY = """
import os, socket
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    socket.create_server(("127.0.0.1", 1)).close()
except PermissionError:
    pass
else:
    sys.exit("permitted")
"""


def test_a_privileged_port():
    done = serve_prepared(BECOME_NOBODY, "blocking", "--port", "1")
    if done.stderr == "permitted\n":
        pytest.skip("this system permits every port to everybody")
    assert_one_line(done, "port 1 is reserved")


@pytest.mark.parametrize("rung", ["blocking", "select", "epoll", "selectors"])
def test_no_descriptors_left(rung):
    pytest.importorskip("resource")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # 0, 1 and 2 are taken"
    assert_one_line(serve_prepared(limit, rung), "no descriptor is left")


full_disk = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")


@full_disk
@pytest.mark.parametrize("arguments", [["serve", "selectors"], ["gauntlet", "blocking", "--only", "polite"]])
def test_output_that_cannot_be_written(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=-1, text=True, timeout=30)
    assert done.returncode == 2
    message = "course_lib: cannot write the output: No space left on device"
    assert done.stderr.splitlines()[-1].endswith(message)
    assert "Traceback" not in done.stderr


@full_disk
def test_a_report_that_cannot_be_written():
    done = run("gauntlet", "blocking", "--only", "polite", "--json", "/dev/full")
    assert done.returncode == 2
    assert "1 of 1 passed" in done.stdout
    assert done.stderr.endswith("course_lib: cannot write /dev/full: No space left on device\n")


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stdout == ""
    mistakes = [line for line in done.stderr.splitlines() if " warning: " not in line]
    assert len(mistakes) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_a_host_that_others_can_reach_is_warned_of():
    with serve("selectors", "--host", "0.0.0.0") as (process, _):
        _, status, stderr = end(process, signal.SIGINT)
    assert status == 0
    assert len(stderr.splitlines()) == 1
    assert "warning: every machine in your network" in stderr


@pytest.mark.parametrize("command", ["doctor", "gauntlet blocking select --only polite"])
def test_a_reader_that_has_gone_is_no_mistake(command, tmp_path):
    status = tmp_path / "status"
    shell = f"{{ {' '.join(COMMAND)} {command}; echo $? > {status}; }} | head -1"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=30)
    assert len(done.stdout.splitlines()) == 1
    assert "Broken" not in done.stderr and "Traceback" not in done.stderr
    assert status.read_text() in ("0\n", "1\n")  # as it had written all, or not


def test_doctor_tells_of_this_machine():
    done = run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Python" in done.stdout
    assert "DefaultSelector" in done.stdout
