"""Score grids against hand-written ones: rows, columns, open names, and each cell's quotation.

Knows the conversations of ``comparisons.jsonl``, the grids of the question set, and answers; knows nothing of how
grids are made.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chatbot import PaperChatbot
from chatbot.answers import Answer
from chatbot.comparison import Comparison
from chatbot.conversation import Turn
from evals.jsonl import read_jsonl
from evals.questions import GoldCell, Sample, load_questions, make_cell
from evals.scores import accepts
from evals.statistics import wilson

CASES = Path(__file__).with_name("comparisons.jsonl")


@dataclass(slots=True)
class Rate:
    """How many of how many, with a Wilson interval."""

    right: int = 0
    total: int = 0
    missed: list[str] = field(default_factory=list)

    def add(self, right: bool, what: str = "") -> None:
        """Count one; ``what`` describes it where it is wrong."""
        self.right, self.total = self.right + right, self.total + 1
        if not right:
            self.missed.append(what)

    def __str__(self) -> str:
        """Return rate, counts and 95% interval on one line."""
        if not self.total:
            return "none"
        low, high = wilson(self.right, self.total)
        return f"{self.right / self.total:.2f} ({self.right}/{self.total}, {low:.2f}–{high:.2f})"


MEASURES = (
    "right rows",
    "right columns",
    "asked back",
    "named as unknown",
    "listed right",
    "in the order asked",
    "in the form asked",
    "cell precision",
    "cells found",
    "not-stated accuracy",
)


def score_cases(index: Path, split: str) -> dict[str, Rate]:
    """Return the rate of each of ``MEASURES`` over the cases of ``split``, asked of the papers in ``index``.

    Cell precision is the share of filled cells that quote an accepted sentence; cells found the share of stated ones
    that do; not-stated accuracy the share of those without a statement that are left open.
    """
    rates = {measure: Rate() for measure in MEASURES}
    seed = PaperChatbot(index=index, model="extractive", chroma_url="")
    grids = [sample for sample in load_questions(split=split) if sample.cells]
    for case in [case for case in read_jsonl(CASES) if case["split"] == split] + [_make_case(grid) for grid in grids]:
        if case.get("extra"):
            with tempfile.TemporaryDirectory() as folder:
                _score_case(_add_papers(seed, case["extra"], Path(folder)), case, rates)
        else:
            _score_case(seed, case, rates)
    return rates


def _make_case(grid: Sample) -> dict[str, Any]:
    """Return a grid of the question set as a conversation of one turn."""
    columns = list(dict.fromkeys(cell.aspect for cell in grid.cells))
    expected = {"papers": list(grid.papers), "aspects": columns}
    return {"id": grid.id, "turns": grid.turns, "expect": [expected], "cells": [asdict(cell) for cell in grid.cells]}


def _add_papers(seed: PaperChatbot, extra: Sequence[Mapping[str, Any]], folder: Path) -> PaperChatbot:
    """Return a chatbot over the papers of ``seed`` and ``extra``, which replace those of the same id."""
    papers = {paper.id: asdict(paper) for paper in seed.papers()} | {paper["id"]: dict(paper) for paper in extra}
    source = folder / "papers.jsonl"
    source.write_text("\n".join(map(json.dumps, papers.values())), encoding="utf-8")
    bot = PaperChatbot(index=folder / "index", model="extractive", chroma_url="")
    bot.ingest(source)
    return bot


def _score_case(bot: PaperChatbot, case: Mapping[str, Any], rates: Mapping[str, Rate]) -> None:
    turns, answers = list[Turn](), list[Answer]()
    for text, expected in zip(case["turns"], case["expect"], strict=True):
        answer = bot.ask(text, turns)
        turns.append(bot.turn(answer))
        answers.append(answer)
        _score_turn(f"{case['id']} “{text}”", answer, expected, rates)
    for cell in case["cells"]:
        shown = answers[cell["turn"]] if "turn" in cell else _last_with(answers, cell)
        _score_cell(case["id"], shown.comparison if shown else None, make_cell(cell), rates)


def _last_with(answers: Sequence[Answer], cell: Mapping[str, Any]) -> Answer | None:
    """Return the last answer whose grid has the cell."""
    having = (a for a in reversed(answers) if a.comparison and a.comparison.cell(cell["paper"], cell["aspect"]))
    return next(having, None)


def _score_turn(name: str, answer: Answer, expected: Mapping[str, Any], rates: Mapping[str, Rate]) -> None:
    grid = answer.comparison or Comparison((), ())
    rows = [paper.id for paper in grid.papers]
    if "papers" in expected:
        wanted, optional = set(expected["papers"]), set(expected.get("optional", ()))
        rates["right rows"].add(wanted <= set(rows) <= wanted | optional, f"{name}: {rows}")
    if "aspects" in expected:
        rates["right columns"].add(list(grid.aspects) == expected["aspects"], f"{name}: {grid.aspects}")
    if expected.get("asks"):
        rates["asked back"].add(bool(grid.choices), f"{name}: {rows}")
    for unknown in expected.get("unknown", ()):
        no_row = not any(unknown.lower() in paper.title.lower() for paper in grid.papers)
        rates["named as unknown"].add(unknown in answer.answer and no_row, f"{name}: {answer.answer[:80]}")
    if "which" in expected:
        cited = {citation.paper_id for citation in answer.citations}
        rates["listed right"].add(cited == set(expected["which"]), f"{name}: {sorted(cited)}")
    if "order" in expected:
        rates["in the order asked"].add(rows == expected["order"], f"{name}: {rows}")
    if "export" in expected:
        shown = f"```{expected['export']}" in answer.answer or (
            expected["export"] == "markdown" and "| --" in answer.answer
        )
        rates["in the form asked"].add(shown, name)


def _score_cell(name: str, grid: Comparison | None, gold: GoldCell, rates: Mapping[str, Rate]) -> None:
    cell = grid.cell(gold.paper, gold.aspect) if grid else None
    right = cell is not None and accepts(gold, asdict(cell))
    what = f"{name} {gold.paper[:30]} | {gold.aspect}: {cell.quote[:100] if cell else None}"
    if cell and cell.stated:
        rates["cell precision"].add(right, what)
    if not gold.accept:
        rates["not-stated accuracy"].add(cell is not None and not cell.stated, what)
    elif not gold.either:
        rates["cells found"].add(right, what)
