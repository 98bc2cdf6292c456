"""The tab that keeps the papers: searched and filtered, a page at a time, added, removed, and pinned to the chat.

Knows Gradio and the library; knows nothing of the chat but the pin: the papers it may use, as a filter written down.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from operator import add
from types import SimpleNamespace
from typing import Any, TypeVar

from chatbot.errors import ChatbotError
from chatbot.filters import EXAMPLE
from chatbot.ingest import Removed
from chatbot.pipeline import PaperChatbot
from chatbot.ui.adding import add_papers, tell_busy
from chatbot.ui.answers import show_line
from chatbot.ui.shelf import count_pages, format_shelf, format_values, name_papers, read_wanted

_HELP = f"As in: {EXAMPLE}"
Result = TypeVar("Result")


def build_library(bot: PaperChatbot, tab: Any, pin: Any, read_only: bool = False) -> Any:
    """Fill ``tab``, and return what changes whenever papers are added or removed here; ``pin`` is set on demand.

    With ``read_only`` the page has nothing with which to add or remove any.
    """
    import gradio as gr

    parts = _lay_out()
    own = _Handlers(bot)
    listing = [parts.table, parts.found, parts.before, parts.after, parts.place]
    search = [parts.text, parts.filter]
    shown = [*search, parts.place, parts.chosen]
    gr.on(
        [parts.text.change, parts.filter.change],
        lambda text, wanted, chosen: own.show(text, wanted, 0, chosen),
        [*search, parts.chosen],
        listing,
        trigger_mode="always_last",
        show_progress="hidden",
    )
    gr.on(
        [tab.select, parts.changed.change, parts.redraw.change],
        lambda *now: (*own.show(*now), format_values(bot.library.list())),
        shown,
        [*listing, parts.values],
        trigger_mode="always_last",
        show_progress="hidden",
    )
    for button, step in ((parts.before, -1), (parts.after, 1)):
        button.click(partial(add, step), parts.place, parts.place, show_progress="hidden").then(
            own.show, shown, listing, show_progress="hidden"
        )
    parts.ticked.change(own.choose, [parts.ticked, parts.chosen], parts.chosen, show_progress="hidden")
    parts.chosen.change(own.offer, parts.chosen, [parts.pin_chosen, parts.clear], show_progress="hidden")
    parts.clear.click(lambda drawn: ((), drawn + 1), parts.redraw, [parts.chosen, parts.redraw], show_progress="hidden")
    parts.pin_chosen.click(own.pin_chosen, parts.chosen, pin, show_progress="hidden")
    parts.pin_found.click(own.pin_found, search, pin, show_progress="hidden")
    if not read_only:
        _let_remove(parts, own)
        _let_add(parts, own, bool(len(bot)))
    return parts.changed


def _lay_out() -> SimpleNamespace:
    import gradio as gr

    parts = SimpleNamespace(chosen=gr.State(()), place=gr.State(0), removed=gr.State(()))
    parts.changed, parts.redraw = gr.State(""), gr.State(0)
    parts.ticked = gr.Textbox(visible="hidden", elem_id="ticked")
    with gr.Row() as parts.room, gr.Column(scale=3, min_width=340):
        with gr.Row():
            parts.text = gr.Textbox(
                "",
                label="Search",
                info="Titles, authors, venues, years.",
                min_width=240,
                elem_id="look-for",
            )
            parts.filter = gr.Textbox("", label="Filter", info=_HELP, min_width=240, elem_id="filter")
        parts.values = gr.HTML(elem_id="values")
        parts.found = gr.HTML(elem_id="found")
        with gr.Row(elem_id="acts") as parts.acts:
            parts.pin_found = gr.Button("Pin all found", size="sm", min_width=80)
            parts.pin_chosen = gr.Button("Pin selected", size="sm", min_width=80, visible=False)
            parts.clear = gr.Button("Select none", size="sm", min_width=80, visible=False)
        parts.table = gr.HTML(elem_id="shelf")
        with gr.Row():
            parts.before = gr.Button("Previous page", size="sm", min_width=80, interactive=False)
            parts.after = gr.Button("Next page", size="sm", min_width=80, interactive=False)
    return parts


def _let_remove(parts: SimpleNamespace, own: "_Handlers") -> None:
    import gradio as gr

    with parts.acts:
        remove = gr.Button("Remove selected", size="sm", min_width=80, visible=False)
        undo = gr.Button("Undo", size="sm", min_width=80, visible=False)
    parts.chosen.change(own.offer_removal, parts.chosen, remove, show_progress="hidden")
    remove.click(own.remove, parts.chosen, [parts.chosen, parts.removed, undo, parts.changed])
    undo.click(own.restore, parts.removed, [parts.removed, undo, parts.changed])


def _let_add(parts: SimpleNamespace, own: "_Handlers", filled: bool) -> None:
    import gradio as gr

    with parts.room, gr.Column(scale=2, min_width=340):
        gr.Markdown("## Add papers")
        pasted = gr.Textbox(
            "",
            label="Paste or name",
            info="BibTeX, RIS, JSON lines or a page of papers; or a name a line: arxiv:2410.12345, hf:2024-10-21.",
            lines=5,
            max_lines=12,
            elem_id="pasted",
        )
        files = gr.File(label="Files", file_count="multiple", height=140, elem_id="files")
        button = gr.Button("Add", variant="primary", size="sm")
        said = gr.HTML("" if filled else "<p>There are no papers yet.</p>", elem_id="added", min_height=60)
    progress_bar = gr.Progress()  # Gradio finds it among the defaults of what it calls

    def add(text: str, dropped: list[str] | None, progress: Any = progress_bar) -> tuple[Any, ...]:
        def tell(done: int, total: int | None) -> None:
            progress((done, total), desc="Adding papers", unit="papers")

        return own.add(text, dropped or [], tell)

    button.click(add, [pasted, files], [said, pasted, files, parts.changed], show_progress_on=said)


class _Handlers:
    """What happens on the events of the tab; a known error becomes one line on the page."""

    def __init__(self, bot: PaperChatbot) -> None:
        self._bot = bot

    def show(self, text: str, filter: str, place: int, chosen: Sequence[str]) -> tuple[Any, ...]:
        """Return the page of the table at ``place``, or the nearest that there is, and what leads to the others."""
        import gradio as gr

        try:
            listed = self._bot.library.list(read_wanted(text, filter))
        except ChatbotError as error:
            return gr.skip(), f"<p class='note'>⚠️ {show_line(str(error))}</p>", gr.skip(), gr.skip(), gr.skip()
        pages = count_pages(len(listed))
        place = min(max(place, 0), pages - 1)
        where = f" · page {place + 1} of {pages}" if pages > 1 else ""
        return (
            format_shelf(listed, place, set(chosen)),
            f"<p class='note' role='status'>{len(listed)} of {len(self._bot)} papers{where}</p>",
            gr.Button(interactive=place > 0),
            gr.Button(interactive=place + 1 < pages),
            place,
        )

    def choose(self, ticked: str, chosen: Sequence[str]) -> tuple[str, ...]:
        """Return the papers chosen on all pages, now that some ``ticked`` of those ``shown`` are."""
        page = json.loads(ticked)
        return tuple(dict.fromkeys([*(key for key in chosen if key not in set(page["shown"])), *page["ticked"]]))

    def offer(self, chosen: Sequence[str]) -> tuple[Any, ...]:
        """Return what can be done with the papers ``chosen``."""
        import gradio as gr

        count, some = len(chosen), bool(chosen)
        return (
            gr.Button(f"Pin selected ({count})", visible=some),
            gr.Button(visible=some),
        )

    def offer_removal(self, chosen: Sequence[str]) -> Any:
        """Return the button that removes the papers ``chosen``."""
        import gradio as gr

        return gr.Button(f"Remove selected ({len(chosen)})", visible=bool(chosen))

    def remove(self, chosen: Sequence[str]) -> tuple[Any, ...]:
        """Remove the papers ``chosen``, and offer to undo it."""
        import gradio as gr

        removed = self._try(lambda: self._bot.library.remove(chosen))
        return (), removed, gr.Button(f"Undo: bring {_count(len(removed))} back", visible=True), self._state()

    def restore(self, removed: Removed) -> tuple[Any, ...]:
        """Bring the papers back that were removed last."""
        import gradio as gr

        self._try(lambda: self._bot.library.restore(removed))
        return (), gr.Button(visible=False), self._state()

    def add(self, text: str, files: Sequence[str], tell: Callable[[int, int | None], None]) -> tuple[Any, ...]:
        """Add papers; what could be used is taken out of the form."""
        import gradio as gr

        try:
            lines = add_papers(self._bot, text, files, tell)
        except ChatbotError as error:
            # Sources that were read before the one that failed stay in the index.
            return f"<p role='alert'>⚠️ {show_line(tell_busy(error))}</p>", gr.skip(), gr.skip(), self._state()
        said = "".join(f"<p>{show_line(line)}</p>" for line in lines)
        return f"<div role='status'>{said}</div>", "", None, self._state()

    def pin_chosen(self, chosen: Sequence[str]) -> str:
        """Return the pin that limits the chat to the papers ``chosen``."""
        return self._pin(str(name_papers(chosen))) if chosen else ""

    def pin_found(self, text: str, filter: str) -> str:
        """Return the pin that limits the chat to what is found; none when that is everything."""
        return self._pin(str(self._try(lambda: read_wanted(text, filter)) or ""))

    def _pin(self, pin: str) -> str:
        import gradio as gr

        count = self._try(lambda: len(self._bot.within(pin).scope()))
        gr.Info(f"The chat now uses {count} of {_count(len(self._bot))}.", duration=4)
        return pin

    def _try(self, work: Callable[[], Result]) -> Result:
        import gradio as gr

        try:
            return work()
        except ChatbotError as error:
            raise gr.Error(tell_busy(error), print_exception=False) from error

    def _state(self) -> str:
        self._bot.index.refresh()
        return f"{self._bot.index.manifest.generation}"


def _count(papers: int) -> str:
    return f"{papers} paper{'' if papers == 1 else 's'}"
