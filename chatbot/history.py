"""What a model is told of a conversation: its latest turns as they are, and a summary of those that do not fit.

Knows turns and how many characters may be told; the model is a function. Knows nothing of prompts, providers or
papers' texts. A summary serves to understand the next question and is never quoted, cited or shown.
"""

import hashlib
from collections.abc import Callable, Sequence
from itertools import accumulate

from chatbot.conversation import Turn
from chatbot.errors import ModelError
from chatbot.markup import clip_text

MOST_KEPT = 1000  # summaries, of all conversations together

Summarise = Callable[[str, str], str]


class History:
    """Tells a model of earlier turns, and remembers its summaries, so that each turn is summarised once.

    ``most_told`` and ``most_read`` are characters: of what is told, and of what a summariser is given at a time,
    which is the summary so far (empty at first) and the next turns. A summary is found again by all the turns that it
    sums up, so no other conversation gets it.
    """

    def __init__(self, most_told: int, most_read: int) -> None:
        self._most = most_told
        self._portion = most_read - most_told // 3
        self._kept: dict[bytes, str] = {}

    def tell(self, turns: Sequence[Turn], summarise: Summarise) -> str:
        """Return ``turns`` in lines, oldest first; if the summary fails, only the number of those that do not fit."""
        lines = [self._format(turn) for turn in turns]
        summary, count = self._sum_up(lines, summarise)
        told = [*_tell_summary(summary, count), *lines[count:]]
        if _measure(told) <= self._most:
            return "\n".join(told)
        start = _tell_summary(summary, count)
        shown = _take_latest(lines[count:], self._most - _measure([*start, _tell_number(len(lines))]))
        return "\n".join([*start, _tell_number(len(lines) - count - len(shown)), *shown])

    def _sum_up(self, lines: Sequence[str], summarise: Summarise) -> tuple[str, int]:
        """Return a summary of the oldest lines and how many those are: as many as it takes for the others to fit."""
        keys = list(accumulate(lines, _chain, initial=b""))
        kept = ((self._kept.get(keys[count], ""), count) for count in range(len(lines), 0, -1))
        summary, count = next((found for found in kept if found[0]), ("", 0))
        if _measure([*_tell_summary(summary, count), *lines[count:]]) <= self._most:
            return summary, count
        # Only a third stays as it is, so that the next few turns fit without another call.
        until = len(lines) - len(_take_latest(lines, self._most // 3))
        while count < until:
            portion = _take_first(lines[count:until], self._portion)
            try:
                new = clip_text(summarise(summary, "\n".join(portion)), self._most // 3)
            except ModelError:
                break
            if not new:
                break
            summary, count = new, count + len(portion)
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[keys[count]] = summary
        return summary, count

    def _format(self, turn: Turn) -> str:
        titles = "; ".join(paper.title for paper in turn.papers[:4])
        return f"- {clip_text(turn.question, self._most // 5)} [{clip_text(titles, self._most // 10)}]"


def _tell_summary(summary: str, count: int) -> list[str]:
    return [f"- (the first {count} questions, summed up: {summary})"] if count else []


def _tell_number(count: int) -> str:
    return f"- (and {count} earlier questions)"


def _chain(before: bytes, line: str) -> bytes:
    """Return a key for all lines up to ``line``, from the key of those before it."""
    return hashlib.sha256(before + line.encode(errors="replace")).digest()


def _take_first(lines: Sequence[str], most: int) -> Sequence[str]:
    """Return as many of the first lines as fit ``most`` characters, and at least one."""
    sizes = accumulate(len(line) + 1 for line in lines)
    return lines[: max(sum(size <= most for size in sizes), 1)]


def _take_latest(lines: Sequence[str], most: int) -> Sequence[str]:
    """Return as many of the last lines as fit ``most`` characters, and at least one."""
    return _take_first(lines[::-1], most)[::-1]


def _measure(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)
