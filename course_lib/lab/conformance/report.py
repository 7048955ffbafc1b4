"""What CPython's tests have found: a text that is the same on every version, and a table with numbers.

Next: running.py.
"""

from dataclasses import dataclass
from typing import Any


@dataclass
class Outcome:
    """One test. ``outcome`` is "passed", "failed" or "skipped"; ``detail`` says why."""

    test: str
    outcome: str
    detail: str


@dataclass
class Conformance:
    """The outcomes of each module."""

    modules: dict[str, list[Outcome]]
    missing: str = ""
    """Why nothing was run."""

    @property
    def failed(self) -> list[Outcome]:
        return [each for outcomes in self.modules.values() for each in outcomes if each.outcome == "failed"]

    def count(self, outcome: str, module: str = "") -> int:
        """Return how many tests ended so, of one module or of all."""
        modules = [module] if module else list(self.modules)
        return sum(each.outcome == outcome for name in modules for each in self.modules[name])

    def table(self) -> str:
        """Return the numbers, module by module. They differ between the versions of Python."""
        kinds = ("passed", "failed", "skipped")
        rows = [[name, *(str(self.count(kind, name)) for kind in kinds)] for name in self.modules]
        rows = [["module", *kinds], *rows, ["all", *(str(self.count(kind)) for kind in kinds)]]
        width = max(len(row[0]) for row in rows)
        lines = [f"{row[0]:{width}}" + "".join(f"{cell:>9}" for cell in row[1:]) for row in rows]
        return "\n".join(lines + [f"{each.test}: {each.detail.strip()}" for each in self.failed])

    def __repr__(self) -> str:
        if self.missing:
            return f"Not run: {self.missing}."
        lines = [f"{name}: {self._in_words(name)}" for name in self.modules]
        lines += [f"{each.test}: {each.detail.strip().splitlines()[-1]}" for each in self.failed]
        return "\n".join(lines)

    def _in_words(self, module: str) -> str:
        failed = self.count("failed", module)
        return f"{failed} failed" if failed else "all passed that can run here"


def outcome_of(message: dict[str, Any]) -> Outcome:
    return Outcome(message["test"], message["outcome"], message["detail"])
