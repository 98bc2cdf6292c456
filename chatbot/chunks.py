"""Cut a paper into the pieces that get vectors: passages and sentences.

Knows papers and sentence borders; knows nothing of models, vectors or the index.
"""

import re
from collections.abc import Iterator

from chatbot.records import Chunk, Paper
from chatbot.sentences import split_sentences

# An abstract is one passage. Only texts well beyond what the embedding model reads (about 256 word pieces,
# 1,200 characters) are cut, so that a full text is found by its middle too.
PASSAGE_CHARS = 2400
BODY_PASSAGE_CHARS = 1100
SENTENCE_CHARS = 1200
_FEWEST_WORDS, _FEWEST_LETTERS, _LONGEST_HEADING = 4, 0.6, 100
_ENDED = re.compile(r"[.!?][\"'”’)\]]*$")
_Spans = list[tuple[int, int]]


def split_passages(paper: Paper) -> list[Chunk]:
    """Return the passages ``paper#0, paper#1, …``: title in front, whole sentences, together the whole text.

    The abstract and the body share none.
    """
    abstract = _group(_abstract_spans(paper), PASSAGE_CHARS) or [[(len(paper.title), paper.body_start - 1)]]
    chunks, whole = [], paper.text
    for number, group in enumerate(abstract + _group(_body_spans(paper), BODY_PASSAGE_CHARS)):
        start, end = group[0][0], group[-1][1]
        text = f"{paper.title}\n{whole[start:end]}"
        chunks.append(Chunk(f"{paper.id}#{number}", paper.id, text, start, end))
    return chunks


def split_sentence_chunks(paper: Paper) -> list[Chunk]:
    """Return the sentences as chunks ``paper#s0, paper#s1, …``, without the title.

    Of a body, what is no prose (headings, rows of tables, formulas) is left out.
    """
    text = paper.text
    prose = (span for span in _body_spans(paper) if _is_prose(text[slice(*span)]))
    return [
        Chunk(f"{paper.id}#s{number}", paper.id, text[start:end], start, end)
        for number, (start, end) in enumerate([*_abstract_spans(paper), *prose])
    ]


def _abstract_spans(paper: Paper) -> _Spans:
    return list(_sentences(paper.abstract, len(paper.title) + 1))


def _body_spans(paper: Paper) -> _Spans:
    spans, at = _Spans(), paper.body_start
    for paragraph in paper.body.split("\n"):
        spans += _sentences(paragraph, at)
        at += len(paragraph) + 1
    return spans


def _sentences(text: str, offset: int) -> Iterator[tuple[int, int]]:
    for sentence in split_sentences(text):
        for start, end in _cut_long(text, *sentence):
            yield start + offset, end + offset


def _group(spans: _Spans, most: int) -> list[_Spans]:
    groups = list[_Spans]()
    for span in spans:
        if not groups or span[1] - groups[-1][0][0] > most:
            groups.append([])
        groups[-1].append(span)
    return groups


def _is_prose(text: str) -> bool:
    ended = len(text) > _LONGEST_HEADING or _ENDED.search(text)
    signs = len("".join(text.split()))
    return bool(ended) and len(text.split()) >= _FEWEST_WORDS and sum(map(str.isalpha, text)) >= _FEWEST_LETTERS * signs


def _cut_long(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > SENTENCE_CHARS:
        cut = text.rfind(" ", start + 1, start + SENTENCE_CHARS)
        cut = cut if cut > start else start + SENTENCE_CHARS
        yield start, cut
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield start, end
