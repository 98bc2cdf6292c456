"""Match a question with the sentences of the papers found for it, word by word.

Knows word vectors; knows nothing of how they are made, of storage or of answers. Each content word of the
question is compared with each word of a sentence and keeps its best match, with the embedding model's own last layer.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from chatbot.maxsim import Matrix, best_matches, unit_mean
from chatbot.records import Hit, Match, Question, Span, Words

MOST_HOLDERS = 2  # a name that more of the papers found mention, such as that of a data set, points to none
STEM = 5  # letters that say that two words are forms of one
SENTENCES_A_PAPER = 40  # of a longer text, only those nearest to the question are read word by word


def match_papers(
    question: Question,
    vector: Matrix,
    hits: Sequence[Hit],
    spans: Mapping[str, Sequence[Span]],
    embed_words: Callable[[Sequence[str]], list[Words]],
    focus: Collection[str] = (),
) -> list[Match]:
    """Return a match for each hit that has sentences, best first.

    ``vector`` is the question's unit vector; ``embed_words`` returns the word vectors of each text; ``focus``
    are ids of papers that the question is known to be about. The order is by ``Match.value``.
    """
    read = {hit.paper.id: _nearest(spans.get(hit.paper.id, ()), vector) for hit in hits}
    texts = [span.text for hit in hits for span in read[hit.paper.id]]
    asked, *rest = embed_words([question.text, *question.phrases, *texts])
    phrases, sentences = rest[: len(question.phrases)], iter(rest[len(question.phrases) :])
    content = _content(question, asked)
    words, starts = asked.vectors[content], tuple(asked.spans[row][0] for row in content)
    named = dict.fromkeys(focus, (0, 0)) | _named(question, hits)
    matches = []
    for hit in hits:
        chosen = read[hit.paper.id]
        own = [next(sentences).vectors for _ in chosen]
        if chosen:
            by_word = np.stack([best_matches(words, sentence) for sentence in own])
            by_phrase = np.array(
                [[best_matches(phrase.vectors, sentence).mean() for phrase in phrases] for sentence in own]
            )
            literal = _stand_in(question, [hit.paper.title, *(span.text for span in chosen)])
            meanings = np.stack([unit_mean(sentence) for sentence in own])
            name = named.get(hit.paper.id)
            if name is not None and _only_title_names(hit, chosen):
                in_name = [name[0] <= start < name[1] for start in starts]
                by_word[:, in_name] = 1
                by_phrase[:, [_find(phrase, hit.paper.name) is not None for phrase in question.phrases]] = 1
            holds = frozenset(each for each in question.names if _find(each, hit.paper.text))
            match = Match(hit, tuple(chosen), by_word, starts, words, by_phrase, literal, meanings, name, holds=holds)
            matches.append(match)
    return sorted(matches, key=lambda match: match.value, reverse=True)


def _only_title_names(hit: Hit, spans: Sequence[Span]) -> bool:
    """Tell whether what the paper is called stands in its title alone: no sentence can be blamed for lacking it."""
    name = hit.paper.name
    return name != hit.paper.title and not any(_find(name, span.text) for span in spans)


def _stand_in(question: Question, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return whether each content word of the question stands in each text, by its first letters; (texts, words)."""
    wanted = [_stems(question.text[start:end]) for start, end in question.words]
    found = [_stems(text) for text in texts]
    return np.array([[not word or bool(word & stems) for word in wanted] for stems in found], bool)


def _stems(text: str) -> set[str]:
    return {word.removesuffix("s")[:STEM] for word in re.findall(r"[a-z0-9]{3,}", text.lower())}


def _named(question: Question, hits: Sequence[Hit]) -> dict[str, tuple[int, int]]:
    """Return where the question names a paper: by its own name, or by one that few of the papers found mention."""
    found: dict[str, tuple[int, int]] = {}
    for hit in hits:
        name = hit.paper.name
        if (match := _find(name, question.text)) and (_is_distinctive(name) or _is_rare(hit, hits)):
            found[hit.paper.id] = match.span()
    for name in question.names:
        holders = _holders(name, hits)
        if len(holders) <= MOST_HOLDERS:
            start = question.text.find(name)
            found = dict.fromkeys(holders, (start, start + len(name))) | found
    return found


def _holders(name: str, hits: Sequence[Hit]) -> list[str]:
    return [hit.paper.id for hit in hits if _find(name, hit.paper.head)]


def _is_distinctive(name: str) -> bool:
    return len(name.split()) > 2 or any(char.isupper() or char.isdigit() for char in name[1:])


def _is_rare(hit: Hit, hits: Sequence[Hit]) -> bool:
    """Tell whether few of the papers found use the word before the colon of the title, such as Bristle."""
    return hit.paper.name != hit.paper.title and len(_holders(hit.paper.name, hits)) <= MOST_HOLDERS


def _find(name: str, text: str) -> re.Match[str] | None:
    flags = re.IGNORECASE if len(name) > 5 else 0
    # CIFAR-10 is CIFAR10, too.
    spelled = re.sub(r"(?<=[A-Za-z])(?:\\-)?(?=\d)", "[- ]?", re.escape(name))
    version = r"(?:s|-?\d+)?" if name[-1:].isalpha() else ""  # as in LLMs and ResNet56
    return re.search(rf"(?<![\w-]){spelled}{version}(?!\w)", text, flags)


def _nearest(spans: Sequence[Span], vector: Matrix) -> list[Span]:
    if len(spans) <= SENTENCES_A_PAPER:
        return list(spans)
    nearest = sorted(spans, key=lambda span: float(span.vector @ vector), reverse=True)[:SENTENCES_A_PAPER]
    return sorted(nearest, key=lambda span: span.start)


def _content(question: Question, asked: Words) -> list[int]:
    """Return the rows of ``asked`` that belong to content words; all of them when there are none."""
    inside = [
        row
        for row, (start, end) in enumerate(asked.spans)
        if any(first <= start and end <= last for first, last in question.words)
    ]
    return inside or list(range(len(asked.spans)))
