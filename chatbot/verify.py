"""Check a sentence of a model's answer against the passages that it cites: a program's verdict, not a model's.

Knows claims, passages and word vectors; knows nothing of which model wrote the claim or how it is shown. First what
must agree (see ``figures``, ``facts``, ``negation`` and ``exchange``), then how well the best sentences of
the cited paper cover the claim, word by word (a logistic regression fitted by ``python -m evals verifier --fit``).
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from chatbot.claims import Checked, Claim, Passage
from chatbot.exchange import exchange_conflict
from chatbot.facts import addresses_missing, comparison_conflict, names_missing, strong_words_missing
from chatbot.figures import figures_missing
from chatbot.logistic import load_logistic
from chatbot.maxsim import Matrix, best_matches, join_words, nearest_word
from chatbot.negation import negation_conflict
from chatbot.records import Paper, Span, Words

FEATURES = ("coverage", "weakest", "second_weakest", "clause", "literal", "strong", "similarity")
MOST_SOURCES = 3  # sentences of one paper that a claim may rest on
WORTH = 0.02  # coverage that a further sentence must add
_CONTENT = re.compile(r"[^\W_][\w-]*")
_CLAUSE = re.compile(r"[,;:]|\b(?:and|while|whereas|but|because|although)\b")
_EMPTY = frozenset(
    """
    a about achieve achieves according after also an and approach are as at author authors be been both but by can
    could does do each for from given has have here how in into is it its main may method more most nor not of on or
    paper papers per propose proposed proposes report reported reports result results shown shows so such than that
    the their them then there these they this those thus to under use used uses using via was were what when where
    which while who whose will with within work works would says say states introduce introduces present presents
    """.split()
)
EmbedWords = Callable[[Sequence[str]], list[Words]]


class Verifier:
    """Checks claims against numbered passages; ``embed_words`` returns the word vectors of each text."""

    def __init__(self, embed_words: EmbedWords) -> None:
        self._embed_words = embed_words

    def verify(self, claim: Claim, passages: Sequence[Passage]) -> Checked:
        """Return the verdict on ``claim``, with the sentences that it rests on.

        Cited passages that do not exist are left out; a claim that fails where it points is tried against the
        other passages, and moved there when one supports it whole.
        """
        by_number = {passage.number: passage for passage in passages}
        cited = [by_number[number] for number in dict.fromkeys(m.paper for m in claim.marks) if number in by_number]
        words = self._read(claim.text)
        results = [self._check(claim, words, [passage]) for passage in cited]
        if (together := _combine(claim, results)).verdict == "supported":
            return together
        if len(cited) > 1 and (joint := self._check(claim, words, cited)).verdict == "supported":
            return joint
        if claim.marks:
            for passage in passages:
                if passage not in cited:
                    other = self._check(claim, words, [passage])
                    if other.verdict == "supported":
                        return Checked(claim, "supported", other.sources, "moved to the paper that says it", moved=True)
        return together

    def measure(self, claim: Claim, passage: Passage) -> list[float]:
        """Return the values of ``FEATURES`` for ``claim`` against one passage."""
        words = self._read(claim.text)
        return _measure(claim, words, *self._align(claim, words, [passage]))

    def _check(self, claim: Claim, words: Words, passages: Sequence[Passage]) -> Checked:
        sources, read = self._align(claim, words, passages)
        return _judge(claim, words, sources, read)

    def _read(self, text: str) -> Words:
        return self._embed_words([text])[0]

    def _align(
        self, claim: Claim, words: Words, passages: Sequence[Passage]
    ) -> tuple[list[tuple[Paper, Span]], list[Words]]:
        """Return the sentences of ``passages`` that together cover ``claim`` best, and their words.

        Cited sentences are taken when they are no worse than any other; each further one must add something.
        """
        places = [(passage.paper, span) for passage in passages for span in passage.spans]
        read = self._embed_words([span.text for _, span in places])
        rows = content_rows(claim.text, words)
        cover = np.stack([best_matches(words.vectors[rows], found.vectors) for found in read])
        literal = np.array([_shared(claim.text, span.text) for _, span in places])
        pointed = {(mark.paper, mark.sentence) for mark in claim.marks}
        numbers = [(passage.number, at) for passage in passages for at in range(1, len(passage.spans) + 1)]
        bonus = 0.03 * np.array([number in pointed for number in numbers]) + 0.1 * literal
        have, picked = np.zeros(cover.shape[1], np.float32), list[int]()
        for _ in range(MOST_SOURCES):
            gains = np.maximum(cover, have).mean(axis=1) - have.mean() + (bonus if not picked else 0)
            gains[picked] = -1
            best = int(gains.argmax())
            if picked and not (gains[best] >= WORTH or _adds_facts(claim, places, picked, best)):
                break
            picked.append(best)
            have = np.maximum(have, cover[best])
        return [places[at] for at in picked], [read[at] for at in picked]


def _adds_facts(claim: Claim, places: Sequence[tuple[Paper, Span]], picked: Sequence[int], other: int) -> bool:
    have = " ".join(places[at][1].text for at in picked)
    more = f"{have} {places[other][1].text}"
    return len(figures_missing(claim.text, more)) < len(figures_missing(claim.text, have))


def _judge(claim: Claim, words: Words, sources: Sequence[tuple[Paper, Span]], read: Sequence[Words]) -> Checked:
    """Return the verdict on ``claim`` against ``sources``, sentences of one or more papers."""
    said = " ".join(span.text for _, span in sources)
    papers = " ".join(dict.fromkeys(paper.text for paper, _ in sources))
    titles = " ".join(dict.fromkeys(paper.title for paper, _ in sources))
    if missing := figures_missing(claim.text, f"{said} {titles}"):
        return Checked(claim, "unsupported", (), f"not in the cited passage: {', '.join(missing)}")
    if missing := addresses_missing(claim.text, papers) or names_missing(claim.text, papers):
        return Checked(claim, "unsupported", (), f"not in the cited paper: {', '.join(missing)}")
    if conflict := _conflict(claim.text, words, said, join_words([span.text for _, span in sources], read)):
        return Checked(claim, "unsupported", (), conflict)
    regression = load_logistic("verifier", FEATURES)
    chance = float(regression.probability(_measure(claim, words, sources, read)))
    if chance >= regression.thresholds["supported"]:
        return Checked(claim, "supported", tuple(sources))
    if chance >= regression.thresholds["weak"]:
        return Checked(claim, "weak", tuple(sources), "the cited passage is near, but does not say all of this")
    return Checked(claim, "unsupported", (), "the cited passage does not say this")


def _conflict(claim: str, words: Words, said: str, said_words: Words) -> str:
    """Return how ``claim`` contradicts what is ``said``, '' when it does not."""
    return (
        negation_conflict(
            claim,
            said,
            lambda start, end: nearest_word(words, start, end, said_words),
            lambda start, end: nearest_word(said_words, start, end, words),
        )
        or comparison_conflict(claim, said)
        or exchange_conflict(claim, said)
    )


def _combine(claim: Claim, results: Sequence[Checked]) -> Checked:
    """Return one verdict from those against each cited paper: supported by any of them is supported."""
    if not results:
        reason = "it cites a passage that does not exist" if claim.marks else "it cites nothing"
        return Checked(claim, "unsupported", (), reason)
    order = ("supported", "weak", "unsupported")
    best = min(results, key=lambda result: order.index(result.verdict))
    same = [result for result in results if result.verdict == best.verdict]
    sources = tuple(dict.fromkeys(source for result in same for source in result.sources))
    return Checked(claim, best.verdict, sources, best.reason)


def _measure(claim: Claim, words: Words, sources: Sequence[tuple[Paper, Span]], read: Sequence[Words]) -> list[float]:
    rows = content_rows(claim.text, words)
    titles = [paper.title for paper, _ in sources]
    everything = np.concatenate([found.vectors for found in read])
    cover = best_matches(words.vectors[rows], everything)
    lowest = np.sort(cover)[: 2 if len(cover) > 1 else 1]
    said = " ".join([*titles, *(span.text for _, span in sources)])
    return [
        float(cover.mean()),
        float(lowest[0]),
        float(lowest[-1]),
        _worst_clause(claim.text, words, rows, cover),
        _shared(claim.text, said),
        float(len(strong_words_missing(claim.text, said))),
        float(_centre(words.vectors) @ _centre(read[0].vectors)),
    ]


def content_rows(text: str, words: Words) -> list[int]:
    """Return the rows of ``words`` that belong to words with content; all of them when there are none."""
    spans = [m.span() for m in _CONTENT.finditer(text) if m.group().lower() not in _EMPTY]
    inside = [
        row
        for row, (start, end) in enumerate(words.spans)
        if any(first <= start and end <= last for first, last in spans)
    ]
    return inside or list(range(len(words.spans)))


def _worst_clause(text: str, words: Words, rows: Sequence[int], cover: Matrix) -> float:
    """Return the mean coverage of the clause that is covered worst; clauses of one word do not count."""
    borders = [0, *(match.start() for match in _CLAUSE.finditer(text)), len(text) + 1]
    means = []
    for start, end in pairwise(borders):
        inside = [at for at, row in enumerate(rows) if start <= words.spans[row][0] < end]
        if len(inside) > 2:
            means.append(float(cover[inside].mean()))
    return min(means, default=float(cover.mean()))


def _shared(claim: str, said: str) -> float:
    """Return the share of the claim's content words that stand in ``said``, by their first five letters."""
    own = {word.lower()[:5] for word in _CONTENT.findall(claim) if word.lower() not in _EMPTY}
    other = {word.lower()[:5] for word in _CONTENT.findall(said)}
    return len(own & other) / len(own) if own else 1.0


def _centre(vectors: Matrix) -> Matrix:
    total = vectors.sum(axis=0)
    return np.asarray(total / (np.linalg.norm(total) or 1.0), np.float32)
