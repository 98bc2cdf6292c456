"""The report of a run: where questions were lost, what is marked in the abstracts, and that words stay words."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from chatbot.answers import Answer, Citation, Sentence, Status
from chatbot.comparison import Cell, Comparison
from chatbot.records import Hit, Paper
from evals.exhibits import Mark, cut_text, make_exhibit
from evals.funnel import STAGES, find_stage, make_funnel
from evals.questions import Fact, Sample
from evals.records import Run
from evals.report import ReportData, gather_report, render_html, render_json, render_markdown
from evals.scores import Scored, score_sample

ICE = Paper("ice", "Ice", "We study ice. It reaches 91.3 points on Polar. It is cold, with 91.3 points.")
SAND = Paper("sand", "Sand", "We study sand. It reaches 12 points on Dune.")
PAPERS = {paper.id: paper for paper in (ICE, SAND)}
POINTS, DUNE = "It reaches 91.3 points on Polar.", "It reaches 12 points on Dune."
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "</script><svg/onload=alert(1)>",
    "javascript:alert(1) [x](https://evil.example) https://evil.example",
]
BIDI = "safe\u202egnp.exe\u2066\u200b\U000e0041"


def span(paper: Paper, quote: str) -> dict[str, Any]:
    start = paper.text.index(quote)
    return {"paper": paper.id, "start": start, "end": start + len(quote), "quote": quote}


def fact(paper: Paper, quote: str, alias: str) -> Fact:
    return Fact(alias, (alias,), (span(paper, quote),))


def sample(*facts: Fact, id: str = "q", papers: Sequence[str] = ("ice",), expected: str = "answered") -> Sample:
    return Sample(id, "lookup", "dev", ("How good is it?",), tuple(papers), facts, expected)


def answer(
    *cited: tuple[Paper, str],
    found: Sequence[Paper] = (ICE, SAND),
    status: Status = "answered",
    text: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Return the JSON of an answer that quotes what it cites, or says ``text``."""
    citations = []
    for number, (paper, quote) in enumerate(cited, 1):
        where = span(paper, quote)
        citations.append(Citation(number, paper.id, paper.title, quote, where["start"], where["end"]))
    quotes = text if text is not None else " ".join(citation.quote for citation in citations)
    sentences = (Sentence(quotes, tuple(citation.number for citation in citations), "supported"),) if quotes else ()
    made = Answer(
        question="How good is it?",
        standalone_question="How good is it?",
        status=status,
        answer=quotes or "The papers don't tell.",
        sentences=sentences,
        citations=tuple(citations),
        retrieved=tuple(Hit(rank, paper, 1 / rank) for rank, paper in enumerate(found, 1)),
        confidence=0.7,
        model="extractive",
        timings_ms={"retrieve": 10.0, "total": 12.5},
        index="i",
        settings="s",
    )
    return replace(made, **changes).to_dict()


def score(question: Sample, recorded: dict[str, Any] | None, error: str = "") -> Scored:
    return score_sample(question, recorded, error, PAPERS)


def run_of(*scored: Scored, papers: dict[str, Paper] = PAPERS, name: str = "trial") -> Run:
    return Run(Path(name), {"model": "extractive", "questions": "abc", "files": {}}, scored, papers)


ASKED = sample(fact(ICE, POINTS, "91.3"))
MISSING = sample(fact(Paper("snow", "Snow", "Snow falls."), "Snow falls.", "falls"), papers=["snow"])


@pytest.mark.parametrize(
    ("question", "recorded", "stage"),
    [
        (ASKED, None, "errored"),
        (MISSING, answer((ICE, POINTS)), "not in corpus"),
        (ASKED, answer((SAND, DUNE), found=[SAND]), "not retrieved"),
        (ASKED, answer(found=[SAND], status="abstained"), "not retrieved"),
        (ASKED, answer((SAND, DUNE)), "retrieved but unused"),
        (ASKED, answer((ICE, "We study ice.")), "used but mis-cited"),
        (ASKED, answer((ICE, "It is cold, with 91.3 points.")), "used but mis-cited"),
        (ASKED, answer(status="abstained"), "wrongly abstained"),
        (ASKED, answer((ICE, POINTS), text="It does well."), "facts missing"),
        (ASKED, answer((ICE, POINTS)), "fine"),
        (ASKED, answer((ICE, POINTS), status="partial"), "fine"),
    ],
)
def test_a_question_stands_where_its_key_fact_was_lost(
    question: Sample, recorded: dict[str, Any] | None, stage: str
) -> None:
    assert find_stage(score(question, recorded, "" if recorded else "down"), PAPERS) == stage


