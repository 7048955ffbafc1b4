"""Each notebook in JupyterLab: all its cells run, and what they show can be seen."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.helpers import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# More than the limit of a cell, which names the cell.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

UNKNOWN_WIDGET = """
import ipywidgets, traitlets
class Unknown(ipywidgets.DOMWidget):
    _view_name = traitlets.Unicode("NoSuchView").tag(sync=True)
    _view_module = traitlets.Unicode("@jupyter-widgets/controls").tag(sync=True)
    _view_module_version = traitlets.Unicode("2.0.0").tag(sync=True)
ipywidgets.VBox([Unknown()])
"""
LOST_WIDGET = """
from IPython.display import display
view = {"model_id": "lost", "version_major": 2, "version_minor": 0}
display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
"""
BROKEN_PICTURE = """
from IPython.display import HTML
HTML('<img src="data:image/png;base64,AAAA">')
"""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_all_cells_run(path, opened) -> None:
    with opened(path.name) as lab:
        assert lab.run_all() == []


LATE_ERROR = """
import time
time.sleep(1)  # the kernel drops the cells after an error only if they have come by then
1 / 0
"""


def test_what_fails_is_found(server, opened) -> None:
    sources = ["1", UNKNOWN_WIDGET, LOST_WIDGET, BROKEN_PICTURE, LATE_ERROR, "2"]
    cells = [new_code_cell(source.strip(), id=f"c{number}") for number, source in enumerate(sources)]
    server.add(new_notebook(cells=cells), "failing.ipynb")
    with opened("failing.ipynb") as lab:
        assert lab.run_all() == [
            "cell c1 ('import ipywidgets, traitlets') shows 'Click to show javascript error'",
            "cell c2 ('from IPython.display import display') shows 'Error displaying widget'",
            "cell c3 ('from IPython.display import HTML'): 1 pictures cannot be loaded",
            "cell c4 ('import time'): ZeroDivisionError: division by zero",
            "cell c5 ('2') has not been run",
        ]


def test_a_cell_that_does_not_end_is_named(server, opened) -> None:
    cells = [new_code_cell("1", id="c0"), new_code_cell("import time; time.sleep(1000)", id="c1")]
    server.add(new_notebook(cells=cells), "endless.ipynb")
    with opened("endless.ipynb") as lab:
        assert lab.run_all(seconds=2) == ["cell c1 has not come to its end within 2 s"]
