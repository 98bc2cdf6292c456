"""Cut a paper into the pieces that get vectors: passages and sentences.

Knows papers and sentence borders; knows nothing of models, vectors or the index.
"""

from collections.abc import Iterator

from chatbot.records import Chunk, Paper
from chatbot.sentences import split_sentences

# An abstract is one passage. Only texts well beyond what the embedding model reads (about 256 word pieces,
# 1,200 characters) are cut, so that a full text is found by its middle too.
PASSAGE_CHARS = 2400
SENTENCE_CHARS = 1200


def split_passages(paper: Paper) -> list[Chunk]:
    """Return the passages ``paper#0, paper#1, …``: title in front, whole sentences, together the whole abstract."""
    spans = _spans(paper)
    groups: list[list[tuple[int, int]]] = [[]]
    for span in spans:
        if groups[-1] and span[1] - groups[-1][0][0] > PASSAGE_CHARS:
            groups.append([])
        groups[-1].append(span)
    chunks = []
    for number, group in enumerate(groups):
        start, end = (group[0][0], group[-1][1]) if group else (len(paper.title), len(paper.text))
        text = f"{paper.title}\n{paper.text[start:end]}"
        chunks.append(Chunk(f"{paper.id}#{number}", paper.id, text, start, end))
    return chunks


def split_sentence_chunks(paper: Paper) -> list[Chunk]:
    """Return the sentences of the abstract as chunks ``paper#s0, paper#s1, …``, without the title."""
    return [
        Chunk(f"{paper.id}#s{number}", paper.id, paper.text[start:end], start, end)
        for number, (start, end) in enumerate(_spans(paper))
    ]


def _spans(paper: Paper) -> list[tuple[int, int]]:
    offset = len(paper.title) + 1
    return [
        (start + offset, end + offset)
        for sentence in split_sentences(paper.abstract)
        for start, end in _cut_long(paper.abstract, *sentence)
    ]


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
