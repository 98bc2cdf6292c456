"""RIS, as Zotero, EndNote and publishers export it.

Knows which of its tags hold the same thing, and leaves the syntax to rispy; knows nothing of where papers go.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.fields import make_paper, paper_or_skipped, turn_name
from chatbot.sources.text import read_lines

NAME = "RIS"
RANK = 1
_START = re.compile(r"^\ufeff?TY {1,2}-", re.M)
_BREAK = "the file breaks off here: damaged gzip"


def recognises(path: Path, head: str) -> bool:
    """Tell whether a line begins a reference, or the name says so."""
    return path.suffix == ".ris" or bool(_START.search(head))


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield a Paper a reference; one that the next begins without ``ER`` ends there.

    Raises SourceError when there is no reference at all.
    """
    found = False
    for number, lines in _split(path):
        found = True
        where = f"line {number}"
        if lines is None:
            yield Skipped(where, _BREAK)
        else:
            yield paper_or_skipped(where, _to_paper, lines)
    if not found:
        raise SourceError(f"{path} has no RIS reference, which begins with 'TY  - '; export it again")


def _split(path: Path) -> Iterator[tuple[int, list[bytes] | None]]:
    """Yield the first line's number of each reference with its lines, and None where a gzip file breaks off."""
    start, lines = 0, list[bytes]()
    for number, line in read_lines(path):
        if line is None:
            yield number, None
            return
        if line.removeprefix(b"\xef\xbb\xbf").startswith(b"TY  -"):
            if lines:
                yield start, lines
            start, lines = number, []
        if start:
            lines.append(line)
        if line.startswith(b"ER  -") and lines:
            yield start, lines
            start, lines = 0, []
    if lines:
        yield start, lines


def _to_paper(lines: list[bytes]) -> Paper:
    from rispy import RisParser

    try:
        text = [line.decode("utf-8-sig").rstrip("\r\n") for line in lines]
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8; export it again as UTF-8") from error
    (fields,) = RisParser(delimiter_tags_mapping={}).parse_lines(iter([*text, "ER  - "]))

    def first(*names: str) -> str:
        return next((fields[name] for name in names if fields.get(name)), "")

    return make_paper(
        title=first("title", "primary_title"),
        abstract=first("abstract", "notes_abstract"),
        authors=map(turn_name, fields.get("authors") or fields.get("first_authors") or ()),
        venue=first("secondary_title", "alternate_title3", "journal_name", "alternate_title2", "custom3"),
        year=first("year", "publication_year", "date"),
        url=" ".join(fields.get("urls", ())),
        doi=first("doi"),
    )
