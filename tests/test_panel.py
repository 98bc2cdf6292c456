"""The panel of sources as HTML: whole abstracts, what was cited marked in them, and what is no longer there."""

import re

import pytest

from chatbot.records import Paper
from chatbot.ui.sources import format_sources

PAPER = Paper(
    "p", "Bees & <bees>", "Bees dance. They dance far.", ("A. Keeper",), "Apis", 2020, "https://bees.example/1"
)


def cite(number: int, start: int, end: int, quote: str = "") -> dict[str, object]:
    return {
        "number": number,
        "paper_id": PAPER.id,
        "title": PAPER.title,
        "quote": quote or PAPER.text[start:end],
        "start": start,
        "end": end,
    }


def panel(*citations: dict[str, object], paper: Paper | None = PAPER, retrieved: object = ()) -> str:
    record = {
        "standalone_question": "Do 'bees' dance?",
        "citations": citations,
        "retrieved": retrieved,
        "status": "answered",
        "model": "extractive",
    }
    return format_sources(2, record, lambda _: paper)


def test_a_paper_is_shown_once_with_what_is_known_of_it() -> None:
    html = panel(cite(1, 14, 25), cite(2, 26, 41))
    assert html.count("<details class='paper'") == 1
    assert "[1][2]" in html
    assert "Bees &amp; &lt;bees&gt;" in html
    assert all(fact in html for fact in ("A. Keeper", "Apis 2020", "href='https://bees.example/1'"))


def test_what_became_of_each_paper_found_is_told() -> None:
    found = [
        {"rank": 1, "paper_id": "p", "title": "Bees", "dense": 2, "lexical": None, "fused": 3},
        {"rank": 2, "paper_id": "w", "title": "<i>Wasps</i>"},
    ]
    html = panel(cite(1, 14, 25), retrieved=found)
    assert "<bdi>Bees</bdi></th><td>2</td><td>–</td><td>3</td><td>cited [1]</td>" in html
    assert (
        "<bdi>&lt;i&gt;Wasps&lt;/i&gt;</bdi></th><td>–</td><td>–</td><td>–</td><td>read, others fit better</td>" in html
    )
    assert "value='Do &#x27;bees&#x27; dance?'" in html


def test_spans_that_overlap_are_all_marked_and_the_abstract_stays_whole() -> None:
    html = panel(cite(1, 14, 30), cite(2, 19, 41))
    abstract = re.search("<p class='abstract'.*?>(.*?)</p>", html)
    assert abstract
    assert re.sub(r"<sup>.*?</sup>|<.*?>", "", abstract[1]) == PAPER.abstract
    for number, words in ((1, "Bees dance. They"), (2, "dance. They dance far.")):
        marked = re.findall(rf"data-ref='ref-2-{number}'>(?:<mark[^>]*>)?([^<]*)", abstract[1])
        assert "".join(marked) == words


def test_a_span_of_the_title_is_marked_in_the_title() -> None:
    assert "<bdi><mark data-ref='ref-2-1'>Bees</mark><sup>[1]</sup> &amp;" in panel(cite(1, 0, 4))


def test_a_quotation_that_the_index_no_longer_has_is_still_shown() -> None:
    assert "no longer has: <q id='ref-2-1'>Wasps sting.</q> [1]" in panel(cite(1, 14, 26, "Wasps sting."))
    assert "Bees dance.</q> [1]" in panel(cite(1, 14, 25), paper=None)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
def test_an_address_that_is_not_of_the_web_is_no_link(url: str) -> None:
    cited = {"number": 1, "paper_id": "bees", "title": "Bees", "quote": "Bees", "start": 0, "end": 4}
    shown = format_sources(0, {"citations": [cited]}, lambda _: Paper("bees", "Bees", "They fly.", url=url))
    assert "Bees" in shown
    assert "<a " not in shown
