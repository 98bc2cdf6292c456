"""Write the panel of sources: each cited paper with its abstract and cited pages, the passages highlighted in them.

Knows HTML and the JSON form of an answer; knows nothing of Gradio. Whatever comes from a paper is escaped here.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from chatbot.records import Paper
from chatbot.references import format_bibtex, name_identifiers, web_address
from chatbot.ui.answers import anchor, show_line, show_text
from chatbot.ui.why import format_why

NO_SOURCES = "<p class='note'>The papers that an answer cites are shown here, with the passages it rests on.</p>"
NO_ANSWER = "<section class='answer'></section>"


def format_sources(place: int, record: Mapping[str, Any], find: Callable[[str], Paper | None]) -> str:
    """Return the HTML of the papers that the answer at ``place`` cites, each once, in the order of citation.

    ``record`` is the JSON form of the answer; ``find`` returns a paper by id, None when it is indexed no more.
    At place 0 it is a grid that stands outside of any conversation.
    """
    cited: dict[str, list[Mapping[str, Any]]] = {}
    for citation in record["citations"]:
        cited.setdefault(citation["paper_id"], []).append(citation)
    papers = [
        _format_paper(place, find(key) or Paper(key, citations[0]["title"], ""), citations, is_open=not at)
        for at, (key, citations) in enumerate(cited.items())
    ]
    body = "".join(papers) or "<p class='note'>This answer cites no paper.</p>"
    why = format_why(place, record) if place else ""
    return f"<section class='answer' data-place='{place}' aria-label='Sources of answer {place}'>{body}{why}</section>"


def _format_paper(place: int, paper: Paper, citations: Sequence[Mapping[str, Any]], is_open: bool) -> str:
    numbers = "".join(f"[{citation['number']}]" for citation in citations)
    found = [each for each in citations if paper.text[each["start"] : each["end"]] == each["quote"]]
    title = _mark(place, paper.title, found)
    abstract = _mark(place, paper.abstract, found, len(paper.title) + 1)
    lost = "".join(
        f"<p class='note'>The indexed text no longer has: <q id='{anchor(place, each['number'])}'>"
        f"{show_text(each['quote'])}</q> [{each['number']}]</p>"
        for each in citations
        if each not in found
    )
    adds = f"<button type='button' data-compare='{escape(paper.id)}'>Add to comparison</button> " if place else ""
    return (
        f"<details class='paper'{' open' if is_open else ''}>"
        f"<summary><span class='numbers'>{numbers}</span> <bdi>{title}</bdi></summary>"
        f"{_format_facts(paper)}<p class='abstract' dir='auto'>{abstract}</p>{_format_pages(place, paper, found)}{lost}"
        f"<p class='actions'><button type='button' data-fill='{show_line(paper.name)}: '>"
        f"Ask about this paper</button> {adds}"
        f"<button type='button' data-copy='{show_text(format_bibtex(paper))}'>Copy BibTeX</button></p></details>"
    )


def _format_pages(place: int, paper: Paper, citations: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of those pages on which something is cited that is not in the abstract."""
    borders = [*(max(page, paper.body_start) for page in paper.pages), len(paper.text)]
    shown = []
    for number, (start, end) in enumerate(pairwise(borders), 1):
        if any(each["start"] < end and start < each["end"] for each in citations):
            text = _mark(place, paper.text[start:end], citations, start)
            shown.append(f"<h4>Page {number}</h4><p class='page' dir='auto'>{text}</p>")
    return "".join(shown)


def _format_facts(paper: Paper) -> str:
    facts = [", ".join(paper.authors), " ".join(filter(None, [paper.venue, str(paper.year or "")]))]
    facts += name_identifiers(paper.doi, paper.arxiv_id, paper.url)
    shown = [f"<bdi>{show_text(fact)}</bdi>" for fact in facts if fact]
    if address := web_address(paper.url):
        shown.append(f"<a href='{escape(address)}' target='_blank' rel='noopener noreferrer'>{show_text(address)}</a>")
    return f"<p class='facts'>{' · '.join(shown)}</p>" if shown else ""


def _mark(place: int, text: str, citations: Sequence[Mapping[str, Any]], offset: int = 0) -> str:
    """Return ``text``, which begins at ``offset`` in the paper, with every cited span marked; spans may overlap."""
    spans = [
        (max(each["start"] - offset, 0), min(each["end"] - offset, len(text)), each["number"]) for each in citations
    ]
    spans = [(start, end, number) for start, end, number in spans if start < end]
    cuts = sorted({0, len(text), *(start for start, _, _ in spans), *(end for _, end, _ in spans)})
    parts = []
    for begin, stop in pairwise(cuts):
        piece = show_text(text[begin:stop])
        for _, _, number in (span for span in spans if span[0] <= begin and stop <= span[1]):
            piece = f"<mark data-ref='{anchor(place, number)}'>{piece}</mark>"
        ended = "".join(f"<sup>[{number}]</sup>" for _, end, number in spans if end == stop)
        parts.append(piece + ended)
    return "".join(parts)
