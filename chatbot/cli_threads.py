"""The ``chatbot threads`` command: stored conversations listed, shown, renamed, deleted and exported.

Knows the options; leaves the work to the store and the pipeline, and the showing to ``terminal``. The terminal has
one user, the local one.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.errors import IndexMissing, ThreadMissing
from chatbot.options import IndexOption, JsonOption, print_json

if TYPE_CHECKING:
    from chatbot.pipeline import PaperChatbot
    from chatbot.records import Thread
    from chatbot.threads import ThreadStore

threads = typer.Typer(no_args_is_help=True, help="Stored conversations: chatbot chat --thread NAME makes one.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of a conversation.")]


def register(app: typer.Typer) -> None:
    """Add ``threads`` to the commands of ``app``."""
    app.add_typer(threads, name="threads")


def open_thread(bot: "PaperChatbot", name: str) -> "Thread":
    """Return the local user's thread called ``name``; a new one when there is none."""
    from chatbot.threads import LOCAL_USER

    try:
        return bot.threads.find(LOCAL_USER, name)
    except ThreadMissing:
        return bot.threads.create(LOCAL_USER, name)


@threads.command("list")
def list_threads(
    text: Annotated[str, typer.Argument(help="Only those with this in the name or a question.")] = "",
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the conversations, the last used first."""
    from chatbot import terminal
    from chatbot.threads import LOCAL_USER

    found = _open_store(index).list(LOCAL_USER, text)
    if not as_json:
        terminal.show_threads(found)
        return
    for thread in found:
        times = {"created": thread.created.isoformat(), "updated": thread.updated.isoformat()}
        print_json({"id": thread.id, "name": thread.name, **times, "questions": thread.questions})


@threads.command()
def show(name: NameArgument, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Show a conversation; with --json, its answers as ask --json gives them."""
    from chatbot import terminal
    from chatbot.threads import LOCAL_USER

    store = _open_store(index)
    thread = store.find(LOCAL_USER, name)
    answers = store.answers(LOCAL_USER, thread.id)
    if not as_json:
        terminal.show_thread(thread, answers)
        return
    for answer in answers:
        print_json(answer)


@threads.command()
def rename(
    name: NameArgument,
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it is called from now on.")],
    index: IndexOption = None,
) -> None:
    """Give a conversation another name."""
    from chatbot.threads import LOCAL_USER

    store = _open_store(index)
    store.rename(LOCAL_USER, store.find(LOCAL_USER, name).id, new)


@threads.command()
def delete(name: NameArgument, index: IndexOption = None) -> None:
    """Delete a conversation with all that was said in it."""
    from chatbot import terminal
    from chatbot.threads import LOCAL_USER

    store = _open_store(index)
    thread = store.find(LOCAL_USER, name)
    store.delete(LOCAL_USER, thread.id)
    terminal.out.print(f"deleted “{thread.name}”", markup=False, soft_wrap=True)


@threads.command()
def export(
    name: NameArgument,
    index: IndexOption = None,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Only the BibTeX of the cited papers.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write [standard output].")] = None,
) -> None:
    """Write a conversation down as Markdown, with references and BibTeX."""
    from chatbot.pipeline import PaperChatbot
    from chatbot.threads import LOCAL_USER

    thread = _open_store(index).find(LOCAL_USER, name)
    text = PaperChatbot(index=index).export(LOCAL_USER, thread.id, bibtex=bibtex)
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        print(text)


def _open_store(index: Path | None) -> "ThreadStore":
    from chatbot.settings import load_settings
    from chatbot.threads import ThreadStore

    settings = load_settings(index=index)
    if not settings.index.is_dir():
        raise IndexMissing(f"there is no index in {settings.index}; run: chatbot ingest --index {settings.index}")
    return ThreadStore(settings.threads)
