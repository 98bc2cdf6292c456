"""Bring papers that a reader pasted, dropped or named into the index, and tell what came of it.

Knows the library and the names of services; knows nothing of Gradio.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from chatbot.errors import ChatbotError, IndexBusy, InputError, SourceError
from chatbot.pipeline import PaperChatbot
from chatbot.records import IngestReport
from chatbot.sources import find_service

Progress = Callable[[int, int | None], None]  # papers done, and how many there are where that is known
BUSY = "someone else is adding papers; try again in a moment"
PASTED = "pasted.txt"
_TOLD = 5  # skipped records


def add_papers(bot: PaperChatbot, text: str, files: Sequence[str], progress: Progress) -> list[str]:
    """Ingest ``files`` and ``text``: papers in any format of a source, or a service's name a line.

    Nothing else of ``text`` is taken for a name, so that no other file of the server is read. Returns what to tell: why
    records were skipped, then the counts. Raises ChatbotError; what was added before it stays.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    services = lines if lines and all(map(find_service, lines)) else []
    given = [(Path(file).name, Path(file).read_bytes(), Path(file).name) for file in files]
    if lines and not services:
        given.append((PASTED, text.encode(), "what was pasted"))
    kept = dict[Path, str]()
    try:
        for name, content, told in given:
            kept[bot.library.keep(name, content)] = told
    except ChatbotError:
        _forget(kept)
        raise
    sources: list[str | Path] = [*kept, *services]
    if not sources:
        raise InputError("there is nothing to add; paste papers, name a source or drop a file")
    try:
        total, done = bot.count(*sources), 0

        def count(papers: int) -> None:
            nonlocal done
            done += papers
            progress(done, total)

        report = bot.ingest(*sources, progress=count)
    except IndexBusy as error:
        _forget(kept)
        raise IndexBusy(BUSY) from error
    except SourceError as error:
        if not (isinstance(error.report, IngestReport) and (error.report.added or error.report.updated)):
            _forget(kept)
        raise SourceError(_name(str(error), kept)) from error
    except ChatbotError:
        _forget(kept)
        raise
    skipped = [_name(f"Skipped {each.where}: {each.reason}", kept) for each in report.skipped]
    more = [f"… and {len(skipped) - _TOLD} more skipped"] if len(skipped) > _TOLD else []
    return [*skipped[:_TOLD], *more, f"{report.counts}; {len(bot)} papers in all"]


def tell_busy(error: ChatbotError) -> str:
    """Return the line for ``error``, which came of a change to the papers."""
    return BUSY if isinstance(error, IndexBusy) else str(error)


def _name(text: str, kept: dict[Path, str]) -> str:
    """Return ``text`` with each file called what the reader calls it."""
    for path, name in kept.items():
        text = text.replace(str(path), name)
    return text


def _forget(kept: dict[Path, str]) -> None:
    for path in kept:
        with suppress(OSError):
            path.unlink()
