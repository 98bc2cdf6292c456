"""Bots that try to win without being good, to show that the metrics see through them.

Knows questions, papers and the form of answers; knows nothing of the chatbot's own work. A metric that one of them
can win is a defect of the metric.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from chatbot.answers import Answer, Citation, Sentence, Status
from chatbot.comparison import Cell, CellVerdict, Comparison
from chatbot.records import Hit, Paper
from evals.questions import GoldCell, Sample
from evals.scores import METRICS, Scored, mean, score_sample

Papers = Mapping[str, Paper]
Place = tuple[str, int, int]
Bot = Callable[[Sample, Papers], Answer]
HEADLINES = ("fact_recall", "evidence_precision", "paper_f1", "valid_quotes", "right_status", "conciseness")
CELLS = ("cell_precision", "cells_found", "not_stated")


def refuse(sample: Sample, papers: Papers) -> Answer:
    """Abstain from everything."""
    return _answer(sample, papers, [], status="abstained")


def guess(sample: Sample, papers: Papers) -> Answer:
    """Answer everything with the first words of the first paper."""
    first = next(iter(papers.values()))
    return _answer(sample, papers, [(_quote(papers, _opening(first)), [_opening(first)])])


def cite_everything(sample: Sample, papers: Papers) -> Answer:
    """Tell what is right and cite every paper for it."""
    places = [_opening(paper) for paper in papers.values()]
    return _answer(sample, papers, [(_quote(papers, place), [place, *places]) for place in _gold(sample)])


def swap_citations(sample: Sample, papers: Papers) -> Answer:
    """Tell what is right and cite the paper after the right one."""
    ids = list(papers)

    def other(place: Place) -> Place:
        return _opening(papers[ids[(ids.index(place[0]) + 1) % len(ids)]])

    return _answer(sample, papers, [(_quote(papers, place), [other(place)]) for place in _gold(sample)])


def invent_quotes(sample: Sample, papers: Papers) -> Answer:
    """Tell what is right, but with places that are off by some characters."""
    answer = cite_gold(sample, papers)
    moved = tuple(Citation(c.number, c.paper_id, c.title, c.quote, c.start + 3, c.end + 3) for c in answer.citations)
    return _answer(sample, papers, [], status=answer.status, sentences=answer.sentences, citations=moved)


def echo(sample: Sample, papers: Papers) -> Answer:
    """Say the question again and cite the right paper's first words."""
    places = [_opening(papers[key]) for key in sample.papers if key in papers]
    return _answer(sample, papers, [(sample.question, places or [_opening(next(iter(papers.values())))])])


def quote_abstracts(sample: Sample, papers: Papers) -> Answer:
    """Quote the whole abstracts of the right papers."""
    whole = [papers[key] for key in sample.papers if key in papers] or [next(iter(papers.values()))]
    places = [(paper.id, len(paper.title) + 1, len(paper.text)) for paper in whole]
    return _answer(sample, papers, [(_quote(papers, place), [place]) for place in places])


def stuff(sample: Sample, papers: Papers) -> Answer:
    """Tell one thing, and put the whole abstracts of the right papers around it."""
    whole = " ".join(papers[key].text for key in sample.papers if key in papers)
    return replace(guess(sample, papers), answer=whole)


def cite_gold(sample: Sample, papers: Papers) -> Answer:
    """Quote just the marked evidence, and abstain when there is nothing to answer."""
    if sample.expected != "answered":
        return _answer(sample, papers, [], status="abstained", said=f"Not found: {', '.join(sample.missing)}.")
    places = _gold(sample)
    silent = [key for key in sample.papers if key in papers and key not in {key for key, _, _ in places}]
    places += [_opening(papers[key]) for key in silent]
    answer = _answer(sample, papers, [(_quote(papers, place), [place]) for place in places])
    accepted = [_places(cell)[0] if cell.accept else None for cell in sample.cells]
    return replace(answer, comparison=_fill_grid(sample, papers, accepted))


def fill_cells(sample: Sample, papers: Papers) -> Answer:
    """Tell what is right, and leave no cell of a grid open."""
    filled = [(_places(cell) or [_opening(papers[cell.paper])])[0] for cell in sample.cells]
    return replace(cite_gold(sample, papers), comparison=_fill_grid(sample, papers, filled))


