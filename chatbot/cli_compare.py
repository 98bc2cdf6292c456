"""The ``chatbot compare`` command.

Knows options and exit codes; leaves the grid to the pipeline and its forms to ``tables`` and ``terminal``.
"""

from typing import Annotated, Literal

import typer

from chatbot.comparison import ASPECTS
from chatbot.errors import InputError
from chatbot.options import EmbeddingOption, FilterOption, IndexOption, ModelOption, PromptsOption

DEFAULT = ",".join(ASPECTS)
AspectsOption = Annotated[str, typer.Option("--aspects", help="Columns, with commas between; any words will do.")]
FormatOption = Annotated[
    Literal["table", "markdown", "csv", "latex", "json"], typer.Option("--format", help="How to print the grid.")
]


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(compare)


def compare(
    papers: Annotated[
        list[str], typer.Argument(help="Titles, parts of titles, names or ids; or one: “the papers about X”.")
    ],
    aspects: AspectsOption = DEFAULT,
    form: FormatOption = "table",
    index: IndexOption = None,
    embedding: EmbeddingOption = None,
    model: ModelOption = None,
    prompts: PromptsOption = None,
    filter: FilterOption = None,
) -> None:
    """Set papers side by side: a grid in which every cell is a checked quotation or says that there is none."""
    from chatbot import terminal
    from chatbot.comparing.replies import tell_open
    from chatbot.pipeline import PaperChatbot
    from chatbot.tables import format_table

    bot = PaperChatbot(index=index, embedding=embedding, model=model, prompts=prompts).within(filter)
    answer = bot.compare(papers, [aspect for aspect in aspects.split(",") if aspect.strip()])
    grid = answer.comparison
    if grid is None or not grid.papers:
        raise InputError(" ".join(answer.answer.split()))
    if form == "table":
        terminal.show_answer(answer)
    else:
        print(format_table(grid, form))
        for open_name in tell_open(grid):
            terminal.show_error(open_name)
