"""Servers in background threads: started, replaced, stopped, and never dying in silence."""

import asyncio
import contextlib
import gc
import selectors
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from course_lib.clients import dialogue
from course_lib.conversation import ArticleSelectors, Conversation, Echo
from course_lib.lab import handle
from course_lib.lab.background import ServerDied, _backgrounds, running, serve, stop_all
from course_lib.lab.function_server import FunctionServer, WatchedSocket
from course_lib.lab.waiting import wait_until
from course_lib.servers import LADDER, UnknownRung
from course_lib.servers.blocking import BlockingServer
from course_lib.servers.selectors_loop import SelectorsServer
from tests.helpers import ROOT, footprint, is_closed, listening, nothing_left, wait_until_asleep

RUNGS = [rung.name for rung in LADDER if not rung.unavailable]


@pytest.fixture(autouse=True)
def clean():
    """No test inherits a server, and none leaves a thread or a descriptor behind."""
    _backgrounds.clear()
    with nothing_left() as before:
        yield
        for background in list(_backgrounds.values()):
            try:
                background.stop()
            except Exception:
                pass  # the test is about that
        if footprint() != before:
            gc.collect()  # a caught exception holds the frames that it came through, and their sockets


def connect(background) -> socket.socket:
    return socket.create_connection(background.address, timeout=5)


def says(background, text: str) -> list[str]:
    return dialogue(background.address, [text], welcome=False)


class Plain:
    """A learner's class: the shape and nothing more."""

    def __init__(self, address=("127.0.0.1", 0), conversation=Echo, greeting=b""):
        self.listener = socket.create_server(address)
        self.address = self.listener.getsockname()
        self.greeting = greeting
        self.over = False

    def serve_forever(self):
        with self.listener:
            while not self.over:
                client, _ = self.listener.accept()
                with client:
                    client.sendall(self.greeting)

    def stop(self):
        self.over = True
        with contextlib.suppress(OSError):  # it has closed its listener already
            socket.create_connection(self.address).close()


class Dying(Plain):
    """Every client kills it."""

    def serve_forever(self):
        with self.listener:
            self.listener.accept()[0].close()
            raise ValueError("bad day\nwith details")


class Disobedient(Plain):
    """Its stop() does nothing until it is let go."""

    def __init__(self, *args):
        super().__init__(*args)
        self.let_go = threading.Event()

    def serve_forever(self):
        with self.listener:
            self.let_go.wait()

    def stop(self):
        pass


def died(background):
    """Kill a server that runs Dying."""
    connect(background).close()
    wait_until(lambda: not background.alive, what="its death")
    return background


# --- what can be served -----------------------------------------------------------------


@pytest.mark.parametrize("name", RUNGS)
def test_a_rung_by_its_name(name):
    with serve(name) as background:
        assert background.name == name
        assert background.alive
        assert says(background, "hello") == ["hello"]
        assert background.port == background.address[1] != 0
        assert background.address in listening()
    assert not background.alive
    assert background.address not in listening()


def test_the_conversation_and_the_limits_reach_the_server():
    with serve("selectors", ArticleSelectors, high_water=99) as background:
        assert says(background, "hello") == ["The server received: hello"]
        assert background.server.high_water == 99


def test_a_class_of_the_learner():
    with serve(Plain, greeting=b"good morning") as background:
        assert background.name == "Plain"
        assert connect_and_read(background) == b"good morning"


def connect_and_read(background) -> bytes:
    with connect(background) as client:
        return client.recv(100)


def test_a_subclass_does_not_take_the_name_of_its_rung():
    class Mine(BlockingServer):
        pass

    with serve("blocking") as rung, serve(Mine) as mine:
        assert mine.name == "Mine"
        assert rung.alive


def test_unknown_rung():
    with pytest.raises(UnknownRung):
        serve("blokcing")


def no_argument():
    pass


async def coroutine_server(listener):
    pass


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (42, "serve takes a name, a class or a function, and no instance of int"),
        (int, "int is no server: it has no serve_forever and no stop"),
        (no_argument, "no_argument must take one argument: the listening socket"),
        (
            coroutine_server,
            "coroutine_server is a coroutine function: give one that runs it, with asyncio.run",
        ),
    ],
)
def test_what_is_no_server(wrong, message):
    with pytest.raises(TypeError) as caught:
        serve(wrong)
    assert str(caught.value) == message


