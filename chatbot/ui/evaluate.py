"""The tab that measures: start a run of the question set, open its report, compare two, and draft questions.

Knows Gradio and the runs; knows nothing of the chat, nor of how anything is measured.
"""

from collections.abc import Callable
from html import escape
from types import SimpleNamespace
from typing import Any

from chatbot.errors import ChatbotError
from chatbot.markup import defuse_markdown
from chatbot.ui.runs import NAIVE, Runs

TICK = 2  # seconds between looks at a run under way
NOTHING_OPEN = "<p class='note'>Open the report of a run, or compare it with another.</p>"
_SLOW: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "evaluate"}
_DOWNLOAD = "() => window.chatbotDownload(document.querySelector('#evaluated iframe').srcdoc, 'report', 'html')"


def build_evaluate(runs: Runs, tab: Any) -> None:
    """Fill ``tab``; whoever may open the page may use it."""
    parts = _lay_out()
    progress = [parts.said, parts.start, parts.cancel, parts.timer]
    shown = [*progress, parts.over, parts.runs, parts.other, parts.report, parts.compare, parts.draft]
    chosen = [parts.runs, parts.other]
    tab.select(_telling(lambda *now: _show(runs, *now)), chosen, shown, show_progress="hidden")
    parts.timer.tick(_telling(lambda *now: _tick(runs, *now)), chosen, shown, show_progress="hidden")
    for button, work in ((parts.start, runs.start), (parts.cancel, lambda *given: runs.cancel())):
        button.click(_telling(work, silent=True), [parts.split, parts.model], None, show_progress="hidden").then(
            _telling(lambda *now: _show(runs, *now)), chosen, shown, show_progress="hidden"
        )
    opened = [parts.opened, parts.download]
    parts.report.click(_telling(lambda name: _open(runs, name)), parts.runs, opened, **_SLOW)
    parts.compare.click(_telling(lambda *both: _compare(runs, *both)), [parts.other, parts.runs], opened, **_SLOW)
    parts.download.click(None, None, None, js=_DOWNLOAD)
    parts.draft.click(_telling(lambda: defuse_markdown(runs.draft())), None, parts.drafted, **_SLOW)


def _lay_out() -> SimpleNamespace:
    import gradio as gr

    parts = SimpleNamespace(timer=gr.Timer(TICK, active=False))
    with gr.Row():
        parts.split = gr.Radio([("dev", "dev"), ("test", "test"), ("both", "all")], value="dev", label="Questions")
        parts.model = gr.Radio([("this program", ""), ("the naive one, to beat", NAIVE)], value="", label="Who answers")
        with gr.Column(min_width=160):
            parts.start = gr.Button("Start a run", variant="primary", size="sm")
            parts.cancel = gr.Button("Cancel it", variant="stop", size="sm", visible=False)
    parts.over = gr.Markdown(elem_id="evaluate-over")
    parts.said = gr.Markdown(elem_id="evaluate-said")
    with gr.Row():
        parts.runs = gr.Radio([], label="Runs", elem_id="runs", scale=2, min_width=300)
        with gr.Column(min_width=300):
            parts.report = gr.Button("Open its report", size="sm", interactive=False)
            parts.other = gr.Dropdown([], label="Compare with", min_width=200)
            parts.compare = gr.Button("Show what changed", size="sm", interactive=False)
            parts.draft = gr.Button("Draft questions from feedback", size="sm")
            parts.drafted = gr.Markdown(elem_id="drafted")
    parts.opened = gr.HTML(NOTHING_OPEN, elem_id="evaluated")
    parts.download = gr.Button("Download the report", size="sm", visible=False)
    return parts


def _telling(work: Callable[..., Any], silent: bool = False) -> Callable[..., Any]:
    """Return ``work``, whose known errors become a message on the page; ``silent`` drops what it returns."""
    import gradio as gr

    def handle(*given: Any) -> Any:
        try:
            told = work(*given)
        except ChatbotError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return None if silent else told

    return handle


def _tick(runs: Runs, *now: str | None) -> tuple[Any, ...]:
    """Return only how the run stands while it is under way, so that what is chosen meanwhile stays."""
    import gradio as gr

    return (*_show(runs, *now)[:4], *[gr.skip()] * 6) if runs.running else _show(runs, *now)


def _show(runs: Runs, run: str | None = None, other: str | None = None) -> tuple[Any, ...]:
    import gradio as gr

    running, listed, count = runs.running, runs.all(), runs.marked_down()
    finished = {each.name: each.label for each in listed if each.finished}
    run = run if run in finished else next(iter(finished), None)
    other = other if other in finished else next((name for name in finished if name != run), None)
    over = "the papers of this index" if runs.over_index() else "the seed papers, which the questions are about"
    choices = [(label, name) for name, label in finished.items()]
    cut = "".join(f"- {defuse_markdown(each.label)}\n" for each in listed if not each.finished)
    return (
        defuse_markdown(runs.tell()),
        gr.Button(interactive=not running),
        gr.Button(visible=running),
        gr.Timer(active=running),
        f"A run asks {over}." + (f"\n\nNot finished:\n{cut}" if cut else ""),
        gr.Radio(choices, value=run, label="Runs" if choices else "No run is finished yet"),
        gr.Dropdown(choices, value=other),
        gr.Button(interactive=bool(choices)),
        gr.Button(interactive=len(choices) > 1),
        gr.Button(f"Draft questions from feedback ({count})", interactive=bool(count)),
    )


def _open(runs: Runs, name: str) -> tuple[Any, ...]:
    import gradio as gr

    # The report may use its own script and nothing of this page, by whose policy it is held besides its own.
    frame = f"<iframe title='Report' sandbox='allow-scripts' srcdoc='{escape(runs.report(name))}'></iframe>"
    return frame, gr.Button(visible=True)


def _compare(runs: Runs, before: str, after: str) -> tuple[Any, ...]:
    import gradio as gr

    told = escape(runs.compare(before, after))
    return f"<pre tabindex='0' aria-label='What changed'>{told}</pre>", gr.Button(visible=False)
