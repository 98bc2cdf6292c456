"""PDF: the title and the abstract of the first page, one paper a file; the text of all pages where that is asked for.

Knows how first pages of papers look, and pypdf, which the extra ``pdf`` brings; leaves running text to ``pages``.
"""

import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import hypot
from pathlib import Path
from typing import Any

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.fields import make_paper, paper_or_skipped
from chatbot.sources.pages import join_pages, mend_letters, mend_lines
from chatbot.sources.text import open_bytes

NAME = "PDF"
RANK = 0
MOST_PAGES, MOST_CHARS = 1000, 2_000_000  # of a full text
_INSTALL = "run: pip install 'paper-chatbot[pdf]'"
_MOST_TITLE = 300  # characters; more than that in one size is running text
# Small capitals come out of a PDF with spaces in words: "A BSTRACT".
_ABSTRACT, _INTRODUCTION = (r"[ \t]?".join(word) for word in ("abstract", "introduction"))
_BEGIN = re.compile(rf"^[ \t]*{_ABSTRACT}(?![a-z])[ \t.:—–-]*", re.I | re.M)
_END = re.compile(
    rf"^[ \t]*(?:(?:1|I)[ \t.]*)?{_INTRODUCTION}[ \t.:]*$|^[ \t]*(?:key ?words|index terms|ccs concepts)\b", re.I | re.M
)
# With a version and a class or a date: a reference to another paper has neither.
_STAMP = re.compile(r"arXiv:\s?(\S{1,40}?v\d+)\s*(?:\[[\w.-]+\]|\d{1,2}\s+[A-Z][a-z]+\s+\d{4})")
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
    with _open(path) as reader:
        page = _read_first_page(reader)
    yield paper_or_skipped("page 1", _to_paper, page)


def read_whole(path: Path) -> Iterator[Paper | Skipped]:
    """Yield the paper with the text of all its pages, and a Skipped for each page that cannot be read.

    Where no abstract is marked as one, the first page stands for it. Raises SourceError as ``read`` does, and for a
    file that is too large for one paper.
    """
    with _open(path) as reader:
        if (count := len(reader.pages)) > MOST_PAGES:
            raise SourceError(f"{path} has {count} pages; at most {MOST_PAGES} are read as one paper, so split it")
        page, rest = _read_first_page(reader), list[str]()
        for number in range(2, count + 1):
            try:
                rest.append(reader.pages[number - 1].extract_text(orientations=0))
            except Exception as error:  # as in _open: of a damaged file, pypdf raises anything
                rest.append("")
                yield Skipped(f"page {number}", f"cannot be read ({_tell(error)})")
            if sum(map(len, rest)) > MOST_CHARS:
                most = MOST_CHARS // 1_000_000
                raise SourceError(f"{path} has more than {most} million characters, which is no paper; split it")
    yield paper_or_skipped("page 1", lambda first: _to_paper(first, rest), page)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        import pypdf
    except ImportError as error:
        raise SourceError(f"{path} is a PDF, which needs pypdf; {_INSTALL}") from error
    logging.getLogger("pypdf").addHandler(logging.NullHandler())  # it would print what it mends
    with open_bytes(path) as file:
        try:
            reader = pypdf.PdfReader(file)
            if reader.is_encrypted and not reader.decrypt(""):  # many are locked against changes only
                raise SourceError(f"{path} is locked with a password; save it without one")
            yield reader
        except SourceError:
            raise
        except Exception as error:  # a damaged file makes pypdf raise anything
            raise SourceError(f"{path} cannot be read as PDF ({_tell(error)}); open it and save it again") from error


def _tell(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _read_first_page(reader: Any) -> _Page:
    found = _Page()
    if reader.metadata:
        found.title, found.author = (str(reader.metadata.get(name) or "") for name in ("/Title", "/Author"))

    def note_size(text: str, matrix: list[float], text_matrix: list[float], _font: Any, size: float) -> None:
        points = round(size * hypot(*text_matrix[2:4]) * hypot(*matrix[2:4]), 1)
        found.sizes[points] += text

    first = reader.pages[0]
    found.text = first.extract_text(orientations=0, visitor_text=note_size)
    found.everything = first.extract_text()
    return found


def _to_paper(page: _Page, rest: Sequence[str] | None = None) -> Paper:
    """Return the paper of a first page, with its full text when the ``rest`` of its pages is given."""
    if not page.text.strip():
        raise ValueError("no text on its first page, which may be a scan")
    text = mend_letters(page.text)
    begin = _BEGIN.search(text)
    if not begin and rest is None:
        raise ValueError("no abstract on its first page")
    end = _END.search(text, begin.end()) if begin else None
    stamp, doi = _STAMP.search(page.everything), _DOI.search(text)
    paper = make_paper(
        title=_find_title(page),
        abstract=mend_lines(text[begin.end() if begin else 0 : end.start() if end else len(text)]),
        authors=re.split(r"[;,]| and ", page.author),
        doi=doi[1] if doi else "",
        arxiv=stamp[1] if stamp else "",
    )
    if rest is None:
        return paper
    body, starts = join_pages([text[end.start() :] if end else "", *rest])
    return replace(paper, body=body, pages=(0, *(paper.body_start + start for start in starts[1:])))


def _find_title(page: _Page) -> str:
    """Return the title in the file's fields if the page shows it, else the largest words, else the field's."""
    if _letters(page.title) and _letters(page.title) in _letters(page.text):
        return page.title
    for _, text in sorted(page.sizes.items(), reverse=True):
        if len(text.split()) > 1 and len(text) <= _MOST_TITLE:
            return mend_letters(text)
    return page.title


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower()))
