"""A server on any loop."""

from course_lib.eventloop import Loop
from course_lib.lab.gauntlet import gauntlet
from course_lib.lab.loop_server import server_on
from tests.helpers import connect, nothing_left, round_trip, serving
from tests.lab.cells import run_cell


def test_it_serves_and_leaves_nothing():
    with nothing_left():
        with serving(server_on(Loop)()) as running, connect(running.address) as sock:
            round_trip(sock)


def test_a_loop_of_a_cell_goes_to_the_gauntlet():
    kind = run_cell("class MyLoop(Loop):\n    pass\n", Loop=Loop)["MyLoop"]
    server = server_on(kind)
    assert (server.name, server.__name__) == ("MyLoop", "ServerOnMyLoop")
    names = ["polite", "descriptor_limit", "restart_same_port", "stop_under_load"]
    assert gauntlet(server, names, progress=False).passed == names