def test_of_several_key_facts_the_one_lost_first_counts() -> None:
    both = sample(fact(ICE, POINTS, "91.3"), fact(SAND, DUNE, "12"), papers=["ice", "sand"])
    assert find_stage(score(both, answer((ICE, POINTS), found=[ICE])), PAPERS) == "not retrieved"
    assert find_stage(score(both, answer((ICE, POINTS))), PAPERS) == "retrieved but unused"
    assert find_stage(score(both, answer((ICE, POINTS), (SAND, DUNE))), PAPERS) == "fine"


def test_without_key_facts_the_relevant_papers_are_followed() -> None:
    bare = sample(papers=["ice", "sand"])
    assert find_stage(score(bare, answer((ICE, POINTS))), PAPERS) == "retrieved but unused"
    assert find_stage(score(bare, answer((ICE, POINTS), (SAND, DUNE))), PAPERS) == "fine"


def test_the_carrier_of_a_hidden_order_counts_as_in_the_corpus() -> None:
    snow = Paper("snow", "Snow", "Snow falls.")
    assert find_stage(score(replace(MISSING, carrier=snow), answer((ICE, POINTS))), PAPERS) == "not retrieved"


def test_the_funnel_holds_each_answerable_question_once_and_no_other() -> None:
    scored = [
        score(sample(fact(ICE, POINTS, "91.3"), id="good"), answer((ICE, POINTS))),
        score(sample(fact(ICE, POINTS, "91.3"), id="down"), None, "timed out"),
        score(sample(id="none", papers=(), expected="abstained"), answer(status="abstained")),
    ]
    funnel = make_funnel(scored, PAPERS)
    assert list(funnel) == list(STAGES)
    assert {stage: ids for stage, ids in funnel.items() if ids} == {"fine": ["good"], "errored": ["down"]}


def test_a_text_is_cut_where_marks_begin_and_end() -> None:
    pieces = cut_text("abcdefgh", 1, 8, [Mark(0, 4, 1), Mark(3, 6, 2)], [Mark(3, 99, 1)])
    assert [(p.text, p.is_cited, p.is_gold, p.cited_ends, p.gold_ends) for p in pieces] == [
        ("bc", True, False, (), ()),
        ("d", True, True, (1,), ()),
        ("ef", True, True, (2,), ()),
        ("gh", False, True, (), (1,)),
    ]
    assert "".join(piece.text for piece in cut_text("abc", 0, 3, [], [])) == "abc"


def test_relevant_and_cited_papers_are_shown_whole_with_their_rank() -> None:
    shown = make_exhibit(score(ASKED, answer((SAND, DUNE))), PAPERS)
    assert [(p.paper.id, p.is_relevant, p.is_cited, p.rank) for p in shown.papers] == [
        ("ice", True, False, 1),
        ("sand", False, True, 2),
    ]
    assert ["".join(piece.text for piece in p.abstract) for p in shown.papers] == [ICE.abstract, SAND.abstract]
    assert [piece.text for piece in shown.papers[0].abstract if piece.is_gold] == [POINTS]
    assert [piece.text for piece in shown.papers[1].abstract if piece.is_cited] == [DUNE]


def test_citations_that_are_not_in_the_paper_are_told_apart() -> None:
    recorded = answer((ICE, POINTS))
    invented = {"number": 2, "paper_id": "nowhere", "title": "", "quote": "x", "start": 0, "end": 1}
    altered = recorded["citations"][0] | {"number": 3, "quote": "It reaches 99 points on Polar."}
    recorded["citations"] += [invented, altered]
    shown = make_exhibit(score(ASKED, recorded), PAPERS)
    assert [citation["number"] for citation in shown.invalid] == [2, 3]
    assert make_exhibit(score(MISSING, recorded), PAPERS).absent == ("snow",)


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text; what stands in the script is apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.inside = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(attribute)) is not None]


