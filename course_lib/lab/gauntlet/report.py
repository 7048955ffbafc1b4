"""What the gauntlet found: a table to look at, a text, and JSON.

Neither the table nor the text holds a measured time: two runs on the same server read the same.

Read scenarios.py first. Next: __init__.py.
"""

import json
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

# JupyterLab aligns the cells of a table to the right, whatever they say; a block inside may differ.
LEFT = '<div align="left">'

PASS, FAIL, SKIP = "pass", "FAIL", "skip"


@dataclass
class Result:
    """One scenario on one server. ``outcome`` is "pass", "FAIL" or "skip"."""

    scenario: str
    title: str
    outcome: str
    sent: str = ""
    expected: str = ""
    got: str = ""
    known: str = ""
    """Why the server is known to fail this; empty where it should pass."""
    note: str = ""
    """Why it was skipped, or what could not be judged."""
    printed: str = ""
    """The last lines that the server wrote to its standard error."""
    seconds: float = 0.0

    def fail(self, sent: str, expected: str, got: str) -> None:
        self.outcome, self.sent, self.expected, self.got = FAIL, sent, expected, got

    @property
    def surprising(self) -> bool:
        """A failure that nobody declared, or a declared one that did not happen."""
        return self.outcome != SKIP and (self.outcome == FAIL) != bool(self.known)

    def details(self) -> list[tuple[str, str]]:
        """Return what there is to say beside the outcome, as (label, text)."""
        rows = []
        if self.outcome == FAIL:
            rows = [("sent", self.sent), ("expected", self.expected), ("came back", self.got)]
        if self.outcome == FAIL and self.printed:
            rows.append(("it printed", self.printed))
        if self.known:
            label = "known" if self.outcome == FAIL else "passed, though declared to fail"
            rows.append((label, self.known))
        if self.note:
            rows.append(("not judged", self.note))
        return rows


@dataclass
class Report:
    """The results for one server, in the order of the gauntlet."""

    server: str
    results: list[Result] = field(default_factory=list)

    @property
    def passed(self) -> list[str]:
        """The names of the scenarios that it passed."""
        return [r.scenario for r in self.results if r.outcome == PASS]

    @property
    def failed(self) -> list[str]:
        """The names of the scenarios that it failed, known or not."""
        return [r.scenario for r in self.results if r.outcome == FAIL]

    @property
    def skipped(self) -> list[str]:
        """The names of the scenarios that could not be judged."""
        return [r.scenario for r in self.results if r.outcome == SKIP]

    @property
    def surprises(self) -> list[str]:
        """The names of the scenarios that went otherwise than the server's declared failures say."""
        return [r.scenario for r in self.results if r.surprising]

    def __getitem__(self, scenario: str) -> Result:
        for result in self.results:
            if result.scenario == scenario:
                return result
        raise KeyError(scenario)

    @property
    def summary(self) -> str:
        judged = len(self.results) - len(self.skipped)
        known = len([r for r in self.results if r.outcome == FAIL and r.known])
        parts = [f"{len(self.passed)} of {judged} passed"]
        if known:
            parts.append(f"{known} known to fail")
        if self.skipped:
            parts.append(f"{len(self.skipped)} could not be judged")
        return f"{self.server}: {', '.join(parts)}"

    def __str__(self) -> str:
        lines = [self.summary]
        width = max((len(r.scenario) for r in self.results), default=0)
        for r in self.results:
            lines.append(f"  {r.outcome}  {r.scenario:{width}}  {r.title}")
            for label, text in r.details():
                first, *more = text.splitlines() or [""]
                lines.append(f"{'':{width + 8}}  {label}: {first}")
                lines.extend(f"{'':{width + 8}}    {line}" for line in more)
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, times in seconds included."""
        return {"server": self.server, "results": [asdict(r) for r in self.results]}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._html()}

    def _html(self) -> str:
        rows = []
        for r in self.results:
            mark = {PASS: "✓ pass", FAIL: "✗ FAIL", SKIP: "– skip"}[r.outcome]
            about = escape(r.title)
            for label, text in r.details():
                about += f"<br><b>{escape(label)}:</b> {escape(text)}".replace("\n", "<br>")
            cells = (f"<b>{mark}</b>", f"<code>{r.scenario}</code>", about)
            rows.append("<tr>" + "".join(f"<td>{LEFT}{cell}</div></td>" for cell in cells) + "</tr>")
        return f"<p><b>{escape(self.summary)}</b></p><table>{''.join(rows)}</table>"
