"""Answer with the abstracts' own sentences, each with its citation; no language model.

Knows matches between a question and papers; knows nothing of retrieval or models. Nothing is shown that is not
in the cited paper, word for word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from chatbot.answers import Citation, Draft, Sentence, cite
from chatbot.markup import defuse_markdown, flatten_text
from chatbot.records import Judgement, Match, Paper, Question, Span, papers_asked_about

# Sentences quoted from a paper, at least and at most, by how many papers are quoted: one, two, more.
SENTENCES = {1: (3, 4), 2: (2, 3)}
SENTENCES_OF_MANY = (2, 2)
LIKELY = -1.7  # log-odds from which a sentence beyond the least is quoted too
MARGIN = 0.7  # papers this close to the best in ``Match.value`` fit the question too
SIDE_MARGIN = 0.5  # and this close in coverage can be the unnamed side of a comparison
WHICH_MOST, GROUP_MOST = 8, 4


def answer(
    question: Question, matches: Sequence[Match], chosen: Sequence[Match], judgement: Judgement, first: int = 1
) -> Draft:
    """Return the extractive answer to ``question`` from the ``chosen`` ones of ``matches`` (best first).

    One side of a comparison is still told when nothing is known of the other. ``first`` is the first citation's number.
    """
    recorded = _with_record(question.of_record, chosen)
    if recorded and judgement.outcome != "refused":
        notice = f"*Not found: {_join(judgement.missing)}.*" if judgement.missing else ""
        return _tell_records(recorded, question.of_record, judgement.confidence, first, notice)
    if judgement.outcome == "sure":
        return _quote(question, chosen, judgement.confidence, first)
    if judgement.outcome == "doubtful":
        doubt = f" They may not tell of {_join(judgement.missing)}." if judgement.missing else ""
        notice = f"*This is the nearest the papers come.{doubt}*"
        return _quote(question, chosen, judgement.confidence, first, notice)
    named = [match for match in chosen if match.named]
    held = frozenset().union(*(match.holds for match in named))
    if question.kind == "compare" and named and not held.issuperset(question.names) and judgement.missing:
        notice = f"No indexed paper tells of {_join(judgement.missing)}."
        return _quote(question, named, judgement.confidence, first, notice)
    return abstain(question, matches, judgement)


def choose_papers(question: Question, matches: Sequence[Match]) -> list[Match]:
    """Return the matches to answer from: one, the two that the question is about, or all that it fits."""
    named = sorted((match for match in matches if match.named), key=lambda match: match.called or (0, 0))
    sides = sorted((match for match in matches if match.side), key=lambda match: match.side)
    of_record = question.of_record or question.beside
    if sides and question.kind != "which" and not of_record and all(match.side for match in named):
        return sides
    if question.kind == "single" or len(matches) < 2:
        return list(matches[:1])
    floor = matches[0].fit - SIDE_MARGIN
    if question.kind == "which":
        if "link" in question.wants:
            matches = [match for match in matches if any("://" in span.text for span in match.spans)] or matches
        # An acronym may be spelled out, the name of a data set is always written.
        written = {name for name in question.names if not (name.isalpha() and name.isupper())}
        holders = [match for match in matches if written and match.holds.issuperset(written)]
        close = [match for match in matches if match.value >= matches[0].value - MARGIN]
        return (holders or close)[:WHICH_MOST]
    others = [match for match in matches if not match.named and match.fit >= floor]
    return named[:GROUP_MOST] if len(named) >= 2 else [*named, *others][:2]


def select_sentences(match: Match, least: int, most: int) -> list[Span]:
    """Return the sentences with most evidence, in the paper's order: ``least``, and up to ``most`` that are likely."""
    picked = [at for rank, at in enumerate(match.order[:most]) if rank < least or match.evidence[at] >= LIKELY]
    return [match.spans[at] for at in sorted(picked)]


