"""The grid of a comparison: papers by aspects, each cell a checked quotation or an open admission.

Knows only data; knows nothing of how cells are filled, checked or shown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from chatbot.records import Paper

ASPECTS = ("problem", "approach", "key idea", "data", "results", "code")
NOT_STATED = "not stated in the abstract"
CellVerdict = Literal["supported", "not stated"]
TableFormat = Literal["markdown", "csv", "latex", "json"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a paper says on an aspect: ``quote == paper.text[start:end]``, and no quote when it says nothing.

    ``text`` is the quote, or a model's sentence that the quote supports; ``model`` is what wrote it.
    """

    paper_id: str
    aspect: str
    text: str
    quote: str
    start: int | None
    end: int | None
    verdict: CellVerdict
    model: str

    @property
    def stated(self) -> bool:
        """Tell whether the paper says anything."""
        return self.verdict == "supported"


@dataclass(frozen=True, slots=True)
class Choice:
    """A name that several papers could bear; ``at`` is the row that the paper meant would get."""

    name: str
    papers: tuple[Paper, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A grid: rows are ``papers``, columns ``aspects``, ``cells`` by row and then by column.

    ``choices`` are names to ask back about, ``unknown`` those that no paper bears.
    """

    papers: tuple[Paper, ...]
    aspects: tuple[str, ...]
    cells: tuple[Cell, ...] = ()
    choices: tuple[Choice, ...] = ()
    unknown: tuple[str, ...] = ()

    def cell(self, paper_id: str, aspect: str) -> Cell | None:
        """Return one cell, None when there is none yet."""
        return next((cell for cell in self.cells if (cell.paper_id, cell.aspect) == (paper_id, aspect)), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form described in the README."""
        return {
            "papers": [{"paper_id": paper.id, "title": paper.title} for paper in self.papers],
            "aspects": list(self.aspects),
            "cells": [asdict(cell) for cell in self.cells],
            "choices": [
                {"name": choice.name, "at": choice.at, "papers": [paper.id for paper in choice.papers]}
                for choice in self.choices
            ],
            "unknown": list(self.unknown),
        }


def restore_comparison(
    stored: Mapping[str, Any], find_papers: Callable[[Iterable[str]], tuple[Paper, ...]]
) -> Comparison:
    """Return the grid of which ``stored`` is the JSON form, without the papers that ``find_papers`` has no more."""
    papers = find_papers(paper["paper_id"] for paper in stored["papers"])
    rows = {paper.id for paper in papers}
    choices = (Choice(each["name"], find_papers(each["papers"]), each["at"]) for each in stored["choices"])
    return Comparison(
        papers,
        tuple(stored["aspects"]),
        tuple(Cell(**cell) for cell in stored["cells"] if cell["paper_id"] in rows),
        tuple(choice for choice in choices if choice.papers),
        tuple(stored["unknown"]),
    )
