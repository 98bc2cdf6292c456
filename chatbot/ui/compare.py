"""The tab that sets papers side by side: which papers and columns, the grid with its sources, and forms to take away.

Knows Gradio, HTML and the pipeline; knows nothing of the chat, which may add papers through a hidden field.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from types import SimpleNamespace
from typing import Any

from chatbot.answers import Answer
from chatbot.comparer import MOST_COLUMNS, MOST_PAPERS
from chatbot.comparison import ASPECTS, NOT_STATED, Comparison, TableFormat
from chatbot.errors import ChatbotError
from chatbot.markup import defuse_markdown, flatten_text
from chatbot.pipeline import PaperChatbot
from chatbot.tables import format_table, label_papers
from chatbot.tools import Watch, call_watched
from chatbot.ui.answers import anchor, disarm, format_record, show_line
from chatbot.ui.sources import NO_SOURCES, format_sources

NO_GRID = "<p class='note'>Choose the papers to compare, or add them from the sources of an answer.</p>"
_PLACE = 0  # the answers of a conversation are at 1 and after
_OFFERED = 50
_FORMS: dict[str, tuple[TableFormat, str]] = {
    "CSV": ("csv", "csv"),
    "Markdown": ("markdown", "md"),
    "LaTeX": ("latex", "tex"),
}
_DOWNLOAD = "(text, suffix) => window.chatbotDownload(text, 'comparison', suffix)"


def build_compare(bot: PaperChatbot, added: Any, watch: Watch) -> None:
    """Fill the tab; the id of a paper that is put in the field ``added`` joins the papers. Grids pass ``watch``."""
    import gradio as gr

    # The rest of many papers is sent when somebody looks for one.
    parts = _lay_out(_offer(bot, "", ()))

    def offer(chosen: list[str], typed: gr.KeyUpData) -> Any:
        return gr.Dropdown(choices=_offer(bot, typed.input_value, chosen))

    def add(paper_id: str, chosen: list[str]) -> tuple[Any, ...]:
        if not paper_id:
            return gr.skip(), gr.skip()
        chosen = list(dict.fromkeys([*chosen, paper_id]))[:MOST_PAPERS]
        return gr.Dropdown(choices=_offer(bot, "", chosen), value=chosen), ""

    def compare(papers: list[str], columns: list[str], made: Comparison | None, request: gr.Request) -> Any:
        return _compare(bot, partial(call_watched, watch, request), papers, columns, made)

    # Every key counts: of keys that are held back, Gradio would send on the first. One at a time, the last one wins.
    parts.papers.key_up(
        offer, parts.papers, parts.papers, trigger_mode="multiple", concurrency_limit=1, show_progress="hidden"
    )
    added.change(add, [added, parts.papers], [parts.papers, added], show_progress="hidden")
    gr.on(
        [parts.papers.change, parts.columns.change],
        compare,
        [parts.papers, parts.columns, parts.made],
        [parts.grid, parts.said, parts.sources, parts.tools, parts.made],
        trigger_mode="always_last",
        show_progress="minimal",
        show_progress_on=parts.grid,
    )
    written = [parts.written, parts.suffix]
    for button, (form, suffix) in zip(parts.forms, _FORMS.values(), strict=True):
        write = _writer(form, suffix)
        button.click(write, parts.made, written, show_progress="hidden").success(None, written, js=_DOWNLOAD)


def _lay_out(first: Sequence[tuple[str, str]]) -> SimpleNamespace:
    import gradio as gr

    parts = SimpleNamespace(made=gr.State(None))
    with gr.Row():
        parts.papers = gr.Dropdown(
            first,
            value=[],
            multiselect=True,
            max_choices=MOST_PAPERS,
            label="Papers",
            info="Type a part of a title, and choose.",
            min_width=300,
            elem_id="compared",
        )
        parts.columns = gr.Dropdown(
            list(ASPECTS),
            value=list(ASPECTS),
            multiselect=True,
            max_choices=MOST_COLUMNS,
            allow_custom_value=True,
            label="Columns",
            info="Any words will do, as in: does it need a GPU?",
            min_width=300,
            elem_id="columns",
        )
    with gr.Row():
        with gr.Column(scale=3, min_width=340):
            parts.grid = gr.HTML(NO_GRID, elem_id="grid")
            parts.said = gr.Markdown(elem_id="grid-notes")
            with gr.Row(visible=False) as parts.tools:
                parts.forms = [gr.Button(f"Download {name}", size="sm", min_width=80) for name in _FORMS]
        with gr.Column(scale=2, min_width=340):
            gr.Markdown("## Sources")
            parts.sources = gr.HTML(NO_SOURCES, elem_id="grid-sources", elem_classes="sources")
    parts.written, parts.suffix = gr.Textbox(visible=False), gr.Textbox(visible=False)
    return parts


def _offer(bot: PaperChatbot, text: str, chosen: Sequence[str]) -> list[tuple[str, str]]:
    """Return the ``chosen`` papers and some whose title holds ``text``, as pairs of title and id."""
    papers, wanted, kept = [each.paper for each in bot.library.list()], text.casefold(), set(chosen)
    found = islice((paper for paper in papers if wanted in paper.title.casefold()), _OFFERED)
    offered = {paper.id: paper for paper in (*(paper for paper in papers if paper.id in kept), *found)}
    return [
        (disarm(flatten_text(offered[key].title)), key) for key in dict.fromkeys([*chosen, *offered]) if key in offered
    ]


def _compare(
    bot: PaperChatbot,
    pass_watch: Callable[[str, Callable[[], Answer]], Answer],
    papers: Sequence[str],
    columns: Sequence[str],
    made: Comparison | None,
) -> Any:
    import gradio as gr

    if not papers or not columns:
        return NO_GRID, "", NO_SOURCES, gr.Row(visible=False), made
    try:
        work = partial(bot.compare, papers, columns[:MOST_COLUMNS], made)
        answer = pass_watch(f"Compare {', '.join(papers)}", work)
    except ChatbotError as error:
        return gr.skip(), f"⚠️ {defuse_markdown(str(error))}", gr.skip(), gr.skip(), gr.skip()
    record = answer.to_dict()
    shown = format_record(record | {"standalone_question": record["question"]}, whole=False, place=_PLACE)
    said = [line for line in shown.splitlines() if not line.startswith("|")]
    if answer.notice:
        said += ["", f"*{defuse_markdown(answer.notice)}*"]
    sources = format_sources(_PLACE, record, bot.paper)
    return format_grid(answer), "\n".join(said).strip(), sources, gr.Row(visible=True), answer.comparison


def format_grid(answer: Answer) -> str:
    """Return the HTML of the grid of ``answer``: what a cell quotes is shown on hover, and a click opens its source."""
    grid = answer.comparison
    if grid is None or not grid.papers:
        return NO_GRID
    numbers = {(each.paper_id, each.start, each.end): each.number for each in answer.citations}
    heads = "".join(f"<th scope='col'>{show_line(head)}</th>" for head in ("paper", *grid.aspects))
    rows = []
    for paper, label in zip(grid.papers, label_papers(grid.papers), strict=True):
        cells = [f"<th scope='row'><bdi>{show_line(label)}</bdi></th>"]
        for aspect in grid.aspects:
            cell = grid.cell(paper.id, aspect)
            if cell is None or not cell.stated:
                cells.append(f"<td class='note'>{NOT_STATED}</td>")
                continue
            number = numbers.get((paper.id, cell.start or 0, cell.end or 0))
            link = f"<a href='#{anchor(_PLACE, number)}' aria-label='Source {number}'>[{number}]</a>" if number else ""
            cells.append(f"<td title='{show_line(cell.quote)}'><bdi>{show_line(cell.text)}</bdi> {link}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Comparison'>"
        f"<table><tr>{heads}</tr>{''.join(rows)}</table></div>"
    )


def _writer(form: TableFormat, suffix: str) -> Any:
    def write(made: Comparison | None) -> tuple[str, str]:
        return format_table(made, form) if made else "", suffix

    return write