def test_an_instance_is_no_server():
    server = BlockingServer()
    with pytest.raises(TypeError, match="no instance of BlockingServer: give its class$"):
        serve(server)
    server.stop()


def test_a_class_without_an_address_is_stopped_again():
    stopped = []

    class Homeless(Plain):
        def __init__(self, *args):
            pass

        def stop(self):
            stopped.append(self)

    with pytest.raises(TypeError, match="^Homeless is no server: it has no address$"):
        serve(Homeless)
    assert stopped


@pytest.mark.parametrize("address", [9999, "127.0.0.1", ("127.0.0.1", "9999"), ("127.0.0.1",)])
def test_what_is_no_address(address):
    with pytest.raises(TypeError, match=r"^an address is \(host, port\), such as \('127.0.0.1', 0\)"):
        serve(address=address)


def test_an_instance_of_a_conversation():
    with pytest.raises(TypeError, match="^each client gets a new conversation: give the class Echo,"):
        serve(conversation=Echo())


def test_a_rung_that_this_system_cannot_run(monkeypatch):
    monkeypatch.setattr(BlockingServer, "unavailable", "this system has no patience")
    with pytest.raises(RuntimeError, match="^BlockingServer cannot run here: this system has no patience$"):
        serve("blocking")


def test_a_port_in_use_and_the_earlier_server_lives_on():
    with serve("blocking") as first:
        message = f"^port {first.port} is in use: choose another, or 0 for any free one$"
        with pytest.raises(ValueError, match=message):
            serve("selectors", address=first.address)
        assert says(first, "still here") == ["still here"]


def test_a_port_out_of_range():
    with pytest.raises(ValueError, match="^port 99999 is out of range"):
        serve(address=("127.0.0.1", 99999))


def test_another_host_than_loopback_warns_with_the_line_of_the_caller():
    with pytest.warns(UserWarning, match="every machine in your network can connect") as caught:
        serve("selectors", address=("0.0.0.0", 0)).stop()
    assert caught[0].filename == __file__


# --- functions ----------------------------------------------------------------------------


def article_server(listener):
    client, _address = listener.accept()
    while True:
        data = client.recv(1024)
        if not data:
            break
        client.sendall(data)
    client.close()


def deaf_server(listener):
    """Takes no notice of the end of the stream."""
    client, _address = listener.accept()
    while True:
        client.recv(1024)


def stubborn_server(listener):
    """Goes on after every error."""
    while True:
        try:
            client, _address = listener.accept()
            while data := client.recv(1024):
                client.sendall(data)
        except Exception:
            pass


def selectors_server(listener):
    listener.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    client, _address = listener.accept()
                    selector.register(client, selectors.EVENT_READ)
                else:
                    key.fileobj.sendall(key.fileobj.recv(1024))


def threaded_server(listener):
    """Its threads are no daemons."""

    def echo(client):
        with client:
            while data := client.recv(1024):
                client.sendall(data)

    while True:
        client, _address = listener.accept()
        threading.Thread(target=echo, args=(client,)).start()


def asyncio_server(listener):
    async def echo(reader, writer):
        with contextlib.closing(writer):
            while data := await reader.read(1024):
                writer.write(data)

    async def main():
        server = await asyncio.start_server(echo, sock=listener)
        async with server:
            await server.serve_forever()

    asyncio.run(main())


FUNCTIONS = [article_server, deaf_server, stubborn_server, selectors_server, threaded_server, asyncio_server]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_waits_for_a_client_is_stopped(function):
    background = serve(function)
    assert background.name == function.__name__
    wait_until_asleep(background._thread.native_id)
    background.stop()
    assert not background.alive
    assert background.error is None


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_waits_for_data_is_stopped_and_its_connection_closed(function):
    background = serve(function)
    with connect(background) as client:
        if function is not deaf_server:
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
        background.stop()
        assert not background.alive
        assert background.error is None
        assert is_closed(client)


def test_a_function_that_waits_for_room_is_stopped():
    def generous_server(listener):
        client, _ = listener.accept()
        while True:
            client.sendall(bytes(1_000_000))

    background = serve(generous_server)
    with connect(background) as client:
        client.recv(1)
        background.stop()
    assert background.error is None


def test_a_connection_that_is_accepted_while_it_stops_is_woken_too():
    server = FunctionServer(article_server)
    ours, theirs = socket.socketpair()
    with ours, WatchedSocket.take_over(theirs, server) as connection:
        server.stop()
        server.adopt(connection)
        assert ours.recv(1) == b""


