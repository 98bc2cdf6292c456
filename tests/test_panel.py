"""The panel of sources as HTML: whole abstracts, what was cited marked in them, and what is no longer there."""

import re

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


def panel(*citations: dict[str, object], paper: Paper | None = PAPER) -> str:
    return format_sources(2, {"citations": citations}, lambda _: paper)


def test_a_paper_is_shown_once_with_what_is_known_of_it() -> None:
    html = panel(cite(1, 14, 25), cite(2, 26, 41))
    assert html.count("<details") == 1
    assert "[1][2]" in html
    assert "Bees &amp; &lt;bees&gt;" in html
    assert all(fact in html for fact in ("A. Keeper", "Apis 2020", "href='https://bees.example/1'"))


def test_papers_found_but_not_cited_are_listed_with_their_ranks() -> None:
    found = [{"rank": 1, "paper_id": "p", "title": "Bees"}, {"rank": 2, "paper_id": "w", "title": "<i>Wasps</i>"}]
    html = format_sources(2, {"citations": [cite(1, 14, 25)], "retrieved": found}, lambda _: PAPER)
    assert "<li value='2'><bdi>&lt;i&gt;Wasps&lt;/i&gt;</bdi></li>" in html
    assert html.count("<li") == 1


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
