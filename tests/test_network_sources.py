"""arXiv and the daily papers, asked over HTTP: pages, limits, silence and broken answers."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chatbot import PaperChatbot
from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.settings import Settings, load_settings
from chatbot.sources import read_papers
from tests.conftest import make_record
from tests.paper_servers import PaperServer, daily_item, paper_server


@pytest.fixture
def papers() -> Iterator[PaperServer]:
    with paper_server() as server:
        server.papers = [
            make_record(n, id=f"2410.{n:05}", day="2024-10-21" if n % 2 else "2024-10-22") for n in range(1, 6)
        ]
        yield server


@pytest.fixture
def settings(papers: PaperServer, tmp_path: Path) -> Settings:
    return load_settings(
        index=tmp_path / "index",
        arxiv_url=f"{papers.url}/api/query",
        hf_url=papers.url,
        source_timeout=0.3,
        source_delay=0.05,
    )


def read(source: str, settings: Settings) -> list[Paper]:
    return [item for item in read_papers(source, settings) if isinstance(item, Paper)]


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("arxiv:2410.00003", "2410.00003"),
        ("arxiv:2410.00003v2, 2410.00004", "2410.00003,2410.00004"),
        ("arXiv:2410.00003", "2410.00003"),
        ("https://arxiv.org/abs/2410.00003v2", "2410.00003"),
        ("http://www.arxiv.org/pdf/2410.00003", "2410.00003"),
    ],
)
def test_arxiv_is_asked_for_ids_and_addresses(papers: PaperServer, settings: Settings, source: str, asked: str) -> None:
    papers.papers[2] |= {"title": "A < B &\n more", "doi": "10.1000/ABC"}
    found = read(source, settings)
    assert papers.asked[0]["id_list"] == asked
    assert found[0] == Paper(
        "2410.00003",
        "A < B & more",
        papers.papers[2]["abstract"],
        ("Ada King", "Bo Li"),
        "",
        2024,
        "https://arxiv.org/abs/2410.00003",
        "10.1000/abc",
        "2410.00003",
    )


@pytest.mark.parametrize(
    ("source", "query"),
    [
        ("arxiv:ti:attention", "ti:attention"),
        ("arxiv:cat:cs.CL 2024-01-01..2024-01-31", "(cat:cs.CL) AND submittedDate:[202401010000 TO 202401312359]"),
        ("arxiv:2024-01-01..2024-01-02", "submittedDate:[202401010000 TO 202401022359]"),
    ],
)
def test_an_arxiv_query_is_read_page_by_page_with_its_delay(
    papers: PaperServer, settings: Settings, source: str, query: str
) -> None:
    papers.page = 2
    assert [paper.id for paper in read(source, settings)] == [f"2410.{n:05}" for n in range(1, 6)]
    assert [(each["search_query"], each["start"]) for each in papers.asked] == [(query, at) for at in "024"]
    assert min(after - before for before, after in pairwise(papers.times)) >= 0.05


def test_one_source_after_another_keeps_to_the_delay(papers: PaperServer, settings: Settings) -> None:
    for source in ("arxiv:2410.00001", "arxiv:2410.00002"):
        read(source, settings)
    assert papers.times[1] - papers.times[0] >= 0.05


def test_an_id_that_arxiv_does_not_have_is_named(settings: Settings) -> None:
    items = list(read_papers("arxiv:2410.00001,2410.99999", settings))
    assert [item.where for item in items if isinstance(item, Skipped)] == ["2410.99999"]


@pytest.mark.parametrize("source", ["arxiv:cat:cs.CL", "hf:2024-10-21"])
def test_a_server_that_asks_to_wait_is_waited_for(papers: PaperServer, settings: Settings, source: str) -> None:
    papers.faults = [(429, {"Retry-After": "1"}), "hang", "broken"]
    assert read(source, settings)
    assert papers.times[1] - papers.times[0] >= 1
    assert len(papers.times) == 4


@pytest.mark.parametrize(
    ("source", "fault", "message"),
    [
        ("arxiv:cat:cs.CL", (500, {}), "arXiv answers with status 500"),
        ("arxiv:cat:cs.CL", "hang", "arXiv does not answer in time"),
        ("arxiv:cat:cs.CL", "broken", "arXiv sent a broken page"),
        ("arxiv:cat:cs.CL", "prose", "arXiv sent a page that is no feed"),
        ("hf:2024-10-21", (500, {}), "the server answers with status 500 for 2024-10-21"),
        ("hf:2024-10-21", (404, {}), "the server answers with status 404"),
        ("hf:2024-10-21", (429, {"Retry-After": "99999"}), "the server answers with status 429"),
        ("hf:2024-10-21", "hang", "the server does not answer in time"),
        ("hf:2024-10-21", "broken", "the server sent a page that is no list of papers"),
    ],
)
def test_what_stays_wrong_is_told_in_one_line(
    papers: PaperServer, settings: Settings, source: str, fault: object, message: str
) -> None:
    papers.faults = [fault] * 9
    with pytest.raises(SourceError, match=message) as caught:
        read(source, settings)
    assert str(caught.value).startswith(source)
    assert "run the same command again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_is_told(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"arxiv_url": "http://127.0.0.1:9", "hf_url": "http://127.0.0.1:9"})
    for source in ("arxiv:2410.00001", "hf:2024-10-21"):
        with pytest.raises(SourceError, match="cannot be reached"):
            read(source, nowhere)


def test_daily_papers_are_read_day_by_day_and_page_by_page(papers: PaperServer, settings: Settings) -> None:
    papers.papers += [make_record(n, id=f"2410.{n:05}", day="2024-10-22") for n in range(100, 230)]
    found = read("hf:2024-10-20..2024-10-22", settings)
    assert len({paper.id for paper in found}) == len(found) == 135
    assert [(each["date"][-2:], each.get("p")) for each in papers.asked] == [
        ("20", None), ("21", None), ("22", None), ("22", "1"),
    ]  # fmt: skip
    assert min(after - before for before, after in pairwise(papers.times)) >= 0.05
    assert found[0] == Paper(
        "2410.00001", papers.papers[0]["title"], papers.papers[0]["abstract"], ("Ada King", "Bo Li"), "", 2024,
        "https://arxiv.org/abs/2410.00001", "", "2410.00001",
    )  # fmt: skip


def test_awkward_daily_papers_are_read_or_named(papers: PaperServer, settings: Settings) -> None:
    whole = daily_item(make_record(1, id="2410.00001"))
    inner = whole["paper"]
    awkward: list[Any] = [
        {"paper": {"id": "2410.1", "title": "<i>Odd</i>\n id", "summary": "One &amp; two.", "authors": None}},
        {"paper": inner | {"id": None, "publishedAt": None, "authors": [{"name": None}, {"name": " Ada  King"}]}},
        {"paper": inner | {"summary": None}},
        {"paper": inner | {"title": ["a list"]}},
        {"title": "nothing inside"},
        "no object",
    ]
    papers.faults = [json.dumps(awkward).encode()]
    found = list(read_papers("hf:2024-10-21", settings))
    skipped = [item for item in found if isinstance(item, Skipped)]
    read_well = [item for item in found if isinstance(item, Paper)]
    assert [(each.title, each.authors, each.year, each.arxiv_id) for each in read_well] == [
        ("Odd id", (), None, ""), (inner["title"], ("Ada King",), None, ""),
    ]  # fmt: skip
    assert [item.where for item in skipped] == [f"2024-10-21 item {number}" for number in (3, 4, 5, 6)]
    assert "no abstract" in skipped[0].reason
    assert all(item.reason for item in skipped)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hf:today", "names no day"),
        ("hf:2024-13-01", "month must be in 1..12"),
        ("hf:2024-10-07..2024-10-01", "earlier day first"),
        ("arxiv:cat:cs.CL 2024-02-30..2024-03-01", "write days as"),
        ("arxiv:", "asks for nothing"),
        ("https://arxiv.org/list/cs.CL/recent", "no paper's address"),
        ("huggingface:x", r"does not exist; .*hf:DAY"),
    ],
)
def test_a_source_that_cannot_be_asked_for_says_how_to_write_it(settings: Settings, source: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(source, settings)


def test_what_came_before_a_failure_is_kept_and_gone_on_with(papers: PaperServer, settings: Settings) -> None:
    bot = PaperChatbot(settings)
    papers.page = 2
    papers.faults = [None, *[(500, {})] * 9]
    with pytest.raises(SourceError, match="status 500"):
        bot.ingest("arxiv:cat:cs.CL")
    assert {paper.id for paper in bot.papers()} == {"2410.00001", "2410.00002"}
    papers.faults = []
    report = bot.ingest("arxiv:cat:cs.CL", "hf:2024-10-21")
    assert (report.added, report.unchanged, report.merged) == (3, 2, 3)
    papers.papers = papers.papers[:1]
    assert bot.ingest("arxiv:cat:cs.CL").removed == 0
