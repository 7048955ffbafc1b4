"""What is declared agrees with itself, and what is committed names no machine.

Each check is a function that returns the problems it sees. One test gives it the project, another gives it
something wrong, which shows that the check can fail.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
ENVIRONMENT = (ROOT / "environment.yml").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


# ---- pyproject.toml, environment.yml, requirements.lock


def bounds(requirements: list[str]) -> dict[str, str]:
    parsed = map(Requirement, requirements)
    return {canonicalize_name(requirement.name): str(requirement.specifier) for requirement in parsed}


def environment_problems(needed: list[str], optional: list[str], environment: str) -> list[str]:
    """Needed is listed, nothing else than needed and optional is, and all of it has the same bounds."""
    entries = [entry for entry in yaml.safe_load(environment)["dependencies"] if isinstance(entry, str)]
    conda = [entry for entry in entries if re.split(r"\W", entry)[0] not in ("python", "pip")]
    listed = bounds(conda)
    known = bounds(needed + optional)
    missing = [f"{name} is missing" for name in bounds(needed) if name not in listed]
    wrong = [
        f"{name}{bound} is {name}{known[name]} in pyproject.toml"
        if name in known
        else f"{name} is not needed"
        for name, bound in listed.items()
        if known.get(name) != bound
    ]
    return missing + wrong


def lock_problems(requirements: list[str], lock: str) -> list[str]:
    """Every requirement is pinned within its bounds, and every line is a pin: no address, no path."""
    pins: dict[str, list[str]] = {}
    found = []
    for line in lock.splitlines():
        pin = re.fullmatch(r"([a-z0-9-]+)==([\w.!+]+)( ; [\w .<>=!'()]+)?", line)
        if pin:
            pins.setdefault(pin[1], []).append(pin[2])
        else:
            found.append(f"not a pin: {line}")
    for requirement in map(Requirement, requirements):
        versions = pins.get(canonicalize_name(requirement.name), [])
        if not versions:
            found.append(f"{requirement.name} is not pinned")
        found += [
            f"{requirement} excludes {version}"
            for version in versions
            if version not in requirement.specifier
        ]
    return found


def test_environment_yml_lists_what_pyproject_lists():
    assert environment_problems(PROJECT["dependencies"], EXTRAS["test"], ENVIRONMENT) == []


def test_binder_gets_one_python_and_the_project_itself():
    dependencies = yaml.safe_load(ENVIRONMENT)["dependencies"]
    (python,) = (entry for entry in dependencies if str(entry).startswith("python"))
    assert re.fullmatch(r"python=3\.\d+", python)  # a range resolves to a Python that is too old
    assert {"pip": ["-e ."]} in dependencies


@pytest.mark.parametrize(
    ("dependencies", "problem"),
    [
        (["python=3.12"], "tqdm is missing"),
        (["tqdm>=4.65"], "tqdm>=4.65 is tqdm>=4.66 in pyproject.toml"),
        (["tqdm"], "tqdm is tqdm>=4.66 in pyproject.toml"),
        (["tqdm>=4.66", "numpy"], "numpy is not needed"),
    ],
)
def test_a_wrong_environment_yml_is_seen(dependencies, problem):
    environment = yaml.safe_dump({"dependencies": [*dependencies, {"pip": ["-e ."]}]})
    assert environment_problems(["tqdm>=4.66"], ["nbval>=0.11"], environment) == [problem]


def test_the_lock_pins_everything():
    assert lock_problems(PROJECT["dependencies"] + sum(EXTRAS.values(), []), LOCK) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("numpy==2.4.6", "tqdm is not pinned"),
        ("tqdm==4.65.0", "tqdm>=4.66 excludes 4.65.0"),
        ("tqdm==4.70.1\ntqdm==4.60.0 ; python_full_version < '3.12'", "tqdm>=4.66 excludes 4.60.0"),
        ("tqdm==4.70.1\n-i https://example.org/simple", "not a pin: -i https://example.org/simple"),
        ("tqdm==4.70.1\n--find-links /opt/wheels", "not a pin: --find-links /opt/wheels"),
        ("tqdm==4.70.1\na @ file:///opt/a.whl", "not a pin: a @ file:///opt/a.whl"),
        ("tqdm==4.70.1\nsix>=1", "not a pin: six>=1"),
    ],
)
def test_a_wrong_lock_is_seen(line, problem):
    assert lock_problems(["tqdm>=4.66"], line) == [problem]


# ---- import course_lib


def modules_after(code: str) -> set[str]:
    """The names of the modules that a fresh interpreter holds after running `code`."""
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(result.stdout.split())


def test_the_package_alone_imports_neither_matplotlib_nor_ipywidgets():
    assert not modules_after("import course_lib") & {"matplotlib", "ipywidgets", "IPython"}


def test_an_import_of_ipywidgets_is_seen():
    assert "ipywidgets" in modules_after("import course_lib, ipywidgets")


# ---- the notebooks


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_fit_to_be_committed(path):
    assert notebooks.check(path) == []


def run_cell(source: str, count: int | None, *outputs) -> nbformat.NotebookNode:
    return new_code_cell(source, execution_count=count, outputs=list(outputs))


def printed(text: str) -> nbformat.NotebookNode:
    return new_output("stream", name="stdout", text=text)


# Put together, so that the search of all files below does not find them here.
SOMEBODYS_FILE = "/ho" + "me/ann/x.py"
COLORED = f"\x1b[32m{SOMEBODYS_FILE}\x1b[39m:3"
PICTURE = {"text/html": '<img src="data:image/png;base64,AA//tmp/x+/home/y/">', "image/png": "/home/z/"}


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([run_cell("1", 2)], "execution count 2, not 1"),
        ([run_cell("1", 1), run_cell("2", None)], "execution count None, not 2"),
        ([run_cell("1", 1), run_cell("2", 1)], "execution count 1, not 2"),
        ([run_cell("1", 1, printed(f"in {SOMEBODYS_FILE} on"))], f"a path of this machine, {SOMEBODYS_FILE}"),
        (
            [run_cell("1", 1, printed("\n/tmp/ipykernel_7/1.py\n"))],
            "a path of this machine, /tmp/ipykernel_7/1.py",
        ),
        ([run_cell("1", 1, printed(f"{ROOT}/x"))], f"a path of this machine, {ROOT}/x"),
        (
            [run_cell("1", 1, new_output("error", ename="E", evalue="", traceback=[COLORED]))],
            f"a path of this machine, {SOMEBODYS_FILE}:3",
        ),
        (
            [run_cell("1", 1, new_output("display_data", {"text/plain": "~/a/site-packages/b.py"}))],
            "a path of this machine, ~/a/site-packages/b.py",
        ),
        ([new_markdown_cell(f"see {SOMEBODYS_FILE}")], f"a path of this machine, {SOMEBODYS_FILE}"),
    ],
)
def test_an_unfit_notebook_is_seen(tmp_path, cells, problem):
    nbformat.write(new_notebook(cells=cells), tmp_path / "x.ipynb")
    (found,) = notebooks.check(tmp_path / "x.ipynb")
    assert found.endswith(problem)


def test_neither_pictures_nor_links_look_like_paths_of_a_machine(tmp_path):
    cells = [
        new_markdown_cell(
            "[library](../course_lib/lab/) https://example.org/tmp/x /proc/self/task /dev/poll"
        ),
        run_cell("1", 1, new_output("display_data", PICTURE)),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "x.ipynb")
    assert notebooks.check(tmp_path / "x.ipynb") == []


def test_old_outputs_stay_where_nbval_calls_the_new_ones_equal():
    def shown(picture: str, text: str = "accept (blocked)") -> nbformat.NotebookNode:
        html = f'<img src="data:image/png;base64,{picture}">'
        return new_output("execute_result", {"text/html": html, "text/plain": text}, execution_count=1)

    before = new_notebook(cells=[run_cell("a", 1, shown("OLD0")), run_cell("b", 2, shown("OLD1"))])
    after = nbformat.from_dict(before)
    after.cells[0].outputs = [shown("NEW0")]
    after.cells[1].outputs = [shown("NEW1", "recv (blocked)")]
    notebooks.normalize(after, before)
    assert ["OLD0" in str(after.cells[0]), "NEW1" in str(after.cells[1])] == [True, True]

    after.cells[0].outputs = [shown("NEW0")]
    notebooks.normalize(after, before, fresh=True)
    assert "NEW0" in str(after.cells[0])


def test_outputs_are_normalized():
    view = {"text/plain": "HBox()", notebooks.WIDGET_VIEW: {"model_id": "1f"}}
    cell = run_cell("a", 1, printed("1\n"), printed("2\n"), new_output("display_data", view), printed("3\n"))
    cell.metadata = nbformat.from_dict({"execution": {"iopub.status.busy": "2026"}, "tags": ["exercise:1.1"]})
    notebook = new_notebook(
        cells=[cell], metadata={"widgets": {}, "language_info": {"name": "python", "version": "3.11.7"}}
    )
    notebooks.normalize(notebook, new_notebook())
    assert [output.get("text") for output in cell.outputs] == ["1\n2\n", None, "3\n"]
    assert cell.outputs[1].data == {"text/plain": "HBox()"}
    assert cell.metadata == {"tags": ["exercise:1.1"]}
    assert notebook.metadata == notebooks.METADATA


# ---- all files

# /tmp and /root alone are fit to be written about; somebody's folder and the place of this checkout are not.
SOMEBODYS = re.compile(
    r"(?<![\w.~-])/(?:root|(?:home|Users)/[\w.-]+)/[\w.][\w./-]*" + rf"|{re.escape(str(ROOT))}\b"
)


def machine_paths(text: str) -> list[str]:
    return SOMEBODYS.findall(text)


def committed_files() -> list[str]:
    """What is committed or would be by `git add`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return result.stdout.splitlines()


def test_no_file_names_a_machine():
    found = {}
    for name in committed_files():
        if name.endswith(".ipynb") or not (ROOT / name).is_file():  # notebooks: above, without their pictures
            continue
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if paths := machine_paths(text):
            found[name] = paths
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        f"see {SOMEBODYS_FILE}",
        f"'{SOMEBODYS_FILE}'",
        "=/ro" + "ot/.pyenv/bin",
        "/Us" + "ers/ann/x",
        f"{ROOT}/tests",
    ],
)
def test_a_path_of_a_machine_is_seen(text):
    assert machine_paths(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/home/x/y",
        "/tmp/x",
        "/proc/1/root/",
        "~/.bashrc",
        "/etc/profile",
        ".ci/run",
        "/root",
    ],
)
def test_other_paths_are_let_alone(text):
    assert not machine_paths(text)
