"""Filters: what they mean, what is said of a bad one, and searching within one."""

import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot import PaperChatbot
from chatbot.errors import InputError
from chatbot.filters import Clause, Filter, Group, Negation, parse_filter
from chatbot.markup import flatten_text
from chatbot.records import Paper
from tests.conftest import Run, make_record

words = st.text(st.sampled_from("abAB 7.'\"\\()“”-\n") | st.characters(codec="utf-8"), max_size=8).map(
    lambda text: " ".join(text.split())
)
texts = st.builds(
    Clause,
    st.sampled_from(["venue", "author", "title", "id", "url", "doi", "arxiv", "source"]),
    st.sampled_from([":", "=", "!="]),
    words.filter(lambda text: text.isprintable()),
)
years = st.builds(Clause, st.just("year"), st.sampled_from([":", "=", "!=", "<", "<=", ">", ">="]), st.integers(0, 9))
filters = st.recursive(
    texts | years,
    lambda part: (
        st.builds(Negation, part)
        | st.builds(Group, st.sampled_from(["and", "or"]), st.lists(part, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)
papers = st.builds(
    Paper,
    id=words,
    title=words,
    abstract=st.just(""),
    authors=st.lists(words, max_size=2).map(tuple),
    venue=words,
    year=st.none() | st.integers(0, 9),
    url=words,
    doi=words,
    arxiv_id=words,
)


@given(filters)
def test_what_is_written_down_is_read_as_the_same_filter(filter: Filter) -> None:
    assert parse_filter(str(filter)) == filter


@given(filters, papers, st.lists(words, max_size=2))
def test_matching_agrees_with_a_plain_reading(filter: Filter, paper: Paper, sources: list[str]) -> None:
    assert filter.matches(paper, sources) == plain(filter, paper, sources)


def plain(filter: Filter, paper: Paper, sources: list[str]) -> bool:
    if isinstance(filter, Negation):
        return not plain(filter.part, paper, sources)
    if isinstance(filter, Group):
        passed = [plain(part, paper, sources) for part in filter.parts]
        return False not in passed if filter.word == "and" else True in passed
    if filter.field == "year":
        if paper.year is None:
            return filter.sign == "!="
        sign = {":": "==", "=": "=="}.get(filter.sign, filter.sign)
        return bool(eval(f"{paper.year} {sign} {filter.value}"))
    several = {"author": list(paper.authors), "source": sources, "arxiv": [paper.arxiv_id]}
    held = [flatten_text(text).casefold() for text in several.get(filter.field, [getattr(paper, filter.field, "")])]
    value = str(filter.value).casefold()
    if filter.sign == ":":
        return any(value in text for text in held)
    return (value in held) == (filter.sign == "=")


def is_read(text: str) -> bool:
    with suppress(InputError):
        return bool(parse_filter(text))
    return False


@given(st.text(st.sampled_from("year venue:=<>!()and or not2023\"'“” \\") | st.characters(), max_size=40))
def test_any_text_is_a_filter_or_a_one_line_error_with_a_place(text: str) -> None:
    with pytest.raises(InputError, match=r"^the filter cannot be read at .*$") if not is_read(text) else nullcontext():
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("year>=2023 and venue:icml", "year>=2023 and venue:icml"),
        (
            "NOT Year < 2020 OR author:'van der Berg' And title:\"a b\"",
            'not year<2020 or (author:"van der Berg" and title:"a b")',
        ),
        ("not (id=x or url:https://a.example/b?c=d)", 'not (id=x or url:"https://a.example/b?c=d")'),
        ("author:O'Neil", 'author:"O\'Neil"'),
        ("venue:“NeurIPS 2022”", 'venue:"NeurIPS 2022"'),
    ],
)
def test_words_bind_as_in_most_languages(text: str, meant: str) -> None:
    assert str(parse_filter(text)) == meant


@pytest.mark.parametrize(
    ("text", "place", "wanted"),
    [
        ("year>=soon", "character 7 (“soon”)", "a year, as in 2023"),
        ("topic:bees", "character 1 (“topic:bees”)", "one of year, venue"),
        ("venue<3", "character 6 (“<3”)", "one of : = !="),
        ("(venue:a", "its end", "a closing parenthesis"),
        ("venue:a venue:b", "character 9 (“venue:b”)", "“and” or “or”"),
        ("year>2020 and", "its end", "one of year"),
        ('id:"x', 'character 4 (“"x”)', "words in quotes"),
    ],
)
def test_an_error_tells_the_place_and_what_was_expected(text: str, place: str, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_filter(text)
    assert f"cannot be read at {place}: expected" in str(caught.value)
    assert wanted in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("(" * 5000 + "year>1" + ")" * 5000, "nested too deeply"),
        ("venue:" + "x" * 30_000, "has 30,006 characters; at most"),
    ],
)
def test_huge_and_deep_expressions_are_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_filter(text)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> PaperChatbot:
    """Sixty papers about the same six subjects, of which few pass a filter."""
    folder = tmp_path_factory.mktemp("shelf")
    records = [make_record(n, year=2000 + n % 15, venue=f"V{n % 3}", authors=[f"A. Smith{n}"]) for n in range(60)]
    (folder / "shelf.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    bot = PaperChatbot(index=folder / "index", model="extractive")
    bot.ingest(folder / "shelf.jsonl")
    return bot


@pytest.mark.parametrize(
    "expression", ["year=2007", "year>=2003", "author:smith7", "id=p7", "source:shelf and venue=v1"]
)
def test_a_search_finds_as_many_as_asked_for_within_the_filter(shelf: PaperChatbot, expression: str) -> None:
    passing = {paper.id for paper in shelf.papers(expression)}
    read = parse_filter(expression)
    assert passing == {paper.id for paper in shelf.papers() if read.matches(paper, ["/x/shelf.jsonl"])}
    for top_k in (10, 60):
        found = [hit.paper.id for hit in shelf.search("the effect on honey bees", top_k, filter=expression)]
        assert len(found) == len(set(found)) == min(top_k, len(passing))
        assert set(found) <= passing


def test_within_a_filter_the_order_is_that_of_the_whole(shelf: PaperChatbot) -> None:
    everything = [replace(hit, score=0) for hit in shelf.search("glacier melt", 20)]
    assert [replace(hit, score=0) for hit in shelf.search("glacier melt", 20, filter="year>=0")] == everything


def test_an_answer_keeps_to_the_filter_and_tells_it(bot: PaperChatbot) -> None:
    for expression in ("title:lines", "not title:frnet and title:lines"):
        answer = bot.ask("Which papers merge models?", filter=expression)
        assert answer.filter == answer.to_dict()["filter"] == expression
        assert {hit.paper.name for hit in answer.retrieved} == {"LiNeS"}
    refused = bot.ask("What is FRNet?", filter="title:lines")
    assert refused.status == "abstained"
    assert "(Only 1 of 59 papers pass the filter.)" in refused.answer
    assert "FRNet" in refused.answer.split("Not found in them:")[1]
    grid = bot.compare(["LiNeS", "FRUGAL"], filter="title:lines or title:bristle").comparison
    assert grid
    assert ([paper.name for paper in grid.papers], grid.unknown) == (["LiNeS"], ("FRUGAL",))
    assert bot.within("title:lines").as_retriever().invoke("point clouds")[0].metadata["title"].startswith("LiNeS")


def test_a_paper_that_is_written_later_passes_too(tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    bot = PaperChatbot(index=tmp_path / "index")
    bot.ingest(write_jsonl(make_record(1, year=2020)))
    assert [hit.paper.id for hit in bot.search("tides", filter="year=2020")] == ["p1"]
    bot.ingest(write_jsonl(make_record(1, year=2021), make_record(2, year=2020)))
    assert [hit.paper.id for hit in bot.search("tides", filter="year=2020")] == ["p2"]


def test_citations_tell_what_is_known_of_their_paper(shelf: PaperChatbot, run: Run) -> None:
    index = shelf.settings.index
    cited = json.loads(run("ask", "What is the effect on honey bees in experiment 7?", "--json", index=index).stdout)
    assert cited["citations"][0] | {"authors": ["A. Smith7"], "venue": "V1", "year": 2007} == cited["citations"][0]
    shown = run("ask", "What is the effect on honey bees in experiment 7?", index=index).stdout
    assert shown.count("A. Smith7 · V1 · 2007") == 1


def test_the_commands_take_a_filter(run: Run) -> None:
    found = json.loads(run("search", "models", "--filter", "title:lines", "--json").stdout)
    assert ([hit["title"][:5] for hit in found["hits"]], found["filter"]) == (["LiNeS"], "title:lines")
    assert "1 of 59 papers" in run("papers", "--filter", "title:lines").stdout
    bad = run("ask", "What is LiNeS?", "--filter", "title>3")
    assert (bad.returncode, len(bad.stderr.splitlines())) == (1, 1)
    assert "at character 6" in bad.stderr
