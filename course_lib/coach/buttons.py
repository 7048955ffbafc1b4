"""The buttons for hint and solution, under a verdict in JupyterLab.

A press is handled by another thread than the one that runs cells, so it only sets values.

Read desk.py first.
"""

import html

import ipywidgets

from course_lib.coach.verdict import inline


def buttons(number: str) -> dict[str, object]:
    """Return a display bundle: two buttons where there is a front end, else a line that says what to type."""
    return {
        "text/plain": f'hint("{number}") gives a hint, solution("{number}") one way to do it',
        "application/vnd.jupyter.widget-view+json": {
            "version_major": 2,
            "version_minor": 0,
            "model_id": box(number).model_id,
        },
    }


def box(number: str) -> ipywidgets.VBox:
    """Return the two buttons, with what they show beneath them."""
    from course_lib.coach.desk import hint, solution

    words = ipywidgets.HTML()
    hint_button = ipywidgets.Button(description="Hint", tooltip="Show the next hint")
    solution_button = ipywidgets.Button(description="Solution", tooltip="Show one way to do it")

    def show_hint(pressed: object) -> None:
        words.value = "".join(f"<p>{inline(part)}</p>" for part in hint(number).text.split("\n\n"))

    def show_solution(pressed: object) -> None:
        words.value = f"<pre>{html.escape(solution(number).text)}</pre>"

    hint_button.on_click(show_hint)
    solution_button.on_click(show_solution)
    return ipywidgets.VBox([ipywidgets.HBox([hint_button, solution_button]), words])
