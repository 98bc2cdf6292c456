"""Answer with a language model when there is one, and from the papers' own words when there is none or it fails.

Joins prompts, model, reader of citations and checker; knows nothing of retrieval, storage or screens.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from chatbot import extract
from chatbot.answers import EXTRACTIVE, Draft, Usage
from chatbot.citations import MOST_CHARS, read_claims
from chatbot.claims import Passage
from chatbot.comparing.rows import fill_row, row_parser
from chatbot.comparison import Cell
from chatbot.conversation import Turn
from chatbot.errors import InputError, ModelError
from chatbot.history import History
from chatbot.models import explain, load_model, resolve_model
from chatbot.prompts import Prompts, load_prompts
from chatbot.records import Judgement, Match, Question
from chatbot.settings import Settings
from chatbot.usage import measure
from chatbot.verify import EmbedWords, Verifier
from chatbot.writing import (
    CHARS_A_TOKEN,
    Written,
    cut_passage,
    format_draft,
    format_passages,
    number_passages,
    write_answer,
)

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

HISTORY_TOKENS = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A draft and how it came about: what wrote it, what went wrong, what it used, which papers did not fit."""

    draft: Draft
    model: str
    notice: str = ""
    usage: Usage | None = None
    cut: tuple[str, ...] = ()


