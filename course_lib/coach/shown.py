"""How the coach's words appear: in JupyterLab with two buttons, elsewhere as text.

Next: buttons.py.
"""

from typing import Any

from course_lib.coach.verdict import Verdict


class Text:
    """Words of the coach; with a ``language``, code."""

    def __init__(self, text: str, language: str = "") -> None:
        self.text = text
        self.language = language

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"```{self.language}\n{self.text}\n```" if self.language else self.text


class Answer:
    """A verdict on its way to the learner. Its text is the verdict's alone."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    @property
    def outcome(self) -> str:
        return self.verdict.outcome

    @property
    def passed(self) -> bool:
        return self.verdict.passed

    def __repr__(self) -> str:
        return str(self.verdict)

    def _ipython_display_(self, **unused: Any) -> None:
        from IPython.display import display

        from course_lib.coach.buttons import buttons

        display(self.verdict._repr_mimebundle_(), raw=True)
        if self.verdict.solved_is_next and self.verdict.title:
            display(buttons(self.verdict.exercise), raw=True)
