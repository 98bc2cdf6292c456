"""The ``chatbot papers`` command: the indexed papers listed, or removed.

Knows options and what has to be confirmed; leaves the work to the pipeline and the showing to ``terminal``.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.options import EmbeddingOption, FilterOption, IndexOption, JsonOption, print_json

if TYPE_CHECKING:
    from chatbot.pipeline import PaperChatbot


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(papers)


def papers(
    text: Annotated[
        str | None, typer.Argument(help="Only papers with these words in title, authors or venue, or of this year.")
    ] = None,
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    filter: FilterOption = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="ID", help="Remove the paper with this id; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the indexed papers, or remove some; ingesting a source that has them brings them back."""
    from dataclasses import asdict

    from chatbot import terminal
    from chatbot.filters import parse_words
    from chatbot.pipeline import PaperChatbot

    bot = PaperChatbot(index=index, embedding=embedding)
    if remove:
        _remove(bot, remove, yes or as_json, as_json)
        return
    words = parse_words(text or "")
    found = [paper for paper in bot.papers(filter) if all(word.matches(paper) for word in words)]
    if as_json:
        for paper in found:
            print_json(asdict(paper))
    else:
        terminal.show_papers(found)
        terminal.out.print(f"{len(found)} of {len(bot)} papers")


def _remove(bot: "PaperChatbot", ids: list[str], sure: bool, as_json: bool) -> None:
    from chatbot import terminal

    found = bot.library.find(ids)
    if not sure:
        terminal.show_papers(found)
        typer.confirm(f"Remove {len(found)} from the index?", abort=True)
    bot.library.remove(ids)
    if as_json:
        print_json({"removed": ids, "papers": len(bot)})
    else:
        terminal.out.print(f"{len(found)} removed, {len(bot)} left; ingesting their source again brings them back.")
