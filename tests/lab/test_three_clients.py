"""The returning picture: what three real clients go through, and what is said and drawn of it."""

import socket
import threading

import pytest

from course_lib.conversation import ArticleBlocking, ArticleSelectors
from course_lib.lab import visitors
from course_lib.lab.background import running, serve
from course_lib.lab.picture import ANSWERED, FAILED
from course_lib.lab.three_clients import ServerRun, three_clients, verdict
from course_lib.lab.three_clients_picture import LANES, draw
from course_lib.lab.visitors import ClientRun, Segment, visit
from course_lib.servers.epoll_loop import EpollServer
from tests.helpers import nothing_left

BEFORE = "slow and quick were answered while silent was still connected"
AFTER = "slow and quick were answered only after silent had left"


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """The same story in a third of the time; nothing is left behind."""
    monkeypatch.setattr(visitors, "SILENCE", 0.4)
    monkeypatch.setattr(visitors, "BYTE_PAUSE", 0.02)
    monkeypatch.setattr(visitors, "QUESTION_PAUSE", 0.005)
    monkeypatch.setattr(visitors, "PATIENCE", 0.8)
    with nothing_left():
        yield


def only_run(picture) -> ServerRun:
    (run,) = picture.runs
    return run


def test_the_blocking_server_lets_all_wait_for_the_silent_client():
    picture = three_clients("blocking")
    assert repr(picture) == f"blocking: {AFTER}"
    silent, slow, quick = only_run(picture).clients
    assert [client.name for client in (silent, slow, quick)] == ["silent", "slow", "quick"]
    assert silent.left < slow.answers[0] < quick.answers[0]
    assert (len(slow.answers), len(quick.answers)) == (1, 5)
    assert quick.answers == sorted(quick.answers)
    assert not (silent.failed or slow.failed or quick.failed)


def test_the_others_let_nobody_wait_and_each_has_its_line():
    picture = three_clients("threaded", "selectors", "asyncio_streams")
    assert picture.text == f"threaded: {BEFORE}\nselectors: {BEFORE}\nasyncio_streams: {BEFORE}"
    for run in picture.runs:
        silent, slow, quick = run.clients
        assert max(slow.left, quick.left) < silent.left


def test_what_the_clients_do():
    silent, slow, quick = only_run(three_clients("threaded")).clients
    assert [segment.state for segment in silent.segments] == ["silent"]
    assert [segment.state for segment in slow.segments] == ["talking"] * 4 + ["waiting"]
    assert [segment.state for segment in quick.segments] == ["talking", "waiting"] * 5
    assert silent.left - silent.segments[0].start >= visitors.SILENCE
    assert slow.segments[3].end - slow.segments[0].start >= 3 * visitors.BYTE_PAUSE
    for client in (silent, slow, quick):
        times = [time for segment in client.segments for time in (segment.start, segment.end)]
        assert times == sorted(times)
        assert client.left >= times[-1]