BOTS: dict[str, Bot] = {
    "gold": cite_gold,
    "refuses": refuse,
    "guesses": guess,
    "cites everything": cite_everything,
    "swaps citations": swap_citations,
    "invents quotes": invent_quotes,
    "echoes": echo,
    "quotes abstracts": quote_abstracts,
    "stuffs the answer": stuff,
    "fills cells": fill_cells,
}


def score_bots(samples: Sequence[Sample], corpus: Papers) -> dict[str, dict[str, float | None]]:
    """Return the mean of each metric by bot."""
    papers = {**corpus, **{sample.carrier.id: sample.carrier for sample in samples if sample.carrier}}
    scored = {
        name: [score_sample(sample, bot(sample, papers).to_dict(), "", papers) for sample in samples]
        for name, bot in BOTS.items()
    }
    return {name: {metric.name: _mean(rows, metric.name) for metric in METRICS} for name, rows in scored.items()}


def rank_bots(table: Mapping[str, Mapping[str, float | None]]) -> list[tuple[str, float]]:
    """Return the bots by the product of ``HEADLINES`` and ``CELLS``, best first; what is unscored counts as nothing."""
    products = dict.fromkeys(table, 1.0)
    for name, row in table.items():
        for metric in (*HEADLINES, *CELLS):
            products[name] *= row[metric] or 0.0
    return sorted(products.items(), key=lambda pair: pair[1], reverse=True)


def _mean(rows: Sequence[Scored], metric: str) -> float | None:
    return mean([value for row in rows if (value := row.scores[metric]) is not None])


def _gold(sample: Sample) -> list[Place]:
    """Return the first marked span of each key fact and of each cell."""
    spans = [fact.evidence[0] for fact in sample.facts if fact.evidence]
    cells = [_places(cell)[0] for cell in sample.cells if cell.accept]
    return list(dict.fromkeys([(span["paper"], span["start"], span["end"]) for span in spans] + cells))


def _places(cell: GoldCell) -> list[Place]:
    return [(cell.paper, span["start"], span["end"]) for span in cell.accept]


def _fill_grid(sample: Sample, papers: Papers, places: Sequence[Place | None]) -> Comparison | None:
    """Return the grid in which each cell quotes its place, or is open; None where the question asks for none."""
    if not sample.cells:
        return None
    cells = []
    for gold, place in zip(sample.cells, places, strict=True):
        quote = _quote(papers, place) if place else ""
        start, end = place[1:] if place else (None, None)
        verdict: CellVerdict = "supported" if place else "not stated"
        cells.append(Cell(gold.paper, gold.aspect, quote, quote, start, end, verdict, "scripted"))
    columns = dict.fromkeys(cell.aspect for cell in cells)
    return Comparison(tuple(papers[key] for key in sample.papers), tuple(columns), tuple(cells))


def _opening(paper: Paper) -> Place:
    start = len(paper.title) + 1
    end = paper.text.find(". ", start)
    return paper.id, start, end + 1 if end > 0 else len(paper.text)


def _quote(papers: Papers, place: Place) -> str:
    key, start, end = place
    return papers[key].text[start:end]


def _answer(
    sample: Sample,
    papers: Papers,
    told: Sequence[tuple[str, Sequence[Place]]],
    status: Status = "answered",
    sentences: tuple[Sentence, ...] = (),
    citations: tuple[Citation, ...] = (),
    said: str = "",
) -> Answer:
    """Return an answer of the sentences ``told``, each with the places it cites; retrieval is always right."""
    numbers: dict[Place, Citation] = {}
    for text, places in told:
        for place in places:
            key, start, end = place
            quote = _quote(papers, place)
            numbers.setdefault(place, Citation(len(numbers) + 1, key, papers[key].title, quote, start, end))
        cited = tuple(dict.fromkeys(numbers[place].number for place in places))
        sentences = (*sentences, Sentence(text, cited, "supported"))
    hits = (Hit(rank, papers[key], 1.0) for rank, key in enumerate(sample.papers, 1) if key in papers)
    return Answer(
        question=sample.question,
        standalone_question=sample.question,
        status=status,
        answer=said or " ".join(sentence.text for sentence in sentences),
        sentences=sentences,
        citations=citations or tuple(numbers.values()),
        retrieved=tuple(hits),
        confidence=1.0 if sentences else 0.0,
        model="scripted",
        timings_ms={},
        index="",
        settings="",
    )
