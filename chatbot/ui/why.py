"""Tell beside an answer why it is what it is: what was searched for, what became of each paper, why one is missing.

Knows HTML and the JSON form of an answer; knows nothing of Gradio, and leaves the reasons to others.
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from chatbot.explain import trace
from chatbot.markup import flatten_text
from chatbot.records import Ranks
from chatbot.ui.answers import show_text


def format_why(place: int, record: Mapping[str, Any]) -> str:
    """Return the folded HTML under the sources of the answer at ``place``; ``record`` is its JSON form."""
    searched = escape(flatten_text(record["standalone_question"]))
    return (
        "<details class='why'><summary>Why this answer</summary>"
        f"<form class='again'><label>What is searched for<input value='{searched}'></label>"
        f"<button>Ask this instead</button></form>{_format_steps(record)}"
        f"<form class='why-not' data-place='{place}'><label>Why is a paper not cited?"
        "<input placeholder='Its title, a part of it, or its name' required></label>"
        "<button>Tell me</button><output></output></form></details>"
    )


def _format_steps(record: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{int(step.rank)}</td><th scope='row'><bdi>{show_text(step.title)}</bdi></th>"
        f"{_format_ranks(step.ranks)}<td>{escape(step.fate)}</td></tr>"
        for step in trace(record)
    )
    if not rows:
        return "<p class='note'>Nothing was searched for.</p>"
    heads = "".join(
        f"<th scope='col'>{head}</th>" for head in ("No.", "Paper", "Meaning", "Words", "Both", "In the answer")
    )
    caption = "<caption>The papers found, in the order of reading, with their ranks in the search</caption>"
    return f"<div class='scroll' tabindex='0'><table>{caption}<tr>{heads}</tr>{rows}</table></div>"


def _format_ranks(ranks: Ranks) -> str:
    return "".join(f"<td>{rank or '–'}</td>" for rank in (ranks.dense, ranks.lexical, ranks.fused))
