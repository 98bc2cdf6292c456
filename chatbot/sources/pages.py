"""Make running text of the text of a document's pages, and keep where each page begins.

Knows what pages have besides their text: headers and footers, page numbers, words broken at the end of a line, and a
list of references; knows nothing of file formats.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

_LIGATURE = re.compile("[\ufb00-\ufb06]")
_BROKEN_WORD = re.compile(r"(?<![\w-])([^\W\d_]+)-[ \t]*\n[ \t]*(?=[a-z])")
_BROKEN_COMPOUND = re.compile(r"-[ \t]*\n[ \t]*(?=[a-z])")
_PAGE_NUMBER = re.compile(r"\W*(?:page\W*)?(?:\d{1,4}|[ivx]{1,5})(?:\W{0,5}(?:of|/)\W{0,5}\d{1,4})?\W*", re.I)
_EDGE = 2  # lines at the top and at the bottom of a page that may be its header or footer
_FEWEST_REPEATS, _REPEATS = 3, 0.3  # pages, and share of the pages, that show a header or footer
_REFERENCES = re.compile(r"(?:\d{1,2}\W+)?(?:references|bibliography|literature cited|works cited)\W*", re.I)
_APPENDIX = re.compile(r"(?:appendi(?:x|ces)|supplement\w*)\b.{0,80}|A [A-Z][a-z]{3}[^.,]{0,70}", re.I)
_REFERENCES_AFTER = 1 / 3  # of the lines: before that, the word stands in a table of contents
_ENDED = re.compile(r"[.!?:][\"'”’)\]]*$")
_HEADING = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2})*\.?|[A-Z](?:\.\d{1,2})*\.?|[IVX]{1,5}\.) +[A-Z][^.!?]{1,70}"
    r"|(?:introduction|background|related work|methods?|experiments?|results|discussion|limitations|conclusions?"
    r"|acknowledge?ments?|appendix)\W?",
    re.I,
)


def mend_letters(text: str) -> str:
    """Return ``text`` with ligatures taken apart."""
    return _LIGATURE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)


def mend_lines(text: str) -> str:
    """Return ``text`` with the words put together that the end of a line had broken."""
    return _BROKEN_COMPOUND.sub("-", _BROKEN_WORD.sub(r"\1", text))


def join_pages(pages: Sequence[str]) -> tuple[str, list[int]]:
    """Return the running text of ``pages``, a paragraph a line, and where in it each page begins.

    Left out are headers, footers, page numbers, and the references up to an appendix. What tells a paragraph is a
    heading alone. A word that is broken from one page to the next stays so.
    """
    text, starts = "", list[int]()
    for lines in _drop_references(_drop_edges([_read_lines(page) for page in pages])):
        flowing = "\n".join(_flow(lines))
        if text and flowing:
            text += "\n" if _ENDED.search(text[-20:]) or _HEADING.fullmatch(text.rpartition("\n")[2]) else " "
        starts.append(len(text))
        text += flowing
    return text, starts


def _read_lines(page: str) -> list[str]:
    shown = "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in mend_letters(page))
    return list(filter(None, map(str.strip, shown.split("\n"))))


def _drop_edges(pages: Sequence[list[str]]) -> list[list[str]]:
    """Leave out page numbers, and the first and last lines that differ from those of other pages in numbers alone."""

    def edges(lines: list[str]) -> set[int]:
        return {*range(min(_EDGE, len(lines))), *range(max(len(lines) - _EDGE, 0), len(lines))}

    repeats = Counter(key for lines in pages for key in {_letters(lines[at]) for at in edges(lines)})
    least = max(_FEWEST_REPEATS, _REPEATS * len(pages))

    def belongs(line: str) -> bool:
        return not _PAGE_NUMBER.fullmatch(line) and repeats[_letters(line)] < least

    return [[line for at, line in enumerate(lines) if at not in edges(lines) or belongs(line)] for lines in pages]


def _letters(line: str) -> str:
    return re.sub(r"[\W\d_]+", "", line.lower()) or line


def _drop_references(pages: Sequence[list[str]]) -> list[list[str]]:
    lines = [(number, line) for number, page in enumerate(pages) for line in page]
    heads = [at for at, (_, line) in enumerate(lines) if _REFERENCES.fullmatch(line)]
    begin = next((at for at in reversed(heads) if at >= _REFERENCES_AFTER * len(lines)), len(lines))
    end = next((at for at in range(begin, len(lines)) if _APPENDIX.fullmatch(lines[at][1])), len(lines))
    kept: list[list[str]] = [[] for _ in pages]
    for number, line in (*lines[:begin], *lines[end:]):
        kept[number].append(line)
    return kept


def _flow(lines: Sequence[str]) -> Iterator[str]:
    """Yield the paragraphs that ``lines`` make."""
    paragraph = list[str]()
    for line, following in pairwise([*lines, ""]):
        begins = not paragraph or bool(_ENDED.search(paragraph[-1]))
        if begins and _HEADING.fullmatch(line) and not following[:1].islower():
            yield from _close(paragraph)
            yield line
            paragraph = []
        else:
            paragraph.append(line)
    yield from _close(paragraph)


def _close(paragraph: Sequence[str]) -> Iterator[str]:
    if paragraph:
        yield " ".join(mend_lines("\n".join(paragraph)).split())
