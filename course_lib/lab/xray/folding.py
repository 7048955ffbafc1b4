"""Folding what repeats: a → b → a → b → c becomes (a → b) × 2 → c.

Next: story.py.
"""

from collections.abc import Sequence

ARROW = " → "

LONGEST = 40
"""What repeats is looked for among at most so many words."""


def fold(words: Sequence[str]) -> list[str]:
    """Return ``words`` with each repetition folded: a, b, a, b, c → (a → b) × 2, c."""
    folded, index = [], 0
    while index < len(words):
        period, times = _best(words, index)
        if times > 1:
            # A round begins with a wait, if it has one: recv is the question, and sendall the answer.
            turn = next((t for t in range(period) if _is_wait(words[index + t])), 0)
            if turn and _repeats(words, index + turn, period) < times:
                turn = 0
            folded += words[index : index + turn]
            index += turn
            unit = fold(words[index : index + period])
            folded.append(f"({ARROW.join(unit)}) × {times}" if len(unit) > 1 else f"{unit[0]} × {times}")
        else:
            folded.append(words[index])
        index += period * times
    return folded


def _best(words: Sequence[str], index: int) -> tuple[int, int]:
    """Return period and number of the repetitions that cover most from ``index`` on; 1, 1 for none."""
    found = [
        (period, _repeats(words, index, period))
        for period in range(1, min(LONGEST, (len(words) - index) // 2) + 1)
    ]
    found = [(period, times) for period, times in found if times > 1]
    return max(found, key=lambda pair: (pair[0] * pair[1], -pair[0]), default=(1, 1))


def _is_wait(word: str) -> bool:
    return "blocked" in word or word == "sleep"


def _repeats(words: Sequence[str], start: int, period: int) -> int:
    unit, times = words[start : start + period], 1
    while words[start + times * period : start + (times + 1) * period] == unit:
        times += 1
    return times
