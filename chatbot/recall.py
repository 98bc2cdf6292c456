"""Take up a conversation: earlier questions become turns, and a follow-up a question that stands by itself.

Joins the reader of papers, the answerers and grids; knows nothing of storage or screens.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chatbot import answerable, extract
from chatbot.answering import Answerer
from chatbot.answers import Draft, Usage
from chatbot.comparer import Comparer
from chatbot.comparison import Comparison, restore_comparison
from chatbot.conversation import Standalone, Turn, make_standalone
from chatbot.questions import clean_question, read_question
from chatbot.reader import Reader
from chatbot.records import Hit, Match, Question
from chatbot.settings import Settings

FARTHEST = -0.5  # what a follow-up with its subject left out fits its paper worse than any other, of at most 2


class Recaller:
    """Reads questions in the light of earlier ones, among the papers that ``reader`` knows."""

    def __init__(self, settings: Settings, reader: Reader, comparer: Comparer, answerer: Answerer) -> None:
        self._settings, self._reader, self._comparer, self._answerer = settings, reader, comparer, answerer

    def recall(self, history: Sequence[str | Turn]) -> list[Turn]:
        """Return ``history`` as turns; of an earlier question alone, the papers are those quoted without a model."""
        turns: list[Turn] = []
        for earlier in history:
            turns.append(earlier if isinstance(earlier, Turn) else self._recall_question(earlier, turns))
        return turns

    def _recall_question(self, text: str, turns: Sequence[Turn]) -> Turn:
        text, draft, grid = self.quote(clean_question(text, self._settings.max_question_chars), turns)
        if grid:
            return Turn(text, grid.papers, grid)
        return Turn(text, self._reader.papers(citation.paper_id for citation in draft.citations))

    def quote(self, text: str, turns: Sequence[Turn]) -> tuple[str, Draft, Comparison | None]:
        """Return the standalone question, what answers it without a model, and the grid when it is one."""
        if plan := self._comparer.plan(text, turns):
            *_, (outcome, grid) = self._comparer.answer(plan, use_model=False)
            return text, outcome.draft, grid
        standalone = self._resolve(text, turns)
        question, _, matches = self.read(standalone)
        chosen = extract.choose_papers(question, matches)
        judgement = answerable.judge(question, chosen, self._reader.unknown_names(question))
        return standalone.text, extract.answer(question, matches, chosen, judgement), None

    def make_standalone(self, question: str, turns: Sequence[Turn], spent: list[Usage] | None = None) -> Standalone:
        """Return ``question`` so that it can be searched for alone; what a model used for it is added to ``spent``."""
        if condensed := self._answerer.condense(question, turns, spent):
            return Standalone(condensed)
        return self._resolve(question, turns)

    def _resolve(self, text: str, turns: Sequence[Turn]) -> Standalone:
        if turns and not turns[-1].papers:  # a refusal, perhaps, to tell of a paper by name
            *earlier, last = turns
            turns = [*earlier, replace(last, papers=self._reader.called_papers(last.question))]
        question = read_question(text)
        found = make_standalone(question, turns, names_other=self._reader.names_a_paper(question))
        if found.otherwise and self._reader.lead(found.otherwise, found.focus) < FARTHEST:
            return Standalone(found.otherwise)
        return found

    def read(self, standalone: Standalone) -> tuple[Question, list[Hit], list[Match]]:
        """Return the question as read, hits and matches; of one that points to nothing known, none."""
        if standalone.among:
            return self._reader.read_among(standalone.text, standalone.among)
        text = "" if standalone.unresolved else standalone.text
        return self._reader.read(text, self._settings.top_k, standalone.focus)

    def restore(self, question: str, cited: Sequence[str], stored: dict[str, Any] | None) -> Turn:
        """Return a stored turn; a grid is as it was, but for papers that are no longer indexed."""
        if stored is None:
            return Turn(question, self._reader.papers(cited))
        grid = restore_comparison(stored, self._reader.papers)
        return Turn(question, grid.papers, grid)
