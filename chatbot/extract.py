"""Answer with the abstracts' own sentences, each with its citation; no language model.

Knows matches between a question and papers; knows nothing of retrieval or models. Nothing is shown that is not
in the cited paper, word for word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chatbot.markup import defuse_markdown
from chatbot.records import Answer, Citation, Draft, Judgement, Match, Paper, Question, Sentence, Span

NAME = "extractive"
SINGLE_SENTENCES, SEVERAL_SENTENCES = 3, 2
LONG_QUESTION = 10  # content words; such a question asks several things and gets a sentence more
MARGIN = 0.7  # papers this close to the best in ``Match.value`` fit the question too
SIDE_MARGIN = 0.5  # and this close in coverage can be the unnamed side of a comparison
WHICH_MOST, GROUP_MOST = 8, 4
COVER_WEIGHT = 2.0

_METHOD = re.compile(
    r"\b(?:we (?:propose|introduce|present|develop|design|use|leverage|adopt|derive|employ|define|first|show how)"
    r"|is (?:designed|introduced|proposed|used)|specifically|consists? of|components?|by [a-z]+ing|first(?:ly)?"
    r"|second(?:ly)?|then|finally|instead of|this (?:enables|allows|approach)|module|mechanism|framework)\b",
    re.I,
)
_RESULT = re.compile(
    r"\b(?:results?|experiments?|outperform|achiev|demonstrat|shows? that|improv|state-of-the-art|surpass|evaluat"
    r"|benchmark|datasets?|tested|validate)",
    re.I,
)
_INTRODUCES = re.compile(
    r"\b(?:we|this (?:paper|work|article)) (?:\w+ )?"
    r"(?:propose|introduce|present|develop|design|describe|stud|investigat|refer to)"
    r"|\b(?:called|termed|dubbed)\b",
    re.I,
)
_SETTING = re.compile(
    r"(?:However|Although|Recent|Previous|Existing|Many|Current|Despite|Traditional|While|Unfortunately)\b"
)


def answer(question: Question, matches: Sequence[Match], chosen: Sequence[Match], judgement: Judgement) -> Draft:
    """Return the extractive answer to ``question`` from the ``chosen`` ones of ``matches`` (best first).

    One side of a comparison is still told when nothing is known of the other.
    """
    if judgement.outcome == "sure":
        return _quote(question, chosen, judgement.confidence)
    if judgement.outcome == "doubtful":
        doubt = f" They may not tell of {_join(judgement.missing)}." if judgement.missing else ""
        notice = f"*This is the nearest the papers come.{doubt}*"
        return _quote(question, chosen, judgement.confidence, notice)
    named = [match for match in chosen if match.named]
    if question.kind == "compare" and named and len(named) < len(question.names):
        return _quote(question, named, judgement.confidence, f"No indexed paper tells of {_join(judgement.missing)}.")
    return _abstain(question, matches, judgement)


def choose_papers(question: Question, matches: Sequence[Match]) -> list[Match]:
    """Return the matches to answer from: one, the sides of a comparison, or all that the question fits."""
    if question.kind == "single" or len(matches) < 2:
        return list(matches[:1])
    floor = matches[0].coverage + matches[0].best - SIDE_MARGIN
    close = [match for match in matches if match.value >= matches[0].value - MARGIN]
    if question.kind == "which":
        return close[:WHICH_MOST]
    named = sorted((match for match in matches if match.named), key=lambda match: match.named_at or 0)
    others = [match for match in matches if not match.named and match.coverage + match.best >= floor]
    return named[:GROUP_MOST] if len(named) >= 2 else [*named, *others][:2]


def select_sentences(question: Question, match: Match, count: int) -> list[Span]:
    """Return the ``count`` sentences that together cover the question best, in the paper's order.

    Greedy maximisation of a coverage function (Lin and Bilmes, "A class of submodular functions for document
    summarization", ACL 2011): each step takes the sentence that adds most to the best match of every word,
    plus what its kind is worth for this kind of question.
    """
    weight = 1.0 if question.wants_method or question.kind == "compare" else 0.5
    values = weight * np.array([_value(question, match, at) for at in range(len(match.spans))])
    scale = match.words.mean(axis=1).std() + 1e-9
    covered = np.zeros(match.words.shape[1], np.float32)
    picked: list[int] = []
    for _ in range(min(count, len(match.spans))):
        gains = (np.maximum(match.words, covered) - covered).mean(axis=1) / scale * COVER_WEIGHT + values
        gains[picked] = -np.inf
        picked.append(int(gains.argmax()))
        covered = np.maximum(covered, match.words[picked[-1]])
    return [match.spans[at] for at in sorted(picked)]


def _value(question: Question, match: Match, at: int) -> float:
    """Return what a sentence is worth for its kind alone: weights fitted on the development questions."""
    text, last = match.spans[at].text, len(match.spans) - 1
    value: float = 0.6 * question.wants_figure * len(re.findall(r"\d+(?:\.\d+)?", text)) ** 0.5
    value += 1.5 * (question.wants_overview and bool(_INTRODUCES.search(text)))
    has_link = "://" in text or ".com/" in text
    value += 2.0 * (has_link and question.wants_link) - 1.5 * (has_link and not question.wants_link)
    if question.wants_background:
        return value
    value += 0.5 * at / max(last, 1) - 0.7 * (at == 0) - 0.7 * (at == last) + 0.45 * min(len(text) / 200, 2)
    value += 0.2 * bool(_METHOD.search(text)) + 0.2 * bool(_RESULT.search(text))
    value += 0.3 * (question.wants_method and bool(_METHOD.search(text)))
    return value - 0.5 * bool(_SETTING.match(text))


def grow(answer: Answer) -> Iterator[Answer]:
    """Yield ``answer`` a sentence at a time, as a reader would see it streamed; the last is whole."""
    for sentence in answer.sentences[:-1]:
        end = answer.answer.find(f"[{sentence.citations[-1]}]") + len(f"[{sentence.citations[-1]}]")
        yield replace(answer, answer=answer.answer[:end])
    yield answer


def _quote(question: Question, chosen: Sequence[Match], confidence: float, notice: str = "") -> Draft:
    count = SINGLE_SENTENCES if len(chosen) == 1 else SEVERAL_SENTENCES
    count += len(chosen) <= 2 and len(question.words) >= LONG_QUESTION
    sentences: list[Sentence] = []
    citations: list[Citation] = []
    blocks = []
    for match in chosen:
        quotes = []
        for span in select_sentences(question, match, count):
            number = len(citations) + 1
            citations.append(_cite(number, match.hit.paper, span))
            sentences.append(Sentence(span.text, (number,), "supported"))
            quotes.append(f"“{defuse_markdown(span.text)}” [{number}]")
        blocks.append((defuse_markdown(match.hit.paper.title), " ".join(quotes)))
    if len(blocks) == 1:
        body = f"**{blocks[0][0]}** says: {blocks[0][1]}"
    else:
        lead = "These papers fit, in their own words:" if question.kind == "which" else "In the papers' own words:"
        body = "\n".join([lead, "", *(f"- **{title}**: {quotes}" for title, quotes in blocks)])
    text = f"{body}\n\n{notice}" if notice else body
    return Draft("partial" if notice else "answered", text, tuple(sentences), tuple(citations), confidence)


def _abstain(question: Question, matches: Sequence[Match], judgement: Judgement) -> Draft:
    if question.words:
        text = "The indexed papers don't answer this."
    else:
        text = "The question names no paper and no subject; ask about a paper, a method or a topic."
    if judgement.missing:
        text += f" Not found in them: {_join(judgement.missing)}."
    if matches and question.words:
        text += f" Nearest: {'; '.join(f'*{defuse_markdown(match.hit.paper.title)}*' for match in matches[:3])}."
    return Draft("abstained", text, (), (), judgement.confidence)


def _cite(number: int, paper: Paper, span: Span) -> Citation:
    return Citation(number, paper.id, paper.title, span.text, span.start, span.end)


def _join(phrases: Sequence[str]) -> str:
    return ", ".join(f"“{phrase}”" for phrase in phrases)
