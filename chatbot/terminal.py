"""Show answers, comparisons, hits, papers and reports in a terminal.

Knows rich; knows nothing of how any of it was made.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from rich.box import HORIZONTALS
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from chatbot.answers import Answer
from chatbot.comparison import NOT_STATED, Comparison, restore_comparison
from chatbot.explain import Step
from chatbot.markup import flatten_text
from chatbot.records import Hit, IngestReport, Paper, Thread
from chatbot.references import name_identifiers
from chatbot.tables import label_papers

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
_SHOWN_SKIPS = 10
_SHOWN_AUTHORS = 3
_NARROWEST_COLUMN = 18
_Numbers = Mapping[tuple[str, int | None], int]
_TABLE = re.compile(r"^\|.+\|$(?:\n\|.+\|$)*", re.M)


def show_answer(answer: Answer) -> None:
    """Print the answer, then where each quotation stands."""
    if answer.standalone_question != answer.question:
        out.print(Text(f"Searched for: {answer.standalone_question}", style="dim"))
    numbers: _Numbers = {(citation.paper_id, citation.start): citation.number for citation in answer.citations}
    _show_text(answer.answer, answer.comparison, numbers)
    if answer.citations:
        out.print()
    told = set[str]()
    for citation in answer.citations:
        page = f"page {citation.page}, " if citation.page else ""
        place = f"{page}characters {citation.start}–{citation.end}"
        out.print(Padding(Text(f"[{citation.number}] {citation.title} ({place})", style="cyan"), (0, 0, 0, 2)))
        facts = [_list_authors(citation.authors), citation.venue, str(citation.year or "")]
        facts += [*name_identifiers(citation.doi, citation.arxiv_id, citation.url), citation.url]
        if any(facts) and citation.paper_id not in told:
            out.print(Padding(Text(flatten_text(" · ".join(filter(None, facts))), style="dim"), (0, 0, 0, 6)))
        told.add(citation.paper_id)
    for sentence in answer.withheld:
        out.print(Text(f"\n  withheld: {sentence.text} ({sentence.reason})", style="dim"))
    if answer.notice:
        out.print(Text(f"\n{answer.notice}", style="yellow"))
    seconds = answer.timings_ms["total"] / 1000
    out.print(Text(f"\n{answer.status} · {answer.model} · {seconds:.2f} s", style="dim"))


def _show_text(text: str, comparison: Comparison | None, numbers: _Numbers) -> None:
    """Print the text of an answer, with ``comparison`` in the place of the table that it holds."""
    table = _TABLE.search(text) if comparison else None
    if comparison and table:
        before, after = text[: table.start()].strip(), text[table.end() :].strip()
        out.print(Text(_plain(before)), end="\n" if before else "")
        show_cells(comparison, numbers)
        out.print(Text(_plain(after)))
    else:
        out.print(Text(_plain(text)))


def _plain(markdown: str) -> str:
    bare = re.sub(r"(?<!\w)\*+(\S.*?)\*+(?!\w)", r"\1", markdown)  # f*(x) has no emphasis
    return bare.replace("\n- ", "\n• ").replace("&lt;", "<").replace("\u200b", "")


def show_cells(comparison: Comparison, numbers: _Numbers) -> None:
    """Print the grid, or one paper after the other where its columns would be too narrow.

    A cell is followed by its number, found by the paper's id and where the quotation starts.
    """
    narrow = out.width < (len(comparison.aspects) + 1) * _NARROWEST_COLUMN
    (_show_blocks if narrow else _show_grid)(comparison, numbers)


def _show_grid(comparison: Comparison, numbers: _Numbers) -> None:
    table = Table(Column("paper", overflow="fold"), box=HORIZONTALS, show_lines=True, pad_edge=False)
    for aspect in comparison.aspects:
        table.add_column(Text(flatten_text(aspect)), overflow="fold")
    for paper, label in zip(comparison.papers, label_papers(comparison.papers), strict=True):
        table.add_row(
            Text(label, style="bold"), *(_cell(comparison, paper, aspect, numbers) for aspect in comparison.aspects)
        )
    out.print(table)


def _show_blocks(comparison: Comparison, numbers: _Numbers) -> None:
    for paper, label in zip(comparison.papers, label_papers(comparison.papers), strict=True):
        out.print(Text(label, style="bold"))
        for aspect in comparison.aspects:
            text = Text(f"{flatten_text(aspect)}: ", style="cyan") + _cell(comparison, paper, aspect, numbers)
            out.print(Padding(text, (0, 0, 0, 2)))
        out.print()


def _cell(comparison: Comparison, paper: Paper, aspect: str, numbers: _Numbers) -> Text:
    cell = comparison.cell(paper.id, aspect)
    if cell is None or not cell.stated:
        return Text(NOT_STATED, style="dim")
    number = numbers.get((paper.id, cell.start))
    return Text(flatten_text(cell.text)) + Text(f" [{number}]" if number else "", style="cyan")


def show_hits(hits: Sequence[Hit]) -> None:
    """Print a table of papers found."""
    table = Table("", "score", "paper", box=None, pad_edge=False)
    for hit in hits:
        table.add_row(str(hit.rank), f"{hit.score:.2f}", _describe(hit.paper))
    out.print(table if hits else "No paper found.")


def show_steps(steps: Sequence[Step]) -> None:
    """Print a table of what became of each paper found for a question."""
    table = Table("", "meaning", "words", "both", "paper", "", box=None, pad_edge=False)
    for step in steps:
        ranks = [str(rank or "–") for rank in (step.ranks.dense, step.ranks.lexical, step.ranks.fused)]
        table.add_row(str(step.rank), *ranks, Text(step.title), step.fate)
    out.print()
    out.print(table if steps else "Nothing was searched for.")


def show_papers(papers: Sequence[Paper]) -> None:
    """Print a table of indexed papers."""
    table = Table("id", "paper", box=None, pad_edge=False)
    for paper in papers:
        table.add_row(Text(paper.id, style="dim", overflow="ellipsis", no_wrap=True), _describe(paper))
    out.print(table)


def _list_authors(authors: Sequence[str]) -> str:
    return ", ".join([*authors[:_SHOWN_AUTHORS], *(["et al."] if len(authors) > _SHOWN_AUTHORS else [])])


def _describe(paper: Paper) -> str:
    details = ", ".join(filter(None, [_list_authors(paper.authors), paper.venue, str(paper.year or "")]))
    return escape(paper.title) + (f" [dim]({escape(details)})[/dim]" if details else "")


def show_threads(threads: Sequence[Thread]) -> None:
    """Print a table of stored conversations."""
    table = Table("name", "questions", "last used", "id", box=None, pad_edge=False)
    for thread in threads:
        last = thread.updated.astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(Text(thread.name), str(thread.questions), last, Text(thread.id, style="dim"))
    out.print(table if threads else "No conversation found.")


def show_thread(thread: Thread, answers: Sequence[Mapping[str, Any]]) -> None:
    """Print a stored conversation: each question, its answer, and the titles it cites."""
    out.print(Text(thread.name, style="bold"))
    for answer in answers:
        out.print(Text(f"\n> {answer['question']}", style="bold"))
        numbers = {(cited["paper_id"], cited["start"]): cited["number"] for cited in answer["citations"]}
        stored = answer.get("comparison")
        _show_text(answer["answer"], _restore(stored) if stored else None, numbers)
        for citation in answer["citations"]:
            out.print(Padding(Text(f"[{citation['number']}] {citation['title']}", style="cyan"), (0, 0, 0, 2)))


def _restore(stored: Mapping[str, Any]) -> Comparison:
    """Return a stored grid with the papers as it names them, whether or not they are still indexed."""
    titles = {paper["paper_id"]: paper["title"] for paper in stored["papers"]}
    return restore_comparison(stored, lambda ids: tuple(Paper(key, titles.get(key, key), "") for key in ids))


def show_report(report: IngestReport, total: int, index: str) -> None:
    """Print what an ingest did, in one line, after the reasons for what it skipped."""
    for skipped in report.skipped[:_SHOWN_SKIPS]:
        err.print(Text(f"skipped {skipped.where}: {skipped.reason}", style="yellow"), soft_wrap=True)
    if len(report.skipped) > _SHOWN_SKIPS:
        err.print(Text(f"… and {len(report.skipped) - _SHOWN_SKIPS} more", style="yellow"))
    listed = f"; what failed is listed in {report.report_file}" if report.report_file else ""
    out.print(f"{report.counts}; {total} papers in {index}{listed}", soft_wrap=True, markup=False)


def show_error(message: str) -> None:
    """Print an error on one line."""
    err.print(Text("error: ", style="bold red") + Text(" ".join(message.split())), soft_wrap=True)


@contextmanager
def progress_bar(what: str, count: Callable[..., int | None] | None = None) -> Iterator["Counter"]:
    """Show a bar of papers on standard error while the block runs, with their rate.

    The time left is shown as soon as ``count``, called beside the block, has returned how many there will be; its
    argument ``stopped`` is an event that is set when the block ends.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    stopped = threading.Event()
    with Progress(*columns, console=err, transient=True) as bar:
        counter = Counter(bar, what)
        if count:
            threading.Thread(target=_count, args=(counter, count, stopped), daemon=True).start()
        try:
            yield counter
        finally:
            stopped.set()


def _count(counter: "Counter", count: Callable[..., int | None], stopped: threading.Event) -> None:
    with suppress(Exception):  # which the work itself will meet, and tell
        counter.expect(count(stopped=stopped))


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} a second" if task.speed else "", style="progress.data.speed")


class Counter:
    """A callable that moves a bar on by a number of papers."""

    def __init__(self, bar: Progress, what: str) -> None:
        self._bar, self._task = bar, bar.add_task(what, total=None)

    def expect(self, total: int | None) -> None:
        """Show that ``total`` are to come, when that is known."""
        self._bar.update(self._task, total=total)

    def __call__(self, count: int) -> None:
        """Move on by ``count``."""
        self._bar.advance(self._task, count)
