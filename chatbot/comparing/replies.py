"""Put a grid and what is said about it into an answer's text, with numbered citations.

Knows grids and Markdown; knows nothing of how cells were filled.
"""

from collections.abc import Sequence

from chatbot.answers import Draft, Numbering, Sentence, Status
from chatbot.comparing.summary import Point
from chatbot.comparison import Cell, Comparison, TableFormat
from chatbot.markup import clip_text, defuse_markdown, flatten_text
from chatbot.records import Paper, Span
from chatbot.tables import format_table


def format_reply(
    grid: Comparison,
    points: Sequence[Point],
    topic: str = "",
    form: TableFormat = "markdown",
    listed: Sequence[Cell] = (),
) -> Draft:
    """Return the answer that shows ``grid``: open names, rows by columns, and ``points`` under it.

    ``topic`` is what the papers were chosen for. With another ``form`` than Markdown the grid is shown in it.
    ``listed`` are cells of a question asked of all rows; they are told in place of the grid.
    """
    numbers, sentences = Numbering(), list[Sentence]()
    papers = {paper.id: paper for paper in grid.papers}
    shown = [cell for cell in listed or grid.cells if cell.stated]
    marks: dict[tuple[str, str], int] = {}
    for cell in shown:
        number = numbers.cite(papers[cell.paper_id], cell.quote, cell.start or 0, cell.end or 0)
        marks[cell.paper_id, cell.aspect] = number
        sentence = Sentence(cell.text, (number,), "supported")
        if sentence not in sentences:
            sentences.append(sentence)
    parts = [_tell_topic(grid, topic)] if topic else []
    if listed:
        parts.append(_list_cells(listed, papers, marks))
    elif grid.papers:
        table = format_table(grid, form, marks)
        parts.append(table if form == "markdown" else f"```{form}\n{table}\n```")
    for point in points:
        cited = tuple(dict.fromkeys(numbers.cite(paper, *_place(span)) for paper, span in point.places))
        sentences.append(Sentence(point.text, cited, "supported"))
        parts.append(f"{_show(point.text)} {''.join(f'[{number}]' for number in cited)}")
    parts.extend(tell_open(grid) or ([] if parts else ["The grid has no papers now; name those to add."]))
    status: Status = "answered" if shown else "abstained"
    if shown and (grid.choices or grid.unknown):
        status = "partial"
    cells = listed or grid.cells
    share = sum(cell.stated for cell in cells) / len(cells) if cells else 0.0
    return Draft(status, "\n\n".join(parts), tuple(sentences), numbers.citations, share)


def _place(span: Span) -> tuple[str, int, int]:
    return span.text, span.start, span.end


def _tell_topic(grid: Comparison, topic: str) -> str:
    names = "; ".join(f"*{_show(paper.title)}*" for paper in grid.papers)
    return f"Chosen as the papers about “{_show(topic)}”: {names}. Say which to add or drop."


def tell_open(grid: Comparison) -> list[str]:
    """Return what is to be said of names that mean several papers, or none."""
    parts = [
        f"Which paper is meant by “{_show(choice.name)}”? "
        + " ".join(f"({at}) *{_show(paper.title)}*" for at, paper in enumerate(choice.papers, 1))
        for choice in grid.choices
    ]
    return parts + [f"No indexed paper is called “{_show(name)}”." for name in grid.unknown]


def _list_cells(listed: Sequence[Cell], papers: dict[str, Paper], marks: dict[tuple[str, str], int]) -> str:
    lines = [
        f"- **{_show(papers[cell.paper_id].name)}**: “{_show(cell.text)}” [{marks[cell.paper_id, cell.aspect]}]"
        for cell in listed
        if cell.stated
    ]
    silent = [_show(papers[cell.paper_id].name) for cell in listed if not cell.stated]
    if silent:
        lines.append(f"{'' if not lines else chr(10)}Not stated in the abstract of: {'; '.join(silent)}.")
    return "\n".join(lines)


def _show(text: str) -> str:
    return defuse_markdown(clip_text(flatten_text(text), 600))
