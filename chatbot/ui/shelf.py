"""Write the table of indexed papers, a page at a time, and what a reader looks for as a filter.

Knows HTML and the language of filters; knows nothing of Gradio. Whatever comes from a paper is escaped here.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import get_args

from chatbot.filters import Clause, Field, Filter, Sign, join_filters, parse_filter, parse_words
from chatbot.markup import clip_text, flatten_text
from chatbot.records import Listed
from chatbot.ui.answers import show_text

A_PAGE = 20  # papers
_AUTHORS = 2
_SOURCE_CHARS = 40
_MOST_VALUES = 12  # of a field
_LANGUAGE = (
    f"<p class='note'>Fields are {', '.join(get_args(Field))}; “:” means contains, “=” and “!=” the whole; years are "
    "compared with “&lt;”, “&lt;=”, “&gt;” and “&gt;=”; join with “and”, “or”, “not” and parentheses.</p>"
)


def read_wanted(text: str, filter: str) -> Filter | None:
    """Return what passes ``filter`` and mentions each word of ``text``; None when that is everything.

    Raises InputError for a filter that cannot be read.
    """
    parts = [parse_filter(filter)] if filter.strip() else []
    parts += parse_words(flatten_text(text))
    return join_filters("and", parts) if parts else None


def name_papers(ids: Sequence[str]) -> Filter:
    """Return the filter that the papers with ``ids``, of which there is at least one, pass, and no others."""
    return join_filters("or", [Clause("id", "=", flatten_text(key)) for key in ids])


def format_values(listed: Sequence[Listed]) -> str:
    """Return the HTML of what the papers ``listed`` can be filtered by; a click on a value puts it into the filter."""
    years = [each.paper.year for each in listed if each.paper.year]
    span = f"Years {min(years)} to {max(years)}" if years else ""
    parts = (
        _format_values(span, "year", "=", years),
        _format_values("Venues", "venue", "=", (each.paper.venue for each in listed)),
        _format_values("Sources", "source", ":", (_name_source(name) for each in listed for name in each.sources)),
    )
    return f"<details><summary>What to filter by</summary>{''.join(parts)}{_LANGUAGE}</details>" if listed else ""


def _format_values(label: str, field: Field, sign: Sign, values: Iterable[str | int]) -> str:
    counts = Counter[str | int](value for value in values if value)
    buttons = "".join(
        f"<button type='button' data-filter='{escape(str(Clause(field, sign, value)))}'>"
        f"<bdi>{_show(str(value), _SOURCE_CHARS)}</bdi> ({count:,})</button> "
        for value, count in counts.most_common(_MOST_VALUES)
    )
    rest = len(counts) - _MOST_VALUES
    more = f"<span class='note'>and {rest:,} more</span>" if rest > 0 else ""
    return f"<p><b>{label}</b> {buttons}{more}</p>" if counts else f"<p class='note'>No {field} is known.</p>"


def count_pages(papers: int) -> int:
    """Return how many pages ``papers`` fill, at least one."""
    return max(1, -(-papers // A_PAGE))


def format_shelf(listed: Sequence[Listed], place: int, chosen: Collection[str]) -> str:
    """Return the HTML of the page at ``place``, from 0, of the papers ``listed``; those ``chosen`` are ticked."""
    shown = listed[place * A_PAGE : (place + 1) * A_PAGE]
    if not shown:
        return "<p class='note'>No paper is found.</p>"
    every = "<input type='checkbox' aria-label='Select all on this page'>"
    heads = "".join(f"<th scope='col'>{head}</th>" for head in (every, "Paper", "Venue", "Year", "Source"))
    rows = "".join(_format_row(each, each.paper.id in chosen) for each in shown)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _format_row(listed: Listed, ticked: bool) -> str:
    paper, sources = listed.paper, ", ".join(map(_name_source, listed.sources))
    title = _show(paper.title)
    tick = f"<input type='checkbox' value='{escape(paper.id)}' aria-label='{title}'{' checked' if ticked else ''}>"
    authors = ", ".join(paper.authors[:_AUTHORS]) + (" et al." if len(paper.authors) > _AUTHORS else "")
    under = f"<div class='note'><bdi>{_show(authors)}</bdi></div>" if authors else ""
    return (
        f"<tr><td>{tick}</td><td><bdi>{title}</bdi>{under}</td><td><bdi>{_show(paper.venue)}</bdi></td>"
        f"<td>{paper.year or ''}</td><td title='{_show(sources)}'><bdi>{_show(sources, _SOURCE_CHARS)}</bdi></td></tr>"
    )


def _name_source(source: str) -> str:
    """Return what people call ``source``: of a path its last part, else all of it."""
    return Path(source).name if Path(source).is_absolute() else source


def _show(text: str, most: int = 1000) -> str:
    return show_text(clip_text(text, most))
