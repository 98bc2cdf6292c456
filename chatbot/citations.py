"""Read a language model's answer as it arrives: whole sentences, each with the passages it cites.

Knows citation marks and sentence borders; knows nothing of papers, models or whether a sentence is true. A mark is
``[2.4]`` (paper 2, sentence 4), ``[2]`` (paper 2), a list or a range of those, in any of the brackets that models
use; it belongs to the sentence that it stands in or right behind.
"""

import re
from collections.abc import Iterable, Iterator

from chatbot.claims import Claim, Mark
from chatbot.sentences import split_sentences

MOST_CHARS = 20_000  # of an answer; what comes after is not read
_LONGEST_SENTENCE = 2_000
_MOST_MARKS = 20  # that one bracket may expand to
_MOST_PAPERS = 20  # that a model is likely to be shown
_NUMBER = r"\d{1,3}(?:\.\d{1,3})?"
_MARK = re.compile(
    rf"\s*[\[【\(]\s*(?:\^|paper |source |ref\.? ?)?({_NUMBER}(?:\s*[,;–—-]\s*{_NUMBER})*)\s*[\]】\)](?!\()", re.I
)
_WORD_START = re.compile(r"\s\S")
_PARENTHESES = re.compile(r"\s*\(")
_ITEM = re.compile(rf"({_NUMBER})(?:\s*[–—-]\s*({_NUMBER}))?")
_BULLET = re.compile(r"\s*(?:[-*•+]|\d{1,2}[.)])\s+")
_HEADING = re.compile(r"\s*#{1,6}\s+")
_EMPHASIS = re.compile(r"(\*\*|__|\*|`)(\S(?:.*?\S)?)\1")


class ClaimReader:
    """Turn pieces of text into claims: ``feed`` each piece, then ``close``."""

    def __init__(self) -> None:
        self._line = ""
        self._chars = 0
        self._at_line_start = True

    @property
    def is_full(self) -> bool:
        """Tell whether the longest answer has been read; nothing more is."""
        return self._chars >= MOST_CHARS

    def feed(self, piece: str) -> list[Claim]:
        """Return the claims that are complete now that ``piece`` has arrived."""
        piece = piece[: MOST_CHARS - self._chars]
        self._chars += len(piece)
        # Only a further word ends a sentence: reading at every piece of a long word would take minutes.
        begins_word = _WORD_START.search(self._line[-1:] + piece)
        *lines, self._line = (self._line + piece).split("\n")
        claims = [claim for line in lines for claim in self._read(line, ended=True)]
        if begins_word or len(self._line) > _LONGEST_SENTENCE:
            claims += self._read(self._line, ended=False)
        return claims

    def close(self) -> list[Claim]:
        """Return what is left."""
        line, self._line = self._line, ""
        return list(self._read(line, ended=True))

    def _read(self, line: str, ended: bool) -> Iterator[Claim]:
        """Yield the complete claims of ``line``; keep the rest of a line that has not ended."""
        bare, marks = take_marks(line)
        spans = split_sentences(bare)
        whole = ended or len(line) > _LONGEST_SENTENCE
        complete = len(spans) if whole else _count_complete(bare, spans)
        for at, (start, end) in enumerate(spans[:complete]):
            until = spans[at + 1][0] if at + 1 < len(spans) else len(bare)
            own = dict.fromkeys(mark for place, mark in marks if (start < place or at == 0) and place <= until)
            yield from self._make_claim(bare[start:end], tuple(own))
        if not ended and (complete or whole):
            self._line = _put_back(bare, marks, spans[complete][0]) if complete < len(spans) else ""
        if ended:
            self._at_line_start = True

    def _make_claim(self, text: str, marks: tuple[Mark, ...]) -> Iterator[Claim]:
        first, self._at_line_start = self._at_line_start, False
        bullet = bool(first and _BULLET.match(text))
        is_heading = bool(first and _HEADING.match(text))
        plain = _EMPHASIS.sub(r"\2", _BULLET.sub("", text, count=1) if bullet else text).strip()
        if plain and not is_heading and any(char.isalnum() for char in plain):
            yield Claim(plain, marks, bullet, first)


def read_claims(pieces: Iterable[str]) -> Iterator[Claim]:
    """Yield the claims of an answer that arrives in pieces, up to ``MOST_CHARS`` characters of it."""
    reader = ClaimReader()
    for piece in pieces:
        yield from reader.feed(piece)
        if reader.is_full:
            break
    yield from reader.close()


def take_marks(text: str) -> tuple[str, list[tuple[int, Mark]]]:
    """Return ``text`` without its citation marks, and each mark with its place in that text.

    A number in round brackets is a mark only when it names a sentence of a paper, as in ``(2.4)``; ``(2)`` and
    ``(73.3)`` stay, and so does what names a paper 0, as intervals may: ``[0.91, 0.94]``.
    """
    bare, marks, at, size = [], [], 0, 0
    for found in _MARK.finditer(text):
        items = list(_expand(found[1]))
        if _PARENTHESES.match(found[0]) and not all(mark.sentence and mark.paper <= _MOST_PAPERS for mark in items):
            continue
        if not items or not all(mark.paper for mark in items):
            continue
        bare.append(text[at : found.start()])
        size += found.start() - at
        marks += [(size, mark) for mark in items]
        at = found.end()
    return "".join([*bare, text[at:]]), marks


def _expand(inner: str) -> Iterator[Mark]:
    for item in _ITEM.finditer(inner):
        first = _parse(item[1])
        last = _parse(item[2]) if item[2] else first
        if last.paper == first.paper and first.sentence and last.sentence:
            yield from (Mark(first.paper, n) for n in range(first.sentence, min(last.sentence, first.sentence + 9) + 1))
        elif first.sentence or last.sentence:
            yield from dict.fromkeys((first, last))
        else:
            yield from (Mark(n) for n in range(first.paper, min(last.paper, first.paper + _MOST_MARKS - 1) + 1))


def _parse(number: str) -> Mark:
    paper, _, sentence = number.partition(".")
    return Mark(int(paper), int(sentence) if sentence else None)


def _count_complete(bare: str, spans: list[tuple[int, int]]) -> int:
    """Return how many sentences can no longer change: a later one has begun with a whole word and a blank."""
    if not spans:
        return 0
    last = bare[spans[-1][0] :]
    is_open = any(last.count(left) > last.count(right) for left, right in ("[]", "()", "【】"))
    begun = not is_open and re.search(r"\w\S*\s+\S", last)
    return max(len(spans) - (1 if begun else 2), 0)


def _put_back(bare: str, marks: list[tuple[int, Mark]], start: int) -> str:
    """Return ``bare`` from ``start`` on with its marks in place again."""
    for place, mark in reversed(marks):
        if place > start:
            number = f"{mark.paper}.{mark.sentence}" if mark.sentence else f"{mark.paper}"
            bare = f"{bare[:place]} [{number}]{bare[place:]}"
    return bare[start:]
