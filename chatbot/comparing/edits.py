"""Change a grid: add, drop, keep and order its papers, set its columns. What stays keeps its cells.

Knows grids; knows nothing of how requests are read or cells filled.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from chatbot.comparison import Comparison
from chatbot.records import Paper


def add_papers(grid: Comparison, papers: Sequence[Paper], at: int | None = None) -> Comparison:
    """Return ``grid`` with ``papers`` as new rows at the end, or before row ``at``; one that is there stays there."""
    there = {paper.id for paper in grid.papers}
    new = tuple({paper.id: paper for paper in papers if paper.id not in there}.values())
    at = len(grid.papers) if at is None else at
    return replace(grid, papers=grid.papers[:at] + new + grid.papers[at:], choices=(), unknown=())


def keep_papers(grid: Comparison, papers: Sequence[Paper]) -> Comparison:
    """Return ``grid`` with only the rows of ``papers``, in its own order."""
    kept = {paper.id for paper in papers}
    return _tidy(replace(grid, papers=tuple(paper for paper in grid.papers if paper.id in kept)))


def remove_papers(grid: Comparison, papers: Sequence[Paper]) -> Comparison:
    """Return ``grid`` without the rows of ``papers``."""
    gone = {paper.id for paper in papers}
    return keep_papers(grid, [paper for paper in grid.papers if paper.id not in gone])


def set_columns(grid: Comparison, aspects: Sequence[str]) -> Comparison:
    """Return ``grid`` with ``aspects`` as its columns."""
    return _tidy(replace(grid, aspects=tuple(dict.fromkeys(aspects))))


def sort_papers(grid: Comparison, key: str, backwards: bool = False) -> Comparison:
    """Return ``grid`` with its rows in the order of ``key``: "title", "year" or a column; empty ones come last."""
    rows = {paper.id: _sort_value(grid, paper, key) for paper in grid.papers}
    filled = [paper for paper in grid.papers if rows[paper.id] is not None]
    empty = [paper for paper in grid.papers if rows[paper.id] is None]
    filled.sort(key=lambda paper: rows[paper.id] or (), reverse=backwards)
    return _tidy(replace(grid, papers=(*filled, *empty)))


def _sort_value(grid: Comparison, paper: Paper, key: str) -> tuple[tuple[float, str], ...] | None:
    """Return what a row is sorted by, in which numbers count as numbers."""
    if key == "title":
        text = paper.title
    elif key == "year":
        text = str(paper.year) if paper.year is not None else ""
    else:
        cell = grid.cell(paper.id, key)
        text = cell.text if cell and cell.stated else ""
    pieces = re.findall(r"\d+(?:\.\d+)?|[^\d]+", text.casefold())
    return tuple((float(piece), "") if piece[0].isdecimal() else (float("inf"), piece) for piece in pieces) or None


def _tidy(grid: Comparison) -> Comparison:
    """Drop the cells of rows and columns that are gone, and the questions that were open."""
    rows = {paper.id for paper in grid.papers}
    cells = tuple(cell for cell in grid.cells if cell.paper_id in rows and cell.aspect in grid.aspects)
    return replace(grid, cells=cells, choices=(), unknown=())


def undo(grids: Sequence[tuple[bool, Comparison]]) -> Comparison | None:
    """Return the grid before the last change that was not taken back; None when there is none.

    ``grids`` are those shown so far, each with whether it was shown to take a change back.
    """
    kept: list[Comparison] = []
    for undone, grid in grids:
        if undone and len(kept) > 1:
            kept.pop()
        elif not kept or grid != kept[-1]:
            kept.append(grid)
    return kept[-2] if len(kept) > 1 else None