def test_the_threads_of_a_function_end_without_a_word():
    """One waits in recv, one in sendall, one is between two calls; each would fail in its own way."""
    output, _ = end_of(
        """
        import socket, threading
        from course_lib.lab.background import serve
        def work(client):
            {b"r": receive, b"s": send, b"b": both}[client.recv(1)](client)
        def receive(client):
            while True: client.recv(100)
        def send(client):
            while True: client.sendall(bytes(100_000))
        def both(client):
            while True: client.sendall(client.recv(1))
        def function(listener):
            while True:
                client, address = listener.accept()
                threads.append(threading.Thread(target=work, args=(client,)))
                threads[-1].start()
        threads = []
        server = serve(function)
        clients = [socket.create_connection(server.address) for _ in range(3)]
        for client, letter in zip(clients, [b"r", b"s", b"bx"]):
            client.sendall(letter)
        clients[1].recv(1), clients[2].recv(1)
        server.stop()
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()
        for client in clients:
            client.close()
        """
    )
    assert output == ""


def test_the_address_and_the_limits_reach_a_function():
    with serve(article_server) as first:
        address = first.address
    with serve(article_server, address=address, backlog=7) as second:
        assert second.address == address
        assert second.server.backlog == 7


def test_a_function_stops_itself():
    def short_server(listener):
        background.stop()
        listener.accept()

    gate = threading.Event()
    background = serve(lambda listener: gate.wait() and short_server(listener), name="short")
    gate.set()
    background.wait()
    assert repr(background) == "<Background 'short' stopped>"


def test_a_function_that_returns_has_ended_and_what_it_left_open_is_closed():
    kept = []

    def careless_server(listener):
        kept.append(listener.accept())

    background = serve(careless_server)
    with connect(background) as client:
        assert client.recv(100) == b""
    wait_until(lambda: not background.alive, what="its end")
    assert repr(background) == "<Background 'careless_server' ended>"
    background.stop()


def test_a_connection_that_a_function_forgets_is_closed_at_once():
    def forgetful_server(listener):
        listener.accept()[0].sendall(b"x")
        listener.accept()

    with serve(forgetful_server) as background, connect(background) as client:
        assert client.recv(100) == b"x"
        assert client.recv(100) == b""
        assert background.alive


def test_an_error_of_a_function_is_an_error():
    def failing_server(listener):
        listener.accept()[0].close()
        raise LookupError("nothing found")

    with pytest.raises(ServerDied, match="^the server 'failing_server' died: LookupError: nothing found$"):
        died(serve(failing_server)).stop()


# --- names ----------------------------------------------------------------------------------


def test_a_name_in_use_stops_the_predecessor():
    first = serve("blocking", name="mine")
    second = serve("selectors", name="mine", address=first.address)  # so it was gone before
    assert not first.alive
    assert repr(first) == "<Background 'mine' stopped>"
    assert says(second, "hello") == ["hello"]
    assert running() == [second]


def test_bad_input_leaves_the_predecessor_alone():
    background = serve("blocking")
    for wrong in ({"server": 1}, {"conversation": 1}, {"address": 1}):
        with pytest.raises(TypeError):
            serve(**{"name": "blocking", **wrong})
    assert background.alive


def test_a_class_run_again_is_a_new_server():
    first = serve(SelectorsServer)
    assert serve(SelectorsServer).server is not first.server
    assert not first.alive


def test_stop_all():
    backgrounds = [serve(name) for name in RUNGS]
    assert running() == backgrounds
    stop_all()
    assert running() == []
    assert not any(background.alive for background in backgrounds)


def test_stop_all_stops_all_in_spite_of_errors(capsys):
    dead = [died(serve(Dying, name=name)) for name in ("one", "two")]
    living = serve("blocking")
    with pytest.raises(ServerDied, match="'one'"):
        stop_all()
    assert not living.alive
    assert capsys.readouterr().err == "the server 'two' died: ValueError: bad day\n"
    assert [str(background.error) for background in dead] == ["bad day\nwith details"] * 2


# --- errors ---------------------------------------------------------------------------------


def test_an_error_shows_in_the_repr_and_in_error():
    background = died(serve(Dying))
    assert repr(background) == "<Background 'Dying' died: ValueError: bad day>"
    assert isinstance(background.error, ValueError)