def hostile_data(text: str) -> ReportData:
    """Return a report in which every text that others wrote is ``text``."""
    paper = Paper(f"p{text}", text, f"{text}. {text}")
    where = {"paper": paper.id, "start": 0, "end": len(text), "quote": text}
    question = Sample(
        text, text, "dev", (text, text), (paper.id, text), (Fact(text, (text,), (where,)),), "answered", text
    )
    cell = Cell(paper.id, text, text, text, 0, len(text), "supported", text)
    recorded = answer(
        (paper, text),
        found=[paper],
        question=text,
        withheld=(Sentence(text, (1,), "unsupported", text),),
        notice=text,
        timings_ms={text: 1.0},
        model=text,
    )
    recorded["citations"].append({"number": 2, "paper_id": text, "title": text, "quote": text, "start": 0, "end": 9})
    grid = answer((paper, text), found=[paper], comparison=Comparison((paper,), (text,), (cell,)))
    papers = {paper.id: paper}
    scored = [
        score_sample(replace(question, id=f"{number}{text}"), made, error, papers)
        for number, (made, error) in enumerate([(recorded, ""), (grid, ""), (None, text)])
    ]
    run = Run(Path("trial"), {text: text, "files": {}}, tuple(scored), papers)
    return replace(gather_report(run), name=text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words_on_the_page(text: str) -> None:
    page = Page(render_html(hostile_data(text)))
    harmless = re.sub(r"[^\w\s]", "x", text)
    calm = Page(render_html(hostile_data(harmless)))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in calm.tags]
    assert [sorted(attrs) for _, attrs in page.tags] == [sorted(attrs) for _, attrs in calm.tags]
    assert page.text.count(text) == calm.text.count(harmless)


def test_characters_that_cannot_be_seen_are_written_out() -> None:
    data = hostile_data(BIDI)
    for report in (render_html(data), render_markdown(data), render_json(data)):
        assert not set(BIDI) - set("safegnp.exe") & set(report)
    assert "safe⟨U+202E⟩gnp.exe⟨U+2066⟩⟨U+200B⟩⟨U+E0041⟩" in Page(render_html(data)).text


def test_lone_surrogates_can_be_written_to_a_file(tmp_path: Path) -> None:
    data = hostile_data("half \ud83d of a sign")
    for render in (render_html, render_markdown, render_json):
        (tmp_path / "report").write_text(render(data), encoding="utf-8")


def test_the_page_needs_no_network() -> None:
    page = Page(render_html(hostile_data("https://evil.example/x.png")))
    assert all(link.startswith("#") for link in page.values("href"))
    assert not page.values("src")
    assert not {"link", "img", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    assert page.values("content")[-1].startswith("default-src 'none'; ")


def small_run() -> Run:
    withheld = (Sentence("It melts at once.", (1,), "unsupported", "not in the cited passage: melts"),)
    return run_of(
        score(replace(ASKED, id="good"), answer((ICE, POINTS), withheld=withheld)),
        score(replace(ASKED, id="lost"), answer((SAND, DUNE))),
        score(replace(ASKED, id="down", type="how"), None, "the model timed out"),
        score(sample(id="none", papers=(), expected="abstained"), answer(status="abstained")),
    )


def test_every_question_is_on_the_page_and_the_funnel_leads_to_it() -> None:
    page = Page(render_html(gather_report(small_run())))
    anchors = [value for value in page.values("id") if re.fullmatch(r"q\d+", value)]
    assert len(anchors) == 4
    assert {link.removeprefix("#") for link in page.values("href")} == set(anchors[:3])
    outcomes = [attrs["data-outcome"] for _, attrs in page.tags if "data-outcome" in attrs]
    assert outcomes == ["fine", "retrieved but unused", "errored", "rightly abstained"]
    for shown in ("It melts at once.", "not in the cited passage: melts", "the model timed out", ICE.abstract[:12]):
        assert shown in page.text


def test_cited_and_marked_passages_differ_by_more_than_colour() -> None:
    page = render_html(gather_report(small_run()))
    assert f'<mark class="cited gold">{POINTS}</mark><span class="tag cited">[1]</span>' in page
    assert f'<mark class="cited ">{DUNE}</mark><span class="tag cited">[1]</span>' in page
    assert f'<mark class=" gold">{POINTS}</mark><span class="tag gold">◆1</span>' in page


def test_json_and_markdown_tell_the_same_numbers() -> None:
    data = gather_report(small_run())
    report = json.loads(render_json(data))
    assert report["funnel"]["retrieved but unused"] == ["lost"]
    assert [(one["id"], one["outcome"]) for one in report["questions"]][2:] == [
        ("down", "errored"),
        ("none", "rightly abstained"),
    ]
    recall = next(one for one in report["metrics"] if (one["metric"], one["type"]) == ("fact_recall", "all"))
    assert (recall["value"], recall["scored"], recall["errored"]) == (0.5, 2, 1)
    text = render_markdown(data)
    assert f"| fact\\_recall | 0.50 ({recall['low']:.2f} to {recall['high']:.2f}), 2 |" in text
    assert "| retrieved but unused | 1 | lost |" in text
    assert "| down | error | errored | How good is it? |" in text


def test_a_run_without_any_answer_has_a_report() -> None:
    data = gather_report(run_of(score(ASKED, None, "down")))
    assert "errored" in render_html(data)
    assert json.loads(render_json(data))["funnel"]["errored"] == ["q"]
    assert render_markdown(data)
