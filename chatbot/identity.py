"""Which records are the same paper, and what paper they make together.

Knows identifiers, titles, years, authors and abstracts; knows nothing of where records come from or are kept.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from chatbot.records import Paper

_PREPRINT_DOI = "10.48550/arxiv."
_YEARS_TO_PRINT = 2
_SPEAKING_TITLE = 3  # words; fewer may be the "Introduction" of anything
_ALIKE = 0.5


def identity_keys(paper: Paper) -> list[str]:
    """Return what a record of the same paper may share: DOI, arXiv id, and a hash of the title's letters."""
    letters = "".join(_words(paper.title))
    keys = [f"doi:{paper.doi}" if paper.doi else "", f"arxiv:{paper.arxiv_id}" if paper.arxiv_id else ""]
    keys.append(f"title:{hashlib.sha256(letters.encode()).hexdigest()[:16]}" if letters else "")
    return list(filter(None, keys))


def is_same(one: Paper, other: Paper) -> bool:
    """Tell whether two records are of one paper.

    They are with one DOI or one arXiv id. With two, they are not; nor with one title alone, which series and
    corrections share: years, authors or abstracts have to fit too.
    """
    if (one.doi and one.doi == other.doi) or (one.arxiv_id and one.arxiv_id == other.arxiv_id):
        return True
    if contradict(one, other):
        return False
    if one.text == other.text:
        return True
    title = _words(one.title)
    if "".join(title) != "".join(_words(other.title)):
        return False
    if one.year and other.year and abs(one.year - other.year) > _YEARS_TO_PRINT:
        return False
    if one.authors and other.authors:
        return bool(_name_words(one) & _name_words(other))
    return bool(one.year and other.year and len(title) >= _SPEAKING_TITLE) or _are_alike(one.abstract, other.abstract)


def contradict(one: Paper, other: Paper) -> bool:
    """Tell whether the identifiers of two records say that they are two papers; a preprint's DOI is not its print's."""
    if one.arxiv_id and other.arxiv_id:
        return one.arxiv_id != other.arxiv_id
    return _is_printed(one) and _is_printed(other) and one.doi != other.doi


def merge(id: str, records: Sequence[Paper]) -> Paper:
    """Return the paper under ``id`` that ``records`` make together.

    Title and text are those of the longest full text, else of the longest abstract, the authors those of the record
    that names most; the rest is from the first record that has it.
    """

    def first(name: str) -> str:
        return next((value for record in records if (value := str(getattr(record, name)))), "")

    return replace(
        max(records, key=lambda record: (len(record.body), len(record.abstract))),
        id=id,
        authors=max((record.authors for record in records), key=len),
        year=next((record.year for record in records if record.year), None),
        venue=first("venue"),
        url=first("url"),
        doi=first("doi"),
        arxiv_id=first("arxiv_id"),
    )


def _is_printed(paper: Paper) -> bool:
    return bool(paper.doi) and not paper.doi.startswith(_PREPRINT_DOI)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).casefold()
    if not plain.isascii():
        plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return re.findall(r"[^\W_]+", plain)


def _name_words(paper: Paper) -> set[str]:
    """Return the words of all names but initials: which one is the surname, records write in different ways."""
    return {word for name in paper.authors for word in _words(name) if len(word) > 1}


def _are_alike(one: str, other: str) -> bool:
    """Tell whether most runs of three words of the shorter text stand in the longer one too."""
    shorter, longer = sorted((_runs(one), _runs(other)), key=len)
    return len(shorter & longer) > _ALIKE * len(shorter)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _words(text)
    return set(zip(words, words[1:], words[2:], strict=False))