@pytest.mark.parametrize("use", [lambda background: background.address, lambda background: background.port])
def test_the_address_of_a_dead_server_raises_every_time(use):
    background = died(serve(Dying))
    for _ in range(2):
        with pytest.raises(ServerDied, match="^the server 'Dying' died: ValueError: bad day$") as caught:
            use(background)
        assert caught.value.__cause__ is background.error
    background.stop()  # told already


def test_to_look_at_the_error_is_to_be_told():
    background = died(serve(Dying))
    assert isinstance(background.error, ValueError)
    background.stop()


def test_wait_until_the_server_ends_by_itself():
    background = serve(Dying)
    with pytest.raises(TimeoutError, match="^Dying still runs after 0.01 s$"):
        background.wait(0.01)
    connect(background).close()
    background.wait()
    assert not background.alive
    assert background.error


def test_stop_raises_once():
    background = died(serve(Dying))
    with pytest.raises(ServerDied) as caught:
        background.stop()
    assert caught.value.__cause__ is background.error
    background.stop()


def test_leaving_the_block_raises():
    with pytest.raises(ServerDied), serve(Dying) as background:
        died(background)


def test_the_error_of_the_block_comes_first_and_gets_a_note():
    with pytest.raises(KeyError) as caught, serve(Dying) as background:
        died(background)
        raise KeyError("of the block")
    assert caught.value.__notes__ == ["the server 'Dying' died: ValueError: bad day"]


def test_an_error_that_nobody_has_seen_is_printed_by_the_successor(capsys):
    died(serve(Dying))
    serve(Dying)
    assert capsys.readouterr().err == "the server 'Dying' died: ValueError: bad day\n"


def test_an_error_that_was_seen_is_not_printed(capsys):
    with pytest.raises(ServerDied):
        died(serve(Dying)).stop()
    serve(Dying)
    assert capsys.readouterr().err == ""


def test_errors_that_the_server_survives_are_kept(capsys):
    class Broken(Conversation):
        def receive(self, data):
            raise ValueError("cannot answer")

    with serve("threaded", Broken) as background:
        with connect(background) as client:
            client.sendall(b"x")
            assert client.recv(1) == b""
        assert [str(error) for error in background.errors] == ["cannot answer"]
        assert repr(background) == "<Background 'threaded' serving, last error: ValueError: cannot answer>"
        assert background.error is None
    assert capsys.readouterr().err == ""


# --- stop -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RUNGS)
def test_stop_any_number_of_times_and_from_many_threads(name):
    background = serve(name)
    with connect(background):
        threads = [threading.Thread(target=background.stop) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    background.stop()
    assert repr(background) == f"<Background {name!r} stopped>"


@pytest.mark.parametrize("name", RUNGS)
def test_stop_from_a_thread_of_the_server(name):
    took = []

    class Stopper(Conversation):
        def receive(self, data):
            began = time.monotonic()
            background.stop()
            took.append(time.monotonic() - began)
            return data

    background = serve(name, Stopper)
    with connect(background) as client:
        client.sendall(b"x")
        wait_until(lambda: not background.alive, what="its end")
        assert took[0] < handle.STOP_SECONDS / 2
        assert background.errors == []


def test_a_server_that_does_not_obey(monkeypatch, capsys):
    monkeypatch.setattr(handle, "STOP_SECONDS", 0.1)
    first = serve(Disobedient)
    with pytest.raises(
        RuntimeError, match="^Disobedient does not stop: after stop.. its serve_forever.. runs on$"
    ):
        first.stop()
    assert first.alive
    second = serve(Disobedient)  # perhaps its repair: it must not be held up
    assert second.alive
    assert "Disobedient does not stop" in capsys.readouterr().err
    first.server.let_go.set()
    second.server.let_go.set()
    second.stop()


def test_a_stop_that_does_not_return(monkeypatch):
    class Endless(Disobedient):
        def stop(self):
            self.let_go.wait()

    monkeypatch.setattr(handle, "STOP_SECONDS", 0.1)
    background = serve(Endless)
    with pytest.raises(RuntimeError, match="^Endless does not stop: its stop.. does not return$"):
        background.stop()
    background.server.let_go.set()
    background.stop()


def test_a_stop_that_fails_shows_the_line_of_the_learner():
    class Failing(Disobedient):
        def stop(self):
            self.let_go.set()
            raise AttributeError("no such thing")

    background = serve(Failing)
    with pytest.raises(AttributeError, match="no such thing") as caught:
        background.stop()
    assert caught.traceback[-1].name == "stop"
    assert str(caught.traceback[-1].path) == __file__


def interrupt_main_soon() -> None:
    main = threading.get_ident()
    threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGINT)).start()


