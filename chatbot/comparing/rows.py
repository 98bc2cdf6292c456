"""Read and check the row of a grid that a language model has filled.

Knows the form of such a row; the model and the check are functions. Knows nothing of providers or prompts' texts.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from pydantic import BaseModel

from chatbot.claims import Checked, Claim, Mark, Passage
from chatbot.comparing.cells import make_cell
from chatbot.comparison import Cell
from chatbot.markup import flatten_text

if TYPE_CHECKING:
    from langchain_core.output_parsers import PydanticOutputParser

MOST_CHARS = 600  # of a cell; a longer one is not a cell
TRIES = 2

Check = Callable[[Claim, Sequence[Passage]], Checked]


class Entry(BaseModel):
    """What a model puts into one column: a sentence, and the numbers of the abstract's sentences it rests on."""

    column: str
    text: str
    sentences: list[int]


class Row(BaseModel):
    """The filled columns of one paper."""

    cells: list[Entry]


@cache
def row_parser() -> "PydanticOutputParser[Row]":
    """Return the parser of a row, which can also tell a model the schema."""
    from langchain_core.output_parsers import PydanticOutputParser

    return PydanticOutputParser(pydantic_object=Row)


def fill_row(
    passage: Passage,
    drafts: Mapping[str, Cell],
    complete: Callable[[], str],
    check: Check,
    model: str,
) -> list[Cell]:
    """Return the cells of a row in the order of ``drafts``, which holds the cell found without a model by column.

    ``complete`` asks the model once. An answer that breaks the schema is asked for once more; then, as for each
    sentence that fails the check, the draft is kept.
    """
    entries = _ask(drafts, complete)
    return [_make(passage, drafts[aspect], entries.get(aspect), check, model) for aspect in drafts]


def _ask(drafts: Mapping[str, Cell], complete: Callable[[], str]) -> dict[str, Entry]:
    from langchain_core.exceptions import OutputParserException

    for _ in range(TRIES):
        try:
            row = row_parser().parse(complete())
        except OutputParserException:
            continue
        entries = {entry.column: entry for entry in row.cells if len(entry.text) <= MOST_CHARS}
        if set(drafts) <= set(entries):
            return entries
    return {}


def _make(passage: Passage, draft: Cell, entry: Entry | None, check: Check, model: str) -> Cell:
    if entry is None:
        return draft
    text = flatten_text(entry.text)
    if not text:
        return make_cell(passage.paper, draft.aspect, None, model=model)
    found = check(Claim(text, tuple(Mark(passage.number, number) for number in entry.sentences)), [passage])
    if found.verdict != "supported" or not found.sources:
        return draft
    return make_cell(passage.paper, draft.aspect, found.sources[0][1], text, model)