class Answerer:
    """Writes answers with the model of ``settings``; the model is loaded at the first question."""

    def __init__(self, settings: Settings, embed_words: EmbedWords) -> None:
        self._settings = settings
        self.verifier = Verifier(embed_words)
        self.prompts: Prompts = load_prompts(settings.prompts)
        tokens = min(HISTORY_TOKENS, settings.prompt_tokens)
        most_told, most_read = int(tokens * CHARS_A_TOKEN), int(settings.prompt_tokens * CHARS_A_TOKEN)
        self._history = History(most_told, most_read)
        self._loading = Lock()
        self._refused: ModelError | None = None  # what a provider said of the key: it is not asked again

    @cached_property
    def model(self) -> str:
        """Return the model in full, as in ``openai:gpt-5-mini``, or ``extractive``. Raises ModelError, InputError."""
        return resolve_model(self._settings.model, self._settings)

    @property
    def _chat(self) -> "BaseChatModel | None":
        with self._loading:  # two copies of a local model may not fit
            return self._loaded

    @cached_property
    def _loaded(self) -> "BaseChatModel | None":
        return load_model(self.model, self._settings)

    def answer(
        self, question: Question, matches: Sequence[Match], chosen: Sequence[Match], judgement: Judgement
    ) -> Iterator[Outcome]:
        """Yield the answer as it grows; the last one is whole. What was yielded is never taken back.

        When the model fails, at once or half-way, the papers' own words follow with a notice.
        """

        def quote(first: int = 1) -> Draft:
            return extract.answer(question, matches, chosen, judgement, first)

        try:
            # A model is shown abstracts, which seldom tell what records do.
            ready = bool(question.words and matches and not (question.of_record or question.beside)) and self.is_ready()
        except ModelError as error:
            yield self._fall_back(Written(), judgement, error, quote, ())
            return
        if not ready:
            for draft in extract.grow(quote()):
                yield Outcome(draft, EXTRACTIVE)
            return
        passages, cut = number_passages(matches[: self._settings.top_k], self._settings.prompt_tokens)
        written = Written()
        try:
            render, check, revise = self.prompts.render, self.verifier.verify, self._settings.revise
            for latest in write_answer(question, passages, render, self.stream, read_claims, check, revise):
                written = latest
                if written.shown:
                    draft = format_draft(written, judgement.confidence, ended=False)
                    yield Outcome(draft, self.model, cut=cut)
        except ModelError as error:
            self._refused = error if error.kind == "key" else None
            yield self._fall_back(written, judgement, error, quote, cut)
            return
        draft = format_draft(written, judgement.confidence, ended=True)
        if draft.status == "abstained":
            nothing = extract.abstain(question, matches, judgement)
            draft = replace(nothing, withheld=draft.withheld)
        yield Outcome(draft, self.model, _tell_withheld(draft), written.usage, cut)

    def condense(self, question: str, turns: Sequence[Turn], spent: list[Usage] | None = None) -> str | None:
        """Return ``question`` made to stand by itself by the model; None without a model or when it fails.

        What the calls used is added to ``spent``.
        """
        spent = [] if spent is None else spent

        def summarise(summary: str, told: str) -> str:
            return self._complete("summarize", spent, summary=summary or "(none)", history=told)

        try:
            if not turns or not self.is_ready():
                return None
            text = self._complete("condense", spent, history=self._history.tell(turns, summarise), question=question)
        except ModelError:
            return None
        line = " ".join(text.split()).strip('"“”')
        return line if 0 < len(line) <= min(self._settings.max_question_chars, 3 * len(question) + 300) else None

    def stream(self, prompt: str) -> Generator[str | Usage]:
        """Yield the model's answer to ``prompt`` in pieces, then what it used. Raises ModelError.

        Closing the generator ends the model's work.
        """
        counts = None
        try:
            if self._chat is None:
                return
            for chunk in self._chat.stream(prompt):
                counts = getattr(chunk, "usage_metadata", None) or counts
                if text := str(chunk.text):
                    yield text
        except InputError as error:  # the name stands for no model
            raise ModelError(str(error), "load") from error
        except Exception as error:
            raise explain(error, self.model) from error
        yield measure(counts, self.model, self._settings.openai_base_url)

    def _complete(self, name: str, spent: list[Usage], **values: str) -> str:
        """Return the model's whole answer to the prompt ``name``, or the beginning of an endless one."""
        text = ""
        with closing(self.stream(self.prompts.render(name, **values))) as pieces:
            for piece in pieces:
                if isinstance(piece, Usage):
                    spent.append(piece)
                else:
                    text += piece
                if len(text) > MOST_CHARS:
                    break
        return text

    def is_ready(self) -> bool:
        """Tell whether there is a model to ask. Raises ModelError when the one of the settings cannot be had.

        That is so, too, once it has refused the key.
        """
        if self._refused:
            raise self._refused
        return self.model != EXTRACTIVE

    def fill_row(self, passage: Passage, drafts: Mapping[str, Cell], spent: list[Usage]) -> list[Cell]:
        """Return the cells of one paper, written by the model and checked; ``drafts`` are those found without it.

        What the calls used is added to ``spent``. Raises ModelError.
        """
        passage = cut_passage(passage, self._settings.prompt_tokens)
        values = {
            "passages": format_passages([passage]),
            "aspects": "\n".join(f"- {aspect}" for aspect in drafts),
            "form": row_parser().get_format_instructions(),
        }
        return fill_row(
            passage, drafts, lambda: self._complete("grid", spent, **values), self.verifier.verify, self.model
        )

    def sum_up(self, question: Question, matches: Sequence[Match]) -> Written:
        """Return what the model says of all papers of ``matches`` together, checked. Raises ModelError."""
        passages, _ = number_passages(matches, self._settings.prompt_tokens)
        render, check = self.prompts.render, self.verifier.verify
        *_, written = write_answer(question, passages, render, self.stream, read_claims, check, revise=False)
        return written

    def _fall_back(
        self,
        written: Written,
        judgement: Judgement,
        error: ModelError,
        quote: Callable[[int], Draft],
        cut: tuple[str, ...],
    ) -> Outcome:
        """Return what was shown already, followed by the papers' own words."""
        if not written.shown:
            notice = f"Answered in the papers' own words, because {error}."
            return Outcome(quote(1), EXTRACTIVE, notice, cut=cut)
        shown = format_draft(written, judgement.confidence, ended=True)
        rest = quote(len(shown.citations) + 1)
        draft = replace(
            shown,
            status="partial",
            text=f"{shown.text}\n\n{rest.text}",
            sentences=shown.sentences + rest.sentences,
            citations=shown.citations + rest.citations,
        )
        return Outcome(draft, self.model, f"The model broke off; the papers' own words follow: {error}.", None, cut)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one tiny call of a model shows: seconds to the first piece and in all, and what the server can do."""

    first_s: float
    total_s: float
    streams: bool
    counts_usage: bool


def probe_model(answerer: Answerer) -> Probe:
    """Make one tiny call. Raises ModelError."""
    started = time.perf_counter()
    arrivals, usage = list[float](), Usage()
    for piece in answerer.stream("Answer with these three words: ready when needed"):
        if isinstance(piece, Usage):
            usage = piece
        else:
            arrivals.append(time.perf_counter() - started)
    total = time.perf_counter() - started
    return Probe(arrivals[0] if arrivals else total, total, len(arrivals) > 1, usage.output_tokens is not None)


def _tell_withheld(draft: Draft) -> str:
    count = len(draft.withheld)
    if not count:
        return ""
    subject = "1 sentence of the model was" if count == 1 else f"{count} sentences of the model were"
    return f"{subject} withheld, not having passed the check."