def test_the_clients_connect_in_order():
    """The next one connects when the one before has connected: the server meets them in that order."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard = []

        def accept():
            for _ in range(3):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(0.1)
                    try:
                        heard.append(connection.recv(1)[:1])
                    except TimeoutError:
                        heard.append(b"")

        thread = threading.Thread(target=accept)
        thread.start()
        visit(listener.getsockname())
        thread.join()
    assert heard == [b"", b"1", b"1"]


@pytest.mark.parametrize("conversation", [ArticleBlocking, ArticleSelectors])
def test_a_conversation_with_other_words_around_the_answer(conversation):
    assert repr(three_clients("blocking", conversation=conversation)) == f"blocking: {AFTER}"
    assert repr(three_clients("selectors", conversation=conversation)) == f"selectors: {BEFORE}"


def article_server(listener):
    """It accepts once, and answers the end of the stream until that fails."""
    client, _address = listener.accept()
    client.sendall(b"Welcome to the server!")
    while True:
        data = client.recv(1024).decode()
        client.sendall(f"The server received: {data}".encode())


def deaf_server(listener):
    """It accepts once, and then spins."""
    client, _address = listener.accept()
    while True:
        client.recv(1024)


def polite_server(listener):
    """It accepts twice, and goes."""
    for _ in range(2):
        client, _address = listener.accept()
        with client:
            while data := client.recv(1024):
                client.sendall(data)


def test_the_server_of_the_article_dies_of_the_first_goodbye():
    picture = three_clients(article_server)
    assert repr(picture) == "article_server: slow and quick were never answered; the server died"
    silent, slow, quick = only_run(picture).clients
    assert slow.failed and quick.failed
    assert silent.left <= slow.left < visitors.PATIENCE


def test_a_client_that_is_not_answered_loses_its_patience():
    picture = three_clients(deaf_server)
    assert repr(picture) == "deaf_server: slow and quick were never answered"
    for client in only_run(picture).clients[1:]:
        assert visitors.PATIENCE <= client.left < visitors.PATIENCE + 0.3
        assert client.segments[-1].state == "waiting"


def test_each_client_has_its_own_fate():
    assert repr(three_clients(polite_server)) == (
        "polite_server: slow was answered only after silent had left; quick was never answered"
    )


def test_a_server_that_dies_at_once():
    error = ValueError("bad day")

    def dead_server(listener):
        raise error

    picture = three_clients(dead_server)
    assert picture.text == "dead_server: slow and quick were never answered; the server died"
    assert only_run(picture).error is error


def test_a_client_that_cannot_even_connect():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        clients = visit(unused.getsockname())
    assert [client.failed for client in clients] == [False, True, True]
    assert verdict(ServerRun("x", clients)) == "slow and quick were never answered"


def test_a_rung_that_this_system_cannot_run(monkeypatch):
    monkeypatch.setattr(EpollServer, "unavailable", "epoll is part of Linux")
    picture = three_clients("epoll", "selectors")
    assert picture.text == f"epoll: EpollServer cannot run here: epoll is part of Linux\nselectors: {BEFORE}"


def test_a_server_of_the_notebook_is_left_alone():
    with serve("blocking") as mine:
        three_clients("blocking")
        assert running() == [mine]


def test_no_server_at_all():
    with pytest.raises(TypeError, match="^three_clients needs a server, or several$"):
        three_clients()


def test_partly_answered():
    silent = ClientRun("silent", 0, left=1.0)
    slow = ClientRun("slow", 1, answers=[0.3], left=0.3)
    quick = ClientRun("quick", 5, answers=[0.1, 0.2], left=0.5)
    assert verdict(ServerRun("x", [silent, slow, quick])) == (
        "slow was answered while silent was still connected; quick was answered 2 of 5 times"
    )


def test_the_hurried_times_are_those_of_the_picture(monkeypatch):
    monkeypatch.undo()
    assert (visitors.SILENCE, visitors.BYTE_PAUSE, visitors.PATIENCE) == (1.0, 0.1, 2.0)


# --- the drawing ------------------------------------------------------------------------------


def measured(name: str, longest: float = 1.0) -> ServerRun:
    silent = ClientRun("silent", 0, [Segment(0, 1, "silent")], left=1.0)
    slow = ClientRun("slow", 1, [Segment(0, 0.3, "talking"), Segment(0.3, longest, "waiting")], left=longest)
    quick = ClientRun("quick", 5, [Segment(0, 0.2, "waiting")], [0.1, 0.2, 0.3, 0.4, 0.5], 0.5)
    return ServerRun(name, [silent, slow, quick])


def marks(axes, color: str) -> list[list[float]]:
    return [line.get_xydata().tolist() for line in axes.lines if line.get_color() == color]


def test_a_row_for_each_server_on_one_axis():
    figure = draw([measured("one"), measured("two", longest=2.0)])
    one, two = figure.axes
    assert [one.get_title("left"), two.get_title("left")] == ["one", "two"]
    assert one.get_xlim() == two.get_xlim()
    assert one.get_xlim()[1] > 2.0
    assert one.get_title("right").startswith("slow was never answered")


def test_the_axis_is_the_same_in_every_lesson():
    assert draw([measured("one")]).axes[0].get_xlim() == draw([measured("other", 0.4)]).axes[0].get_xlim()


def test_what_is_drawn_is_what_was_measured():
    run = measured("one")
    (axes,) = draw([run]).axes
    bars = {(bar.get_x(), round(bar.get_x() + bar.get_width(), 6), bar.get_y() + 0.3) for bar in axes.patches}
    assert bars == {
        (segment.start, segment.end, LANES[client.name])
        for client in run.clients
        for segment in client.segments
    }
    assert [[x, LANES["quick"]] for x in run.clients[2].answers] in marks(axes, ANSWERED.color)
    assert marks(axes, FAILED.color) == [[[1.0, LANES["slow"]]]]


def test_the_legend_names_only_what_there_is():
    def names(run):
        (legend,) = draw([run]).legends
        return [text.get_text() for text in legend.get_texts()]

    whole = measured("one")
    assert names(whole)[-2:] == ["answer", "no answer"]
    whole.clients[1].answers.append(1.0)
    assert names(whole)[-1] == "answer"


def test_it_is_readable_at_1280_dots():
    figure = draw([measured("one")])
    sizes = [text.get_fontsize() for text in figure.findobj(lambda each: hasattr(each, "get_fontsize"))]
    assert figure.get_figwidth() * 100 <= 1000
    assert min(text for text in sizes) >= 9


def test_a_death_that_the_picture_tells_is_not_told_again(capsys):
    three_clients(article_server)
    three_clients(article_server)
    assert capsys.readouterr().err == ""
