"""One notebook in JupyterLab, as the browser shows it.

What a cell holds is read from JupyterLab's own model of the notebook, which it exposes as
``window.jupyterapp`` when it is asked to; buttons are clicked, and keys are pressed, as a person does it.

Read lab_server.py first.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

OPEN_SECONDS = 60
CELL_SECONDS = 120  # nbval's limit in the Makefile
CLICK_SECONDS = 15

NOTEBOOK = "window.jupyterapp.shell.currentWidget"
CODE = f'{NOTEBOOK}.content.widgets.filter(cell => cell.model.type === "code")'

READY = f"""() => {{
  if (!window.jupyterapp || !{NOTEBOOK}?.content?.widgets?.length) return false;
  if (!{NOTEBOOK}.context.isReady) return false;
  if ({NOTEBOOK}.sessionContext.session?.kernel?.status !== "idle") return false;
  {NOTEBOOK}.content.widgets.forEach(cell => cell.node.setAttribute("data-cell", cell.model.id));
  return true;
}}"""

RUN_ALL = """async () => {
  const { commands } = window.jupyterapp;
  await commands.execute("notebook:clear-all-cell-outputs");
  window.ran = "";
  commands.execute("notebook:run-all-cells").finally(() => window.ran = "to the end");
}"""
RUNNING = f'() => {CODE}.find(cell => cell.model.executionState === "running")?.model.id ?? ""'
ENDED_OR_OTHER = f"known => window.ran || ({RUNNING})() !== known"
ONE = f"{CODE}.find(cell => cell.model.id === id).model"
FORGET_COUNT = f"id => {{ {ONE}.executionCount = null }}"
HAS_RUN = f'id => {ONE}.executionCount && {ONE}.executionState !== "running"'
SET_SOURCE = f"([id, text]) => {ONE}.sharedModel.setSource(text)"

CELLS = f"""() => {CODE}.map(cell => ({{
  id: cell.model.id,
  source: cell.model.sharedModel.source,
  tags: cell.model.getMetadata("tags") ?? [],
  count: cell.model.executionCount,
  outputs: cell.model.sharedModel.getOutputs(),
  shown: cell.outputArea.node.innerText,
  broken: [...cell.outputArea.node.querySelectorAll("img")]
    .filter(picture => picture.complete && !picture.naturalWidth).length,
}}))"""

LOADING = "Loading widget..."
LOADED = f'() => !{CODE}.some(cell => cell.outputArea.node.innerText.includes("{LOADING}"))'
UNSHOWN = (LOADING, "Error displaying widget", "Click to show javascript error", "Javascript Error")
"""What the page says in place of a widget that it cannot show."""


class Cell(NamedTuple):
    """A code cell."""

    id: str
    source: str
    tags: list[str]
    count: int | None
    outputs: list[dict[str, Any]]
    shown: str
    """The text that the page shows of the outputs."""
    broken: int
    """How many pictures in the outputs the page could not load."""

    def problem(self) -> str:
        """Return what is wrong with it after a run, or nothing."""
        name = f"cell {self.id} ({self.source.partition(chr(10))[0]!r})"
        for output in self.outputs:
            if output["output_type"] == "error":
                return f"{name}: {output['ename']}: {output['evalue']}"
        if self.count is None:
            return f"{name} has not been run"
        if self.broken:
            return f"{name}: {self.broken} pictures cannot be loaded"
        return next((f"{name} shows {words!r}" for words in UNSHOWN if words in self.shown), "")


class LabPage:
    """The notebook that is open in ``page``, once its kernel is there.

    Each wait has a limit, after which Playwright's TimeoutError is raised.
    """

    def __init__(self, page: "Page") -> None:
        self.page = page
        page.set_default_timeout(CLICK_SECONDS * 1000)
        page.wait_for_function(READY, timeout=OPEN_SECONDS * 1000)

    def cells(self) -> list[Cell]:
        """Return all code cells as they are now."""
        return [Cell(**cell) for cell in self.page.evaluate(CELLS)]

    def cell(self, cell_id: str) -> "Locator":
        """Return one cell, its code included."""
        return self.page.locator(f'[data-cell="{cell_id}"]')

    def output(self, cell_id: str) -> "Locator":
        """Return what one cell shows, to look for something in it, or to click there."""
        return self.cell(cell_id).locator(".jp-Cell-outputArea")

    def run_all(self, seconds: float = CELL_SECONDS) -> list[str]:
        """Run all cells from the top, none of them for longer than that; return what has gone wrong."""
        from playwright.sync_api import TimeoutError as TooLate

        self.page.evaluate(RUN_ALL)
        while not self.page.evaluate("window.ran"):
            running = self.page.evaluate(RUNNING)
            try:
                self.page.wait_for_function(ENDED_OR_OTHER, arg=running, timeout=seconds * 1000)
            except TooLate:
                return [f"cell {running} has not come to its end within {seconds:g} s"]
        with suppress(TooLate):  # a cell that still says so has a problem
            self.page.wait_for_function(LOADED)
        return [problem for cell in self.cells() if (problem := cell.problem())]

    def start(self, cell_id: str, code: str = "") -> None:
        """Click into a cell, type ``code`` over what is in it, if any, and press Shift-Enter.

        The editor indents by itself, as it does for a person.
        """
        self.page.evaluate(FORGET_COUNT, cell_id)
        self.cell(cell_id).locator(".cm-content").click()
        if code:
            self.page.keyboard.press("ControlOrMeta+A")
            self.page.keyboard.type(code)
        self.page.keyboard.press("Shift+Enter")

    def run(self, cell_id: str, code: str = "", seconds: float = CELL_SECONDS) -> None:
        """The same, and wait for its end."""
        self.start(cell_id, code)
        self.page.wait_for_function(HAS_RUN, arg=cell_id, timeout=seconds * 1000)

    def set_source(self, cell_id: str, code: str) -> None:
        """Put ``code`` into a cell, all at once."""
        self.page.evaluate(SET_SOURCE, [cell_id, code])

    def screenshots(self) -> Iterator[bytes]:
        """Yield pictures of the notebook (PNG) from top to bottom, as wide as a learner sees it."""
        panel = self.page.locator(".jp-WindowedPanel-outer")
        height = panel.evaluate("panel => panel.clientHeight")
        bottom = panel.locator(".jp-WindowedPanel-viewport").evaluate("viewport => viewport.scrollHeight")
        for top in range(0, bottom, height):
            panel.evaluate("(panel, top) => { panel.scrollTop = top }", top)
            self.page.wait_for_timeout(200)  # the page draws what has come into view
            yield panel.screenshot()
