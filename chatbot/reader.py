"""Find and read the papers for a question: query → hits → matches, and what the index knows of names.

Joins index, embedding, matching and ranking; knows nothing of conversations or of how answers are written.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chatbot import matching, ranking, retrieval
from chatbot.acronyms import find_long_form
from chatbot.comparing.naming import introduces
from chatbot.embedding import Embedder, WordModel
from chatbot.index import PaperIndex, Scope
from chatbot.maxsim import unit_mean
from chatbot.questions import read_question, take_as
from chatbot.records import Hit, Match, Paper, Question, Span
from chatbot.sides import find_sides

CLEAR_LEAD = 0.35  # of at most 2: what a comparison is about is all in one paper that fits so much better than others
_SAYS_PAPER = re.compile(r"(?:-\w+)?(?: \w+)? (?:paper|work|study|one)\b", re.I)
READ_PAPERS, READ_PAPERS_WHICH = 12, 20  # papers whose sentences are compared with the question word by word


def count_read(question: Question) -> int:
    """Return how many of the papers found for ``question`` are read."""
    return READ_PAPERS if question.kind == "single" else READ_PAPERS_WHICH


class Reader:
    """Reads papers of the index, or of the part of one, that ``open_index`` returns.

    Every method may raise IndexMissing or IndexBroken.
    """

    def __init__(self, open_index: Callable[[], PaperIndex | Scope], embedder: Embedder, words: WordModel) -> None:
        self._open_index = open_index
        self._embedder = embedder
        self.words = words

    def search(self, query: str, top_k: int) -> tuple[list[Hit], Any]:
        """Return the papers nearest to ``query``, best first, and its unit vector."""
        return retrieval.search(self._open_index(), query, self._embedder.embed_query, top_k)

    def read(self, text: str, top_k: int, focus: Collection[str] = ()) -> tuple[Question, list[Hit], list[Match]]:
        """Return the question as read, the hits in the order of reading, and the matches of those that were read.

        ``focus`` are ids of papers that the question is known to be about.
        """
        question = read_question(text)
        if not question.words:
            return question, [], []
        count = count_read(question)
        hits, vector = self.search(question.text, max(count, top_k))
        if (spelled := self._spell_out(question, hits[:count])) != question.text:
            question = read_question(spelled)
            hits, vector = self.search(spelled, max(count, top_k))
        matches = self._match(question, vector, hits[:count], focus)
        matches = find_sides(question, matches)
        question = _settle_kind(question, matches)
        matches = ranking.rank_sentences(question, matches)
        order = [match.hit for match in matches] + hits[count:]
        ranked = [replace(hit, rank=rank) for rank, hit in enumerate(order, 1)]
        return question, ranked[:top_k], matches

    def _spell_out(self, question: Question, hits: Sequence[Hit]) -> str:
        """Return the question's text with the words for acronyms that papers found have in their place.

        Of one that no paper uses, what they have twice; else what the first has, if it does not use the acronym. Any
        text has words in a row that begin with two letters: for so short a one only the title counts.
        """
        text, texts = question.text, [hit.paper.text for hit in hits]
        for name in question.names:
            if texts and name in texts[0]:
                continue
            anywhere = find_long_form(name, texts) if len(name) > 2 and self._frequency(name) == 0 else ""
            first = [hit.paper.text if len(name) > 2 else hit.paper.title for hit in hits[:1]]
            if long_form := anywhere or find_long_form(name, first, 1):
                text = re.sub(rf"(?<![\w-]){re.escape(name)}s?(?!\w)", long_form, text)
        return text

    def match(self, question: Question, papers: Sequence[Paper]) -> dict[str, Match]:
        """Return how the given papers match ``question``, by id; one without sentences is left out."""
        if not question.words:
            return {}
        hits = [Hit(rank, paper, 0.0) for rank, paper in enumerate(papers, 1)]
        matches = self._match(question, self._embedder.embed_query(question.text), hits, ())
        matches = ranking.rank_sentences(question, matches)
        return {match.hit.paper.id: match for match in matches}

    def read_among(self, text: str, papers: Sequence[Paper]) -> tuple[Question, list[Hit], list[Match]]:
        """Return what ``read`` does, of ``papers`` alone."""
        question = read_question(text)
        papers = self.papers(paper.id for paper in papers)  # as they are now, and as far as a filter lets them pass
        matches = sorted(self.match(question, papers).values(), key=lambda match: match.value, reverse=True)
        return question, [replace(match.hit, rank=rank) for rank, match in enumerate(matches, 1)], matches

    def lead(self, text: str, ids: Collection[str]) -> float:
        """Return how much better than all others those papers cover ``text``, from -2 to 2."""
        question, _, matches = self.read(text, 1)
        fits = {match.hit.paper.id: match.fit for match in matches}
        unread = self.papers(key for key in ids if key not in fits)
        own = [fits[key] for key in ids if key in fits]
        own += [match.fit for match in (self.match(question, unread) if unread else {}).values()]
        return max(own, default=0.0) - max((fit for key, fit in fits.items() if key not in ids), default=0.0)

    def called_papers(self, text: str) -> tuple[Paper, ...]:
        """Return the papers that ``text`` calls by name."""
        question, _, matches = self.read(text, 1)
        return tuple(match.hit.paper for match in matches if _is_called(match, question))

    def _match(self, question: Question, vector: Any, hits: Sequence[Hit], focus: Collection[str]) -> list[Match]:
        spans = self._open_index().spans([hit.paper for hit in hits], vector)
        return matching.match_papers(question, vector, hits, spans, self.words.embed_words, focus)

    def spans(self, papers: Sequence[Paper]) -> dict[str, list[Span]]:
        """Return the sentences of the abstracts of ``papers`` by id, each with the vector stored at ingest."""
        return self._open_index().spans(list(papers))

    def sentence_vectors(self, spans: Sequence[Span]) -> Any:
        """Return the bundled model's vectors of ``spans``, each read by itself, shape (sentences, 384); see Match."""
        return np.array([unit_mean(words.vectors) for words in self.words.embed_words([span.text for span in spans])])

    def papers(self, ids: Iterable[str]) -> tuple[Paper, ...]:
        """Return those papers that are indexed, each once, in the order given."""
        wanted = list(dict.fromkeys(ids))
        found = self._open_index().papers(wanted)
        return tuple(found[key] for key in wanted if key in found)

    def names_a_paper(self, question: Question) -> bool:
        """Tell whether a name in ``question`` is one that few papers mention."""
        return any(0 < self._frequency(name) <= matching.MOST_HOLDERS for name in question.names)

    def unknown_names(self, question: Question) -> list[str]:
        """Return the names in ``question`` that no indexed paper mentions."""
        return [name for name in question.names if self._frequency(name) == 0]

    def _frequency(self, name: str) -> int:
        """Return in how many papers the word of ``name`` that is in fewest stands, in the plural too."""
        index = self._open_index()
        return max(min(index.document_frequency(form).values(), default=1) for form in (name, f"{name}s"))


def _settle_kind(question: Question, matches: Sequence[Match]) -> Question:
    """Return ``question`` as one that compares where it calls two papers by name, and not where all is in the first."""
    called = sum(_is_called(match, question) for match in matches)
    if question.kind == "single" and called > 1:
        return take_as("compare", question)
    if question.kind == "compare" and called < 2 and len(matches) > 1 and not any(match.side for match in matches):
        first, second = matches[:2]
        if first.holds.issuperset(question.names) and first.fit > second.fit + CLEAR_LEAD:
            return take_as("single", question)
    return question


def _is_called(match: Match, question: Question) -> bool:
    """Tell whether ``question`` has the paper's own name, or one that its abstract gives to what it introduces."""
    if match.called is None:
        return False
    name, paper = question.text[slice(*match.called)], match.hit.paper
    if name.lower().startswith(paper.name.lower()):
        return True
    titled = name in paper.title and _SAYS_PAPER.match(question.text, match.called[1])  # as in "the ADMM paper"
    return name in question.names and (bool(titled) or introduces(paper, name))
