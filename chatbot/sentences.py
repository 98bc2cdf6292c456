"""Find the sentences of an abstract, as character spans.

Knows English scientific prose and its typing accidents; knows nothing of papers, chunks or models.

Libraries were tried first on the seed page and on 20,000 conference abstracts: pysbd cuts ``.csv``,
nupunkt cuts after ``i.i.d.`` and misses sentences glued without a space, syntok misses lower-case
starts, sentencex stops cutting after an unclosed quotation mark. The rules below survive all of those
(``tests/test_sentences.py`` lists them).
"""

import re

_END = re.compile(r"[.!?]+[\"'”’)\]]*")
_OPENERS = "\"'“‘([`"
# Abbreviations that never close a sentence, and those that may when a new sentence visibly starts.
_NEVER_FINAL = frozenset(
    """
    e.g i.e eg ie vs cf fig figs eq eqs sec secs ref refs tab ch dr mr mrs ms prof no nos vol pp approx resp viz
    ca st ver
    """.split()
)
_MAYBE_FINAL = frozenset(
    """
    al etc i.i.d w.r.t a.k.a s.t a.s u.s u.k ph.d inc ltd jr
    """.split()
)
_STARTERS = frozenset(
    """
    a additionally after all although an and another as at based because both building but by code compared
    despite due each empirically even existing experimental experiments extensive finally first for from
    furthermore given hence here how however if in inspired instead is it its many more moreover most motivated
    nevertheless notably numerical on one or our previous prior recent recently results second several similarly
    since so some specifically such surprisingly that the their then there therefore these they third this those
    though through thus to too two under unfortunately unlike using we what when where whether which while with
    yet
    """.split()
)
_GLUED = re.compile(r"[a-z]{3}[)\]%]?$")
_NEW_WORD = re.compile(r"[A-Z](?:[a-z]+)?[\s,]")
_COINED = re.compile(r"[a-z]+[A-Z]")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans ``(start, end)`` of the sentences of ``text``, in order, without outer whitespace.

    Every non-blank character of ``text`` lies in exactly one span.
    """
    cuts = [match.end() for match in _END.finditer(text) if _is_boundary(text, match)]
    spans = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        piece = text[start:end]
        if stripped := piece.strip():
            first = start + len(piece) - len(piece.lstrip())
            spans.append((first, first + len(stripped)))
    return spans


def _is_boundary(text: str, match: re.Match[str]) -> bool:
    before, after = _last_token(text, match.start()), text[match.end() : match.end() + 40]
    if not after.strip():
        return False
    if not after[0].isspace():
        return _is_glued(before, after, match.group())
    if not before:  # a mark that stands alone, as in tokenised text: "was measured . the results"
        return True
    following = after.lstrip()
    return _starts_sentence(following) and not (match.group()[0] == "." and _is_abbreviation(before, following))


def _last_token(text: str, end: int) -> str:
    """Return what stands between the last blank before ``end`` and ``end`` (at most 80 characters)."""
    return re.split(r"[\s~]", text[max(0, end - 80) : end])[-1]


def _is_glued(before: str, after: str, mark: str) -> bool:
    """Tell whether a mark with no space behind it closes a sentence, as in ``platforms.Code is``."""
    is_address = "://" in before or before.startswith("www.") or "/" in before
    return mark[0] in ".!?" and not is_address and bool(_GLUED.search(before) and _NEW_WORD.match(after))


def _starts_sentence(following: str) -> bool:
    head = following.lstrip(_OPENERS)
    if not head:
        return False
    return head[0].isupper() or head[0].isdigit() or head[0] in "$\\" or bool(_COINED.match(head))


def _is_abbreviation(before: str, following: str) -> bool:
    if "://" in before:
        return False
    word = re.split(r"[-(\[/]", before.strip(_OPENERS + ")]").lower())[-1]
    first = re.split(r"\W", following.lstrip(_OPENERS), maxsplit=1)[0].lower()
    if word in _NEVER_FINAL:
        return True
    if word in _MAYBE_FINAL or re.fullmatch(r"(?:[a-z]\.)*[a-z]", word):
        return first not in _STARTERS
    return False
