"""The instruments under the hand: buttons are pressed, and the page shows what came of it."""

import re

import pytest
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def scratch(server, name: str, source: str) -> str:
    """Put a new notebook into the server's folder, with one cell, c0; return its name."""
    server.add(new_notebook(cells=[new_code_cell(source, id="c0")]), f"{name}.ipynb")
    return f"{name}.ipynb"


def say(entry, line: str) -> None:
    """Click into a widget, and type a line and the Enter key, faster than anybody types."""
    entry.click()  # JupyterLab moves the focus a moment after a click; one elsewhere would take the keys away
    entry.press_sequentially(f"{line}\n", delay=10)


def test_the_game(opened, expect) -> None:
    with opened("00_start_here.ipynb") as lab:
        lab.run("game")
        game = lab.output("game")
        accept = game.get_by_role("button", name="accept")
        expect(accept).to_be_hidden()
        game.get_by_role("button", name="Start").click()
        accept.click()
        expect(game).to_contain_text(re.compile(r"accept returned a new descriptor: \w+ is connected"))
        expect(game).to_contain_text("has not been heard yet")
        game.get_by_role("button", name="recv").click()  # this client may be the one that thinks for long
        expect(game).to_contain_text(re.compile("send it back|The course rescues you"))


def test_the_stepper(opened, server, expect) -> None:
    """A step each: the heartbeat sets its timer, a client is accepted, its line is said back."""
    with opened(scratch(server, "stepper", "from course_lib import stepper\nstepper()")) as lab:
        lab.run("c0")
        stepper = lab.output("c0")
        step, timers = stepper.locator(".stepper-step"), stepper.locator(".stepper-timers")
        registered, done = stepper.locator(".stepper-registered"), stepper.locator(".stepper-round")
        expect(stepper.locator(".stepper-queue")).to_contain_text("heartbeat")
        expect(timers).not_to_contain_text("heartbeat")

        step.click()
        expect(done).to_contain_text("Round 1")
        expect(stepper.locator(".stepper-queue")).not_to_contain_text("heartbeat")
        expect(timers).to_contain_text("heartbeat")

        stepper.locator(".stepper-open").click()
        expect(registered).to_contain_text("1 client for accept")
        expect(registered).not_to_contain_text("client 1")
        step.click()
        expect(done).to_contain_text("Round 2")
        expect(registered).to_contain_text("client 1")

        heard = stepper.locator(".stepper-client-1-heard")
        say(stepper.locator(".stepper-client-1-entry input"), "hello")
        expect(registered).to_contain_text("bytes for recv")
        expect(heard).to_contain_text("has heard nothing")
        step.click()
        expect(done).to_contain_text("Round 3")
        expect(heard).to_contain_text("heard hello")


def test_the_panel(opened, server, expect) -> None:
    """The lowest rung keeps its second client waiting; the next rung does not."""
    with opened(scratch(server, "panel", "from course_lib import panel\npanel()")) as lab:
        lab.run("c0")
        panel = lab.output("c0")
        status, threads = panel.locator(".panel-status"), panel.locator(".panel-threads")

        for rung, second_hears in (("blocking", "has heard nothing"), ("threaded", "heard second")):
            panel.locator(".panel-rung select").select_option(rung)
            panel.locator(".panel-start").click()
            expect(status).to_contain_text(f"{rung} serves")
            for number, words in enumerate(("first", "second"), start=1):
                panel.locator(".panel-open").click()
                say(panel.locator(f".panel-client-{number}-entry input"), words)
            expect(panel.locator(".panel-client-1-heard")).to_contain_text("heard first")
            expect(threads).to_contain_text("waits in recv, for client 1")
            expect(panel.locator(".panel-client-2-heard")).to_contain_text(second_hears)
        panel.locator(".panel-stop").click()
        expect(status).to_contain_text("has been stopped")


FRAMES = """
from course_lib import frame_stepper

def inner():
    got = yield "ready"
    print("inner got", got)
    yield got

def outer():
    yield from inner()

frame_stepper(outer)
"""


def test_the_frame_stepper(opened, server, expect) -> None:
    """Step, a slip, Send by the Enter key, Throw, Reset."""
    with opened(scratch(server, "frames", FRAMES)) as lab:
        lab.run("c0")
        frames = lab.output("c0")
        status, stack = frames.locator(".frames-status"), frames.locator(".frames-stack")
        last, entry = frames.locator(".frames-last"), frames.locator(".frames-entry input")
        expect(status).to_contain_text("It has not begun")

        frames.locator(".frames-step").click()
        expect(status).to_contain_text("it has yielded 'ready'")
        expect(stack).to_contain_text("▶    yield from inner()")
        expect(stack).to_contain_text('▶    got = yield "ready"')

        say(entry, "hello")
        expect(frames.locator(".frames-message")).to_contain_text("'hello' is no value that can be sent")
        entry.fill("[1, 2]")
        frames.locator(".frames-send").click()
        expect(last).to_contain_text("send([1, 2])")
        expect(last).to_contain_text("inner got [1, 2]")
        expect(stack).to_contain_text("got = [1, 2]")

        frames.locator(".frames-error select").select_option("KeyError")
        frames.locator(".frames-throw").click()
        expect(last).to_contain_text("raised KeyError, in inner: yield got")
        expect(frames.locator(".frames-step")).to_be_disabled()
        frames.locator(".frames-reset").click()
        expect(status).to_contain_text("It has not begun")


TASKS = """
from course_lib import stepper
from course_lib.listening import listen

def build(loop):
    listener = listen(("127.0.0.1", 0), 10)
    listener.setblocking(False)

    async def welcome():
        while True:
            sock, _ = await loop.sock_accept(listener)
            loop.spawn(echo(sock))

    async def echo(sock):
        while data := await loop.sock_recv(sock, 1000):
            await loop.sock_sendall(sock, data)

    loop.spawn(welcome())
    return listener.getsockname()

stepper(build, name="tasks")
"""


def test_the_stepper_with_tasks(opened, server, expect) -> None:
    with opened(scratch(server, "tasks", TASKS)) as lab:
        lab.run("c0")
        stepper = lab.output("c0")
        step, tasks = stepper.locator(".stepper-step"), stepper.locator(".stepper-tasks")
        expect(tasks).to_contain_text("is in the ready queue")
        step.click()
        expect(tasks).to_contain_text("waits for listener to be readable")
        stepper.locator(".stepper-open").click()
        step.click()
        expect(tasks).to_contain_text("echo of client 1")
        step.click()
        expect(tasks).to_contain_text("waits for client 1 to be readable")
        say(stepper.locator(".stepper-client-1-entry input"), "hello")
        step.click()
        expect(stepper.locator(".stepper-round")).to_contain_text("task echo of client 1 ran")
        expect(stepper.locator(".stepper-client-1-heard")).to_contain_text("heard hello")
        stepper.locator(".stepper-reset").click()
        expect(tasks).not_to_contain_text("echo")
