"""Sum up a grid in a few sentences, each true by the words of the abstracts that it cites.

Knows papers, their sentences and the grid; knows nothing of models. What is claimed is that words stand in an
abstract, or that none of a kind do; that one method beats another is only ever quoted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatbot.comparison import Cell, Comparison
from chatbot.records import Paper, Span

LEAST_SENTENCES, MOST_SENTENCES, MOST_TERMS, MOST_QUOTED = 2, 4, 2, 160
_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_NUMBER = re.compile(r"(?<![\w-])\d")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)?\s?(?:\\?%|×|x\b|(?:times|points?|hours?|days?)\b)")
_PLAIN = frozenset(
    """
    a about across all also an and are as at be been between both but by can different do each first for from has have
    how however i in into is it its itself large many may method methods model models more most new no not novel of on
    one only or other our over paper propose proposed results second several show shows state-of-the-art such than
    that the their them then there these they this three through to two under up use used using various we well when
    where which while with within without work
    """.split()
)

Places = list[tuple[Paper, Span]]


@dataclass(frozen=True, slots=True)
class Point:
    """One sentence under a grid and the sentences of papers that show it."""

    text: str
    places: tuple[tuple[Paper, Span], ...]


def sum_up(grid: Comparison, spans: Mapping[str, Sequence[Span]]) -> list[Point]:
    """Return up to four sentences on what the papers of ``grid`` share and where they differ."""
    papers = [paper for paper in grid.papers if spans.get(paper.id)]
    if len(papers) < 2:
        return []
    makers = (_tell_named, _tell_shared, _tell_distinct, _tell_figures, _tell_code)
    points = [point for make in makers if (point := make(grid, papers, spans))]
    if len(points) < LEAST_SENTENCES and (point := _tell_approaches(grid, papers, spans)):
        points.append(point)
    return points[:MOST_SENTENCES]


def _tell_named(grid: Comparison, papers: Sequence[Paper], spans: Mapping[str, Sequence[Span]]) -> Point | None:
    """Quote the sentence in which one of the papers speaks of another by name."""
    for paper in papers:
        for other in papers:
            if other is paper or other.name == other.title:
                continue
            for span in spans[paper.id]:
                if _stands_in(other.name, span.text) and not _stands_in(other.name, paper.name):
                    text = f"{paper.name} says of {other.name}: “{_clip(span.text)}”"
                    return Point(text, ((paper, span),))
    return None


def _tell_shared(grid: Comparison, papers: Sequence[Paper], spans: Mapping[str, Sequence[Span]]) -> Point | None:
    terms = {paper.id: _find_terms(spans[paper.id]) for paper in papers}
    common = set.intersection(*(set(found) for found in terms.values()))
    longest = [term for term in common if not any(term != other and f" {term} " in f" {other} " for other in common)]
    counts = {term: sum(found[term][1] for found in terms.values()) for term in longest}
    best = sorted(longest, key=lambda term: (-len(term.split()), -counts[term], term))[:MOST_TERMS]
    if not best:
        return None
    places = [(paper, terms[paper.id][term][0]) for term in best for paper in papers]
    who = "Both" if len(papers) == 2 else "All of them"
    return Point(f"{who} speak of {_join([f'“{term}”' for term in best])}.", tuple(places))


def _tell_distinct(grid: Comparison, papers: Sequence[Paper], spans: Mapping[str, Sequence[Span]]) -> Point | None:
    """Tell the phrase that each paper uses most and none of the others has."""
    parts, places = list[str](), Places()
    for paper in papers:
        terms = _find_terms(spans[paper.id])
        others = " ".join(" ".join(other.text.lower().split()) for other in papers if other is not paper)
        title = paper.title.lower()
        own = [term for term in terms if term not in others and (terms[term][1] > 1 or term in title)]
        if own:
            best = max(own, key=lambda term: (term in title, terms[term][1], len(term.split())))
            parts.append(f"“{best}” by {paper.name}")
            places.append((paper, terms[best][0]))
    return Point(f"Spoken of by one alone: {_join(parts)}.", tuple(places)) if len(parts) > 1 else None


def _tell_figures(grid: Comparison, papers: Sequence[Paper], spans: Mapping[str, Sequence[Span]]) -> Point | None:
    parts, places, without = list[str](), Places(), list[str]()
    for paper in papers:
        cell = grid.cell(paper.id, "results")
        ordered = sorted(spans[paper.id], key=lambda span: not (cell and cell.start == span.start))
        span = next((span for span in ordered if _FIGURE.search(span.text)), None)
        if span is None:
            if not any(_NUMBER.search(each.text) for each in spans[paper.id]):  # else what it gives is of another kind
                without.append(paper.name)
        else:
            figures = list(dict.fromkeys(found.replace("\\", "") for found in _FIGURE.findall(span.text)))[:MOST_TERMS]
            parts.append(f"{paper.name} ({', '.join(figures)})")
            places.append((paper, span))
    if not parts:
        return None
    rest = f"; none by {_join(without)}" if without else ""
    return Point(f"Figures are given by {_join(parts)}{rest}.", tuple(places))


def _tell_code(grid: Comparison, papers: Sequence[Paper], spans: Mapping[str, Sequence[Span]]) -> Point | None:
    cells = {paper.id: grid.cell(paper.id, "code") for paper in papers}
    if not all(cells.values()):
        return None
    places, having, lacking = Places(), list[str](), list[str]()
    for paper in papers:
        span = _find_quoted(cells[paper.id], spans[paper.id])
        (having if span else lacking).append(paper.name)
        if span:
            places.append((paper, span))
    if not having:
        return None
    rest = f", not by that of {_join(lacking)}" if lacking else ""
    return Point(f"Code is told of by the abstract of {_join(having)}{rest}.", tuple(places))


def _tell_approaches(grid: Comparison, papers: Sequence[Paper], spans: Mapping[str, Sequence[Span]]) -> Point | None:
    parts, places = list[str](), Places()
    for paper in papers:
        cell = grid.cell(paper.id, "approach") or grid.cell(paper.id, "key idea")
        if span := _find_quoted(cell, spans[paper.id]):
            parts.append(f"{paper.name}: “{_clip(span.text)}”")
            places.append((paper, span))
    return Point(f"They set out differently: {'; '.join(parts)}", tuple(places)) if len(parts) > 1 else None


def _find_quoted(cell: Cell | None, spans: Sequence[Span]) -> Span | None:
    """Return the sentence that ``cell`` quotes."""
    return next((span for span in spans if cell and span.start == cell.start), None)


def _find_terms(spans: Sequence[Span]) -> dict[str, tuple[Span, int]]:
    """Return the runs of two to four content words, in lower case, each with its first sentence and its count."""
    terms: dict[str, tuple[Span, int]] = {}
    for span in spans:
        run: list[str] = []
        last = 0
        for found in [*_WORD.finditer(span.text), None]:
            word = found.group().lower() if found else ""
            if not found or word in _PLAIN or word.isdigit() or span.text[last : found.start()].strip(" "):
                run = []
            if found:
                last = found.end()
                run = [*run, word][-4:] if word not in _PLAIN and not word.isdigit() else []
                for size in range(2, len(run) + 1):
                    term = " ".join(run[-size:])
                    first, count = terms.get(term, (span, 0))
                    terms[term] = (first, count + 1)
    return terms


def _stands_in(name: str, text: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def _clip(text: str) -> str:
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED].rsplit(' ', 1)[0]} …"


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
