"""The program that plays the game by the lamps."""

from course_lib.lab.game import by_lamps
from course_lib.lab.game.by_lamps import play_by_lamps
from course_lib.lab.game.scores import Scores
from tests.helpers import nothing_left


def test_nobody_waits_and_no_press_blocks():
    with nothing_left():
        played = play_by_lamps(pace=0.05)
    assert repr(Scores({"by lamps": played.latencies})) == "by lamps: nobody had to wait"
    assert not [press for press in played.presses if press.rescued]
    accepted = [press.outcome for press in played.presses if press.call == "accept"]
    assert accepted == ["Ann", "Bob", "Cy", "Dee", "Eve"]


def test_it_gives_up_in_time(monkeypatch):
    monkeypatch.setattr(by_lamps, "LIMIT", 0.0)
    with nothing_left():
        assert play_by_lamps(pace=0.05).presses == []