def grow(draft: Draft) -> Iterator[Draft]:
    """Yield ``draft`` a sentence at a time, as a reader would see it streamed; the last is whole."""
    end = 0
    for count, sentence in enumerate(draft.sentences[:-1], 1):
        mark = f"[{sentence.citations[-1]}]"
        end = draft.text.find(mark, end) + len(mark)
        yield replace(draft, text=draft.text[:end], sentences=draft.sentences[:count])
    yield draft


def _quote(question: Question, chosen: Sequence[Match], confidence: float, first: int, notice: str = "") -> Draft:
    least, most = SENTENCES.get(len(chosen), SENTENCES_OF_MANY)
    least = max(least, min(len(question.parts), most))  # each thing that is asked may take one
    sentences: list[Sentence] = []
    citations: list[Citation] = []
    blocks = []
    for match in chosen:
        quotes = []
        for span in select_sentences(match, least, most):
            number = len(citations) + first
            citations.append(cite(number, match.hit.paper, span.text, span.start, span.end))
            sentences.append(Sentence(span.text, (number,), "supported"))
            quotes.append(f"“{_show(span.text)}” [{number}]")
        blocks.append((_show(match.hit.paper.title), " ".join(quotes)))
    if len(blocks) == 1:
        body = f"**{blocks[0][0]}** says: {blocks[0][1]}"
    else:
        lead = "These papers fit, in their own words:" if question.kind == "which" else "In the papers' own words:"
        body = "\n".join([lead, "", *(f"- **{title}**: {quotes}" for title, quotes in blocks)])
    if recorded := _with_record(question.beside, chosen):
        record = _tell_records(recorded, question.beside, confidence, first + len(citations))
        body += f"\n\n{record.text}"
        sentences += record.sentences
        citations += record.citations
    text = f"{body}\n\n{notice}" if notice else body
    return Draft("partial" if notice else "answered", text, tuple(sentences), tuple(citations), confidence)


def _with_record(fields: Sequence[str], chosen: Sequence[Match]) -> list[Paper]:
    """Return the papers asked about whose record has any of ``fields``."""
    papers = papers_asked_about(chosen) if fields else []
    return [paper for paper in papers if any(getattr(paper, field, None) for field in fields)]


def _tell_records(
    papers: Sequence[Paper], fields: Sequence[str], confidence: float, first: int, notice: str = ""
) -> Draft:
    """Return what the papers' records say of ``fields``, each what it has of them; the citations are their titles."""
    sentences: list[Sentence] = []
    citations: list[Citation] = []
    blocks = []
    for number, paper in enumerate(papers, first):
        facts = {"authors": f"by {', '.join(paper.authors)}", "year": f"of {paper.year}", "venue": f"in {paper.venue}"}
        told = ", ".join(_show(facts[field]) for field in fields if getattr(paper, field, None))
        citations.append(cite(number, paper, paper.title, 0, len(paper.title)))
        sentences.append(Sentence(f"{paper.title} is {told}.", (number,), "supported", "from the paper's record"))
        blocks.append(f"**{_show(paper.title)}** is {told}, as its record tells. [{number}]")
    text = "\n\n".join([*blocks, notice] if notice else blocks)
    return Draft("partial" if notice else "answered", text, tuple(sentences), tuple(citations), confidence)


def abstain(question: Question, matches: Sequence[Match], judgement: Judgement) -> Draft:
    """Return the answer that there is none, with what was missing and the nearest papers."""
    if question.words:
        text = "The indexed papers don't answer this."
    else:
        text = "The question names no paper and no subject; ask about a paper, a method or a topic."
    if judgement.missing:
        text += f" Not found in them: {_join(judgement.missing)}."
    if matches and question.words:
        text += f" Nearest: {'; '.join(f'*{_show(match.hit.paper.title)}*' for match in matches[:3])}."
    return Draft("abstained", text, (), (), judgement.confidence)


def _show(text: str) -> str:
    """Return words of a paper as they stand in an answer: on one line, where none of them can open a heading."""
    return defuse_markdown(flatten_text(text))


def _join(phrases: Sequence[str]) -> str:
    return ", ".join(f"“{phrase}”" for phrase in phrases)
