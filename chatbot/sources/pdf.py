"""PDF: the title and the abstract of the first page, one paper a file.

Knows how first pages of papers look, and pypdf, which the extra ``pdf`` brings; knows nothing of the other pages.
"""

import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path
from typing import Any

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.fields import make_paper, paper_or_skipped
from chatbot.sources.text import open_bytes

NAME = "PDF"
RANK = 0
_INSTALL = "run: pip install 'paper-chatbot[pdf]'"
_MOST_TITLE = 300  # characters; more than that in one size is running text
# Small capitals come out of a PDF with spaces in words: "A BSTRACT".
_ABSTRACT, _INTRODUCTION = (r"[ \t]?".join(word) for word in ("abstract", "introduction"))
_BEGIN = re.compile(rf"^[ \t]*{_ABSTRACT}(?![a-z])[ \t.:—–-]*", re.I | re.M)
_END = re.compile(
    rf"^[ \t]*(?:(?:1|I)[ \t.]*)?{_INTRODUCTION}[ \t.:]*$|^[ \t]*(?:key ?words|index terms|ccs concepts)\b", re.I | re.M
)
_LIGATURE = re.compile("[\ufb00-\ufb06]")
_BROKEN_WORD = re.compile(r"(?<![\w-])([^\W\d_]+)-[ \t]*\n[ \t]*(?=[a-z])")
_BROKEN_COMPOUND = re.compile(r"-[ \t]*\n[ \t]*(?=[a-z])")
_STAMP = re.compile(r"arXiv:\s?(\S+)")
_DOI = re.compile(r"doi(?:\.org/|:?\s?)(10\.\S+)", re.I)


@dataclass(slots=True)
class _Page:
    """The first page: its upright ``text``, all of it, its text by size in points, and the file's own fields."""

    text: str = ""
    everything: str = ""
    sizes: dict[float, str] = field(default_factory=lambda: defaultdict(str))
    title: str = ""
    author: str = ""


def recognises(path: Path, head: str) -> bool:
    """Tell whether the file begins with PDF's mark."""
    return head.lstrip().startswith("%PDF-")


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield the paper, or a Skipped that says what its first page lacks.

    Raises SourceError when pypdf is missing, or the file is damaged or locked.
    """
    try:
        import pypdf
    except ImportError as error:
        raise SourceError(f"{path} is a PDF, which needs pypdf; {_INSTALL}") from error
    logging.getLogger("pypdf").addHandler(logging.NullHandler())  # it would print what it mends
    with open_bytes(path) as file:
        try:
            page = _read_first_page(pypdf.PdfReader(file))
        except Exception as error:  # a damaged file makes pypdf raise anything
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise SourceError(f"{path} cannot be read as PDF ({reason}); open it and save it again") from error
    yield paper_or_skipped("page 1", _to_paper, page)


def _read_first_page(reader: Any) -> _Page:
    found = _Page()
    if reader.is_encrypted:
        reader.decrypt("")  # many are locked against changes only
    if reader.metadata:
        found.title, found.author = (str(reader.metadata.get(name) or "") for name in ("/Title", "/Author"))

    def note_size(text: str, matrix: list[float], text_matrix: list[float], _font: Any, size: float) -> None:
        points = round(size * hypot(*text_matrix[2:4]) * hypot(*matrix[2:4]), 1)
        found.sizes[points] += text

    first = reader.pages[0]
    found.text = first.extract_text(orientations=0, visitor_text=note_size)
    found.everything = first.extract_text()
    return found


def _to_paper(page: _Page) -> Paper:
    if not page.text.strip():
        raise ValueError("no text on its first page, which may be a scan")
    text = _LIGATURE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), page.text)
    begin = _BEGIN.search(text)
    if not begin:
        raise ValueError("no abstract on its first page")
    end = _END.search(text, begin.end())
    abstract = _BROKEN_WORD.sub(r"\1", text[begin.end() : end.start() if end else len(text)])
    stamp, doi = _STAMP.search(page.everything), _DOI.search(text)
    return make_paper(
        title=_find_title(page),
        abstract=_BROKEN_COMPOUND.sub("-", abstract),
        authors=re.split(r"[;,]| and ", page.author),
        doi=doi[1] if doi else "",
        arxiv=stamp[1] if stamp else "",
    )


def _find_title(page: _Page) -> str:
    """Return the title in the file's fields if the page shows it, else the largest words, else the field's."""
    if _letters(page.title) and _letters(page.title) in _letters(page.text):
        return page.title
    for _, text in sorted(page.sizes.items(), reverse=True):
        if len(text.split()) > 1 and len(text) <= _MOST_TITLE:
            return _LIGATURE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return page.title


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower()))
