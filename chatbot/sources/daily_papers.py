"""The text of a daily-papers page: a header that ends with the day, then a title line and an abstract line a paper.

Knows the layout of that page; knows nothing of any one day's papers.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.text import read_text

NAME = "daily-papers page"
RANK = 4
_HEADING = "Daily Papers"
_DAY = re.compile(r"[A-Z][a-z]{2,8}\.? \d{1,2}(, \d{4})?")
_TITLE_CHARS = 300


def recognises(path: Path, head: str) -> bool:
    """Tell whether the page's heading stands among the first lines."""
    return any(line.strip() == _HEADING for line in head.splitlines()[:40])


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield the papers of the page, with empty ids.

    Raises SourceError, with the line, where the page stops being pairs of a title and an abstract: after such
    a place no title could be trusted to belong to its abstract.
    """
    lines = [(number, line.strip()) for number, line in enumerate(read_text(path).split("\n"), 1) if line.strip()]
    day = next((at for at, (_, line) in enumerate(lines[:20]) if _DAY.fullmatch(line)), None)
    if day is None:
        raise SourceError(
            f"{path} line {lines[-1 if len(lines) < 20 else 19][0]}: no day such as 'Aug 4' ends the header"
        )
    return iter(_parse_pairs(path, lines[day + 1 :]))


def _parse_pairs(path: Path, lines: list[tuple[int, str]]) -> list[Paper]:
    if not lines:
        raise SourceError(f"{path} ends with its header, without a paper; nothing was changed")
    papers = []
    for at in range(0, len(lines), 2):
        number, title = lines[at]
        if len(title) > _TITLE_CHARS:
            raise SourceError(f"{path} line {number}: expected a title, found an abstract; is its title missing?")
        abstract = lines[at + 1][1] if at + 1 < len(lines) else ""
        if not _is_prose(abstract):
            raise SourceError(f"{path} line {number}: the title '{title[:60]}' has no abstract")
        papers.append(Paper(id="", title=title, abstract=abstract))
    return papers


def _is_prose(line: str) -> bool:
    """Tell whether ``line`` can be an abstract: long, or closed like a sentence."""
    return len(line) > _TITLE_CHARS or line.rstrip("\"'”’)").endswith((".", "!", "?"))
