"""See a notebook as JupyterLab shows it, from top to bottom, in a window of 1280 x 1000.

    python -m tools.screenshots NOTEBOOK FOLDER [--dark] [--as-saved]

Runs a copy of NOTEBOOK, writes FOLDER/NAME-01.png, NAME-02.png and so on, and says what has failed.
"""

import argparse
import sys
from pathlib import Path

from tools.lab_browser import NoBrowser, browser
from tools.lab_server import lab_server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dark", action="store_true", help="in the dark theme")
    parser.add_argument("--as-saved", action="store_true", help="run nothing: the outputs of the file")
    arguments = parser.parse_args()
    if not arguments.notebook.is_file():
        parser.error(f"there is no {arguments.notebook}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    try:
        return take(arguments.notebook, arguments.folder, arguments.dark, not arguments.as_saved)
    except NoBrowser as missing:
        parser.error(str(missing))


def take(notebook: Path, folder: Path, dark: bool, run: bool) -> int:
    with lab_server([notebook], dark) as server, browser() as chromium:
        with server.open(chromium, notebook.name) as lab:
            problems = lab.run_all() if run else []
            for number, picture in enumerate(lab.screenshots(), start=1):
                file = folder / f"{notebook.stem}-{number:02}.png"
                file.write_bytes(picture)
                print(file)
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
