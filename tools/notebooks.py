"""Execute the notebooks in place and leave only what a reader needs, so that a diff shows what changed.

    python tools/notebooks.py [NAME...]          execute, normalize, write; a NAME is 03 or 03_nonblocking
    python tools/notebooks.py --fresh [NAME...]  the same, but keep no old picture
    python tools/notebooks.py --check [NAME...]  execute nothing; report what must not be committed

A cell whose source is the same, and whose new outputs nbval would call equal to the old ones, keeps the old
ones, because a picture of a measurement differs at every run. Use --fresh after a change to what draws them.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval.plugin import coalesce_streams, get_sanitize_patterns
from tqdm import tqdm

from course_lib.coach.progress_file import FOLDER

ROOT = Path(__file__).resolve().parent.parent
SANITIZERS = get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text(encoding="utf-8"))
CELL_SECONDS = 120  # nbval's limit in the Makefile
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"  # holds a random id
PICTURES = {"image/png", "image/jpeg"}
NOT_COMPARED = {"metadata", "traceback", "output_type", "name", "execution_count", "data"}
NOT_COMPARED |= {WIDGET_VIEW, *PICTURES}
# The same for every machine: the versions that a kernel adds would make a diff of nothing.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
TO_PLAIN = [*SANITIZERS, (r"\x1b\[[0-9;]*m", "")]  # without the colors of a traceback
MACHINE_PATH = re.compile(
    r"(?<![\w.-])/(?:root|home|Users|tmp|var/folders)/\w[^\s'\")]*"
    r"|\S*/(?:site-packages|dist-packages|python3\.\d+)/\S*"
    r"|\b[A-Z]:\\+Users\\\S*"
    rf"|{re.escape(str(ROOT))}\b\S*"
)


def sanitize(text: str, sanitizers: list[tuple[str, str]] = SANITIZERS) -> str:
    for pattern, replacement in sanitizers:
        text = re.sub(pattern, replacement, text)
    return text


def comparable(outputs: list[NotebookNode]) -> dict[str, list]:
    """What nbval compares: for each stream and MIME type its values, sanitized, in order."""
    values = defaultdict(list)
    for output in coalesce_streams([NotebookNode(output) for output in outputs]):  # it changes its argument
        is_stream = output.output_type == "stream"
        fields = {output.name: output.text} if is_stream else {**output, **output.get("data", {})}
        for key in fields.keys() - NOT_COMPARED:
            values[key].append(sanitize(fields[key]) if isinstance(fields[key], str) else fields[key])
    return values


def tidy(outputs: list[NotebookNode], execution_count: int) -> list[NotebookNode]:
    """Neighbors of one stream merged (where a print is cut depends on timing), widget views dropped."""
    kept: list[NotebookNode] = []
    for output in outputs:
        if kept and output.output_type == "stream" and output.name == kept[-1].get("name"):
            kept[-1].text += output.text
        else:
            kept.append(output)
        output.get("data", {}).pop(WIDGET_VIEW, None)
        if "execution_count" in output:  # an output that was kept may carry an older one
            output.execution_count = execution_count
    return kept


def normalize(notebook: NotebookNode, before: NotebookNode, fresh: bool = False) -> None:
    """Drop from `notebook` what varies with run and machine; take outputs that are equal from `before`."""
    notebook.metadata = nbformat.from_dict(METADATA)
    old = {cell.id: cell for cell in before.cells if cell.cell_type == "code"}
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.metadata.pop("execution", None)
        was = old.get(cell.id, {"source": None})
        if was["source"] == cell.source and comparable(was.outputs) == comparable(cell.outputs) and not fresh:
            cell.outputs = was.outputs
        cell.outputs = tidy(cell.outputs, cell.execution_count)


def place(notebook: NotebookNode, index: int) -> str:
    return f"cell {index + 1} of {len(notebook.cells)} ({notebook.cells[index].source.split(chr(10))[0]!r})"


def execute(path: Path, fresh: bool) -> list[str]:
    """Run a notebook and write it; where a cell fails, say which, and leave the file as it was."""
    before, notebook = (nbformat.read(path, as_version=4) for _ in range(2))
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3")
    os.environ[FOLDER] = tempfile.mkdtemp()  # nobody's own progress
    with client.setup_kernel(cwd=path.parent, stderr=subprocess.DEVNULL):  # as nbval starts it
        for index, cell in enumerate(tqdm(notebook.cells, desc=path.stem, unit="cell")):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                return [f"{place(notebook, index)}: {error.ename}: {error.evalue.partition(chr(10))[0]}"]
            except (CellTimeoutError, DeadKernelError) as error:  # their messages are pages long
                return [f"{place(notebook, index)}: {type(error).__name__} (the limit is {CELL_SECONDS} s)"]
    normalize(notebook, before, fresh)
    nbformat.write(notebook, path)
    return []


def check(path: Path) -> list[str]:
    """What must not be committed: code cells that were not run in order from 1, and paths of the machine."""
    notebook = nbformat.read(path, as_version=4)
    found, count = [], 0
    for index, cell in enumerate(notebook.cells):
        texts = [cell.source]
        if cell.cell_type == "code":
            count += 1
            if cell.execution_count != count:
                found.append(f"{place(notebook, index)}: execution count {cell.execution_count}, not {count}")
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
            data = [value for kind, value in output.get("data", {}).items() if kind not in PICTURES]
            texts += [value if isinstance(value, str) else json.dumps(value) for value in data]
        paths = [path for text in texts for path in MACHINE_PATH.findall(sanitize(text, TO_PLAIN))]
        found += [f"{place(notebook, index)}: a path of this machine, {path}" for path in paths]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=[""])
    parser.add_argument("--fresh", action="store_true", help="keep no old picture")
    parser.add_argument("--check", action="store_true", help="only report what must not be committed")
    arguments = parser.parse_args()
    failed = False
    for name in arguments.names:
        paths = sorted((ROOT / "notebooks").glob(f"{Path(name).stem}*.ipynb"))
        if not paths:
            parser.error(f"notebooks/ has no {name}*.ipynb")
        for path in paths:
            for problem in check(path) if arguments.check else execute(path, arguments.fresh):
                failed = True
                print(f"{path.name}, {problem}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