def test_an_interrupted_stop_can_be_repeated():
    background = serve(Disobedient)
    interrupt_main_soon()
    with pytest.raises(KeyboardInterrupt):
        background.stop()
    assert background.alive
    assert repr(background) == "<Background 'Disobedient' stopping>"
    assert running() == [background]
    background.server.let_go.set()
    background.stop()
    assert not background.alive


def test_an_interrupted_serve_keeps_the_predecessor_and_can_be_repeated():
    first = serve(Disobedient)
    interrupt_main_soon()
    with pytest.raises(KeyboardInterrupt):
        serve(Disobedient)
    assert running() == [first]
    first.server.let_go.set()
    second = serve(Disobedient)
    assert running() == [second]
    second.server.let_go.set()


def test_a_thread_that_cannot_start_leaves_no_listener(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    made = []

    class Kept(BlockingServer):
        def set_up(self):
            super().set_up()
            made.append(self)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        serve(Kept)
    assert made[0].listener.fileno() == -1
    assert running() == []


# --- the end of the interpreter ---------------------------------------------------------------


def end_of(script: str) -> tuple[str, float]:
    """Run ``script`` in an interpreter of its own; return what it wrote and the seconds that its end took."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script) + "\nprint('end', flush=True)"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with child:
        assert child.stdout is not None
        lines = []
        while (line := child.stdout.readline()) not in ("end\n", ""):
            lines.append(line)
        began = time.monotonic()
        lines.append(child.stdout.read())
        child.wait()
    assert child.returncode == 0, lines
    return "".join(lines), time.monotonic() - began


def test_the_interpreter_ends_with_every_rung_serving_a_client():
    output, seconds = end_of(
        """
        import socket
        from course_lib.lab.background import serve
        from course_lib.servers import LADDER
        servers = [serve(rung) for rung in LADDER if not rung.unavailable]
        clients = [socket.create_connection(server.address) for server in servers for _ in range(2)]
        for client in clients[::2]:
            client.sendall(b"x")
            client.recv(1)
        """
    )
    assert output == ""
    assert seconds < 2


@pytest.mark.parametrize("pool", ["True", "False"])
def test_the_interpreter_ends_in_spite_of_threads_that_are_no_daemons(pool):
    output, seconds = end_of(
        f"""
        POOL = {pool}
        import socket, threading
        from concurrent.futures import ThreadPoolExecutor
        from course_lib.lab.background import serve
        def echo(client):
            while data := client.recv(100):
                client.sendall(data)
            client.close()
        def threaded_server(listener):
            pool = ThreadPoolExecutor()
            while True:
                client, address = listener.accept()
                pool.submit(echo, client) if POOL else threading.Thread(
                    target=echo, args=(client,), daemon=False
                ).start()
        client = socket.create_connection(serve(threaded_server).address)
        client.sendall(b"x")
        client.recv(1)
        """
    )
    assert output == ""
    assert seconds < 2


def test_the_interpreter_ends_in_spite_of_servers_that_do_not_stop_and_tells_of_errors():
    output, seconds = end_of(
        """
        import sys, threading
        from course_lib.lab.background import serve
        from course_lib.lab.waiting import wait_until
        class Endless:
            address = ("127.0.0.1", 1)
            def __init__(self, *args): pass
            def serve_forever(self): threading.Event().wait()
            def stop(self): threading.Event().wait(10 if sys.version_info[:2] != (3, 12) else 0)
        class Dying(Endless):
            def serve_forever(self): raise ValueError("bad day")
        serve(Endless)
        dead = serve(Dying)
        wait_until(lambda: not dead.alive)
        """
    )
    assert output == "the server 'Dying' died: ValueError: bad day\n"
    assert seconds < 2


def test_neither_matplotlib_nor_widgets_are_imported():
    output, _ = end_of(
        """
        import sys
        import course_lib
        import course_lib.lab.background
        print(*{"matplotlib", "ipywidgets", "IPython", "psutil", "tqdm"} & set(sys.modules))
        """
    )
    assert output == "\n"
