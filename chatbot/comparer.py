"""Answer the turns that ask for a grid or edit one: papers are found, cells filled and checked, and summed up.

Joins the reader of requests, retrieval, roles, the model and the checker; knows nothing of storage or screens.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from chatbot import answerable, extract, roles
from chatbot.answering import Answerer, Outcome
from chatbot.answers import EXTRACTIVE, Usage
from chatbot.claims import Passage
from chatbot.comparing import edits
from chatbot.comparing.cells import SURE, SURE_LISTED, fill_cell, fill_free_cell, make_cell, question_of
from chatbot.comparing.edit_requests import asks_undo, read_edit
from chatbot.comparing.naming import find_named, keep_about, pick_named, rows_called
from chatbot.comparing.phrases import canonical_aspect
from chatbot.comparing.replies import format_reply
from chatbot.comparing.requests import Request, asks_to_compare, read_choice, read_comparison
from chatbot.comparing.summary import MOST_SENTENCES, Point, sum_up
from chatbot.comparison import ASPECTS, Cell, Choice, Comparison, TableFormat
from chatbot.conversation import Turn, last_told, latest_told
from chatbot.errors import ModelError
from chatbot.questions import is_coined, read_question
from chatbot.reader import Reader
from chatbot.records import Paper

CANDIDATES = 30  # papers among which a name is looked for
MOST_PAPERS = 12
MOST_COLUMNS = 12  # of whoever names them one by one
MOST_HINT_WORDS = 10  # of an answer to "which paper is meant?"; what is longer asks something else
_IS_QUESTION = re.compile(r"\W*(?:what|how|which|why|where|when|who|does|do|is|are)\b", re.I)
_ASKS_MORE = re.compile(r"\b(?:what|how|which|why|where|who|does|do)\b", re.I)


@dataclass(frozen=True, slots=True)
class Plan:
    """The grid that a turn asks for, its cells not yet filled, and how to show it.

    ``topic`` is what its papers were chosen for; ``asked`` is a question to put to every row.
    """

    grid: Comparison
    topic: str = ""
    form: TableFormat = "markdown"
    asked: str = ""


class Comparer:
    """Makes and changes grids over the papers that ``reader`` finds, with the model of ``answerer`` if it has one."""

    def __init__(self, reader: Reader, answerer: Answerer) -> None:
        self._reader, self._answerer = reader, answerer

    def plan(self, text: str, turns: Sequence[Turn]) -> Plan | None:
        """Return the grid that ``text`` asks for after ``turns``, None when it is an ordinary question."""
        grid = next((turn.grid for turn in reversed(turns) if turn.grid), None)
        if grid and grid.choices and (chosen := self._choose(text, grid)):
            return Plan(chosen)
        if grid and asks_undo(text):
            return Plan(edits.undo([(asks_undo(turn.question), turn.grid) for turn in turns if turn.grid]) or grid)
        if not grid and not asks_to_compare(text):
            return None
        candidates = self._candidates(text)
        known = _names_in(text, [*candidates, *(grid.papers if grid else ())])
        asked = read_comparison(text, known)
        if grid and not (asked and asked.plain and len(asked.names) > 1):
            before = turns[-1].question if turns else ""
            edit = read_edit(text, known, grid.aspects, before)
            of_rows = edit and (edit.action != "which" or turns[-1].grid)  # or of all that is indexed
            if edit and of_rows and (plan := self._edit(grid, edit, text, candidates)):
                return plan
        return self._start(asked, text, turns, grid, candidates) if asked else None

    def compare(self, names: Sequence[str], aspects: Sequence[str], cells: Sequence[Cell] = ()) -> Plan:
        """Return the grid of the papers called ``names``, or of those about a topic when that is the only name.

        ``cells`` were filled earlier and stay.
        """
        columns = tuple(dict.fromkeys(canonical_aspect(aspect) for aspect in aspects))
        asked = read_comparison(f"Compare {names[0]}") if len(names) == 1 else None
        if asked and asked.topic:
            papers = self._find_about(asked.topic)
            return Plan(edits.add_papers(Comparison((), columns or ASPECTS), papers), topic=asked.topic)
        return Plan(self._resolve(Comparison((), columns or ASPECTS, tuple(cells)), names, ()))

    def answer(self, plan: Plan, use_model: bool = True) -> Iterator[tuple[Outcome, Comparison]]:
        """Yield the answer that shows the grid of ``plan``; with a model it grows by rows, and the last is whole."""
        if plan.asked:
            asked, papers = plan.asked, plan.grid.papers
            default = asked in ASPECTS
            listed = self._fill_default([asked], papers) if default else self._fill_free(asked, papers, SURE_LISTED)
            yield Outcome(format_reply(plan.grid, (), listed=listed), EXTRACTIVE), plan.grid
            return
        grid = self._fill(plan.grid)
        try:
            if use_model and self._answerer.is_ready():
                yield from self._write(plan, grid)
                return
            notice = ""
        except ModelError as error:
            notice = f"The grid is in the papers' own words, because {error}."
        yield Outcome(format_reply(grid, self._sum_up(plan, grid), plan.topic, plan.form), EXTRACTIVE, notice), grid

    def _write(self, plan: Plan, grid: Comparison) -> Iterator[tuple[Outcome, Comparison]]:
        """Yield ``grid`` with its rows written by the model one after the other. Raises ModelError before the first."""
        spent, notice, model = list[Usage](), "", self._answerer.model
        points: Sequence[Point] = ()
        there = {(cell.paper_id, cell.aspect) for cell in plan.grid.cells}
        try:
            for latest in self._write_rows(grid, there, spent):
                grid = latest
                yield Outcome(format_reply(grid, (), plan.topic, plan.form), model), grid
            if spent and plan.form == "markdown":
                points = self._write_summary(grid, spent)
        except ModelError as error:
            if not spent:
                raise
            notice = f"The model broke off, so the rest is in the papers' own words: {error}."
        asked = [cell for cell in grid.cells if (cell.paper_id, cell.aspect) not in there]
        kept = sum(cell.model == EXTRACTIVE and cell.stated for cell in asked)
        notice = notice or (f"{kept} cells are quotations: the model gave none that passed the check." if kept else "")
        points = points or self._sum_up(plan, grid)
        usage = sum(spent[1:], spent[0]) if spent else None
        yield Outcome(format_reply(grid, points, plan.topic, plan.form), model, notice, usage), grid

    def _write_rows(
        self, grid: Comparison, there: Collection[tuple[str, str]], spent: list[Usage]
    ) -> Iterator[Comparison]:
        """Yield ``grid`` each time the model has written the cells of a row that were not ``there`` before."""
        spans = self._reader.spans(grid.papers)
        for paper in grid.papers:
            passage = Passage(1, paper, tuple(spans.get(paper.id, ())))
            own = [cell for cell in grid.cells if cell.paper_id == paper.id and (paper.id, cell.aspect) not in there]
            if own and passage.spans:
                row = self._answerer.fill_row(passage, {cell.aspect: cell for cell in own}, spent)
                written = {(cell.paper_id, cell.aspect): cell for cell in row}
                grid = replace(grid, cells=tuple(written.get((c.paper_id, c.aspect), c) for c in grid.cells))
                yield grid

    def _write_summary(self, grid: Comparison, spent: list[Usage]) -> list[Point]:
        names = " and ".join(paper.name for paper in grid.papers)
        question = read_question(f"Compare {names}: what do they share and where do they differ?")
        written = self._answerer.sum_up(question, list(self._reader.match(question, grid.papers).values()))
        spent.append(written.usage)
        shown = [found for found in written.shown if found.verdict == "supported"]
        return [Point(found.claim.text, found.sources) for found in shown[:MOST_SENTENCES]]

    def _sum_up(self, plan: Plan, grid: Comparison) -> list[Point]:
        return sum_up(grid, self._reader.spans(grid.papers)) if plan.form == "markdown" else []

    def _start(
        self, asked: Request, text: str, turns: Sequence[Turn], grid: Comparison | None, candidates: Sequence[Paper]
    ) -> Plan | None:
        """Return the plan of a new grid; None when too little of what is asked names papers."""
        if grid and asked.aspects and not asked.names and not asked.topic:
            return Plan(edits.set_columns(grid, asked.aspects))
        empty = Comparison((), asked.aspects or ASPECTS)
        if asked.topic:
            papers = self._find_about(asked.topic)
            return Plan(edits.add_papers(empty, papers), asked.topic, asked.form) if len(papers) > 1 else None
        told, latest = last_told(turns), latest_told(turns)
        names = [name if (at := read_choice(name, len(told))) is None else told[at].title for name in asked.names]
        resolved = self._resolve(edits.add_papers(empty, asked.earlier(told, latest)), names, candidates)
        if len(resolved.papers) + len(resolved.choices) < 2:
            return None
        # In "compare how A and B handle noise" not all pieces are names: that is a question, not a grid.
        loose = [name for name in resolved.unknown if not is_coined(name)]
        if _IS_QUESTION.match(
            text
        ):  # nor are there several papers to choose from in "how does A treat old or new data"
            loose += [choice.name for choice in resolved.choices]
        if loose and (not asked.plain or len(loose) > 1 or _ASKS_MORE.search(text)):
            return None
        return Plan(resolved, form=asked.form)

    def _edit(self, grid: Comparison, edit: Request, text: str, candidates: Sequence[Paper]) -> Plan | None:
        match edit.action:
            case "set columns":
                return Plan(edits.set_columns(grid, edit.aspects)) if edit.aspects else None
            case "sort":
                return Plan(edits.sort_papers(grid, edit.key, edit.backwards))
            case "export":
                return Plan(replace(grid, choices=(), unknown=()), form=edit.form)
            case "which":
                asked = "code" if "link" in read_question(text).wants else text
                return Plan(replace(grid, choices=(), unknown=()), asked=asked)
            case "add papers":
                resolved = self._resolve(replace(grid, choices=(), unknown=()), edit.names, candidates)
                changed = resolved.papers != grid.papers or resolved.choices or edit.plain
                return Plan(resolved) if changed else None
            case "swap papers":
                old, *new = edit.names
                kept = edits.remove_papers(replace(grid, choices=(), unknown=()), rows_called(old, grid.papers))
                if not new or kept.papers == grid.papers:
                    return None
                swapped = self._resolve(kept, new, candidates)
                found = swapped.choices or swapped.papers != kept.papers
                return Plan(swapped if found else replace(grid, choices=(), unknown=swapped.unknown))
            case "remove papers" | "keep papers":
                meant = [paper for name in edit.names for paper in rows_called(name, grid.papers)]
                change = edits.keep_papers if edit.action == "keep papers" else edits.remove_papers
                if not meant and edit.plain:
                    return Plan(replace(grid, choices=(), unknown=edit.names))
                return Plan(change(grid, meant)) if meant else None
        return None

    def _choose(self, text: str, grid: Comparison) -> Comparison | None:
        """Return ``grid`` with the paper that ``text`` picks among those of its first open choice."""
        choice, *others = grid.choices
        picked = read_choice(text, len(choice.papers))
        if picked is not None:
            found = [choice.papers[picked]]
        elif _IS_QUESTION.match(text) or len(text.split()) > MOST_HINT_WORDS:
            return None
        else:
            found = find_named(text, choice.papers) or find_named(text, self._candidates(text))
            found = found or pick_named(text, choice.papers)
        if len(found) != 1:
            return None
        return replace(edits.add_papers(grid, found, choice.at), choices=tuple(others))

    def _resolve(self, grid: Comparison, names: Sequence[str], candidates: Sequence[Paper]) -> Comparison:
        """Return ``grid`` with a row for each name that means one paper; the others are open."""
        choices, unknown = list[Choice](), list[str]()
        for name in names[: 2 * MOST_PAPERS]:
            found = self.find(name, candidates)
            if len(found) == 1:
                grid = edits.add_papers(grid, found)
            elif found:
                choices.append(Choice(name, tuple(found), len(grid.papers)))
            else:
                unknown.append(name)
        return replace(grid, papers=grid.papers[:MOST_PAPERS], choices=tuple(choices), unknown=tuple(unknown))

    def find(self, name: str, others: Sequence[Paper] = ()) -> list[Paper]:
        """Return the papers that ``name`` can mean, among the nearest to it and ``others``; one when it is clear."""
        return find_named(name, self._candidates(name, others))

    def _candidates(self, name: str, others: Sequence[Paper] = ()) -> list[Paper]:
        named = self._reader.papers([name, name.strip().lower().replace(" ", "-")])
        hits, _ = self._reader.search(name, CANDIDATES)
        return list({paper.id: paper for paper in (*named, *(hit.paper for hit in hits), *others)}.values())

    def _find_about(self, topic: str) -> list[Paper]:
        question, _, matches = self._reader.read(f"Which papers are about {topic.replace('-', ' ')}?", CANDIDATES)
        chosen = [match.hit.paper for match in extract.choose_papers(question, matches)]
        return keep_about(topic, chosen)

    def _fill(self, grid: Comparison) -> Comparison:
        """Return ``grid`` with every cell filled without a model; cells that it has stay."""
        there = {(cell.paper_id, cell.aspect): cell for cell in grid.cells}

        def lacking(*aspects: str) -> list[Paper]:
            return [paper for paper in grid.papers if any((paper.id, aspect) not in there for aspect in aspects)]

        default = [aspect for aspect in grid.aspects if aspect in ASPECTS]
        filled = self._fill_default(default, lacking(*default))
        for aspect in (aspect for aspect in grid.aspects if aspect not in ASPECTS):
            filled += self._fill_free(aspect, lacking(aspect), SURE)
        cells = {(cell.paper_id, cell.aspect): cell for cell in filled} | there
        return replace(grid, cells=tuple(cells[paper.id, aspect] for paper in grid.papers for aspect in grid.aspects))

    def _fill_default(self, aspects: Sequence[str], papers: Sequence[Paper]) -> list[Cell]:
        """Return the cells of default columns; each paper is read, and its roles are found, once for all of them."""
        spans = self._reader.spans(papers)
        cells = []
        for paper in papers:
            own = spans.get(paper.id, [])
            likely = roles.find_roles([span.text for span in own], self._reader.sentence_vectors(own))
            cells += [fill_cell(aspect, paper, own, likely) for aspect in aspects]
        return cells

    def _fill_free(self, aspect: str, papers: Sequence[Paper], least: float) -> list[Cell]:
        """Return the cells of a free column, from each paper's answer to it; ``least`` is how sure that must be."""
        question = read_question(question_of(aspect))
        matches = self._reader.match(question, papers)
        cells = []
        for paper in papers:
            if (match := matches.get(paper.id)) is None:
                cells.append(make_cell(paper, aspect, None))
            else:
                confidence = answerable.judge(question, [match], ()).confidence
                cells.append(fill_free_cell(aspect, question, match, confidence, least))
        return cells


def _names_in(text: str, papers: Sequence[Paper]) -> list[str]:
    """Return the titles, ids and names of ``papers`` that stand in ``text``, and the made-up words in it."""
    names = {name for paper in papers for name in (paper.title, paper.title.rstrip(".?!"), paper.id, paper.name)}
    found = [name for name in names if name in text or (len(name.split()) > 1 and name.lower() in text.lower())]
    return [*found, *read_question(text).names]
