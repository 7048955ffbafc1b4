"""Pictures: the image, the words that go with it, and colors that all eyes can tell apart."""

import base64
import io
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from course_lib.lab import picture
from course_lib.lab.picture import BLOCKED, RUNNING, Ink, Mark, Picture, draw_bar, draw_marks, new_figure
from tests.helpers import ROOT

PNG = b"\x89PNG\r\n\x1a\n"
TEXT = 'server: accept (blocked) → "recv" <1 & 2>\nclient: connect'


@pytest.fixture
def drawn() -> Picture:
    figure = new_figure(400, 200)
    draw_bar(figure.subplots(), 0, 0, 1, RUNNING)
    return Picture(figure, TEXT)


def image_in(html: str) -> dict[str, str]:
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(html)
    ((tag, attributes),) = found
    assert tag == "img"
    return attributes


def test_both_forms_hold_the_words(drawn):
    bundle = drawn._repr_mimebundle_()
    assert bundle.keys() == {"text/html", "text/plain"}
    assert bundle["text/plain"] == TEXT == repr(drawn)
    assert image_in(bundle["text/html"])["alt"] == TEXT


def test_the_image_is_twice_as_sharp_as_it_is_wide(drawn):
    image = image_in(drawn._repr_mimebundle_()["text/html"])
    assert image["width"] == "400"
    data = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
    assert data == drawn.png()
    assert imread(io.BytesIO(data)).shape[:2] == (400, 800)


def test_the_html_is_the_same_but_for_the_data(drawn):
    other = Picture(new_figure(400, 300), TEXT)
    pattern = r"data:image/png;base64,[A-Za-z0-9+/=]+"  # that of nbval_sanitize.cfg
    assert pattern in (ROOT / "tests" / "nbval_sanitize.cfg").read_text()
    first, second = (each._repr_mimebundle_()["text/html"] for each in (drawn, other))
    assert first != second
    assert re.sub(pattern, "PICTURE", first) == re.sub(pattern, "PICTURE", second)


def test_the_background_is_white(drawn):
    pixels = imread(io.BytesIO(drawn.png()))
    assert pixels[0, 0].tolist() == pixels[-1, -1].tolist() == [1, 1, 1, 1]


def test_the_same_figure_makes_the_same_png(drawn):
    again = new_figure(400, 200)
    draw_bar(again.subplots(), 0, 0, 1, RUNNING)
    assert Picture(again, TEXT).png() == drawn.png()


def test_save(drawn, tmp_path):
    drawn.save(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes() == drawn.png()
    assert drawn.png().startswith(PNG)


def test_a_bar_lies_where_it_should():
    axes = new_figure(400, 200).subplots()
    draw_bar(axes, 2, 0.25, 1.0, BLOCKED)
    (bar,) = axes.patches
    assert (bar.get_x(), bar.get_width(), bar.get_y() + bar.get_height() / 2) == (0.25, 0.75, 2)
    assert bar.get_hatch() == BLOCKED.hatch


def test_marks_lie_where_they_should():
    axes = new_figure(400, 200).subplots()
    draw_marks(axes, 1, [0.5, 0.75], picture.ANSWERED)
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[0.5, 1], [0.75, 1]]
    assert line.get_linestyle() == "None"


def test_states_differ_in_hatch_and_moments_in_shape():
    states = [value for value in vars(picture).values() if isinstance(value, Ink)]
    moments = [value for value in vars(picture).values() if isinstance(value, Mark)]
    assert len({ink.hatch for ink in states}) == len(states) >= 3
    assert len({mark.shape for mark in moments}) == len(moments) >= 2


def test_letters_are_readable():
    assert min(picture.SMALL, picture.NORMAL, picture.LARGE) >= 9
    assert sum(to_rgb(picture.INK)) < 0.5


def test_no_pyplot():
    """It keeps every figure, and must not be used in a widget's callback."""
    code = (
        "import sys; from course_lib.lab.picture import *;"
        "from course_lib.lab.three_clients_picture import draw;"
        "from course_lib.lab.three_clients import ServerRun;"
        "Picture(draw([ServerRun('epoll', note='?')]), '').png(); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_matplotlib_is_not_imported_before_there_is_a_figure():
    code = (
        "import sys, course_lib.lab.picture, course_lib.lab.three_clients; print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
