"""What a turn asks of a grid, which papers a name means, and how a grid changes. No model, no index."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.comparing import edits
from chatbot.comparing.edit_requests import read_edit
from chatbot.comparing.naming import find_named, pick_named
from chatbot.comparing.requests import read_choice, read_comparison
from chatbot.comparison import ASPECTS, Cell, Comparison
from chatbot.records import Paper

ANTS = Paper("ants", "AntNet: Ant Colonies for Routing", "We propose AntNet, a router.", year=2021)
BEES = Paper(
    "bees", "Bee Swarms for Routing in Networks", "We present Swarm Routing (SR). It beats HiveGPT.", year=2019
)
CATS = Paper("cats", "AntNET: Noise Estimation", "We propose AntNET. It counts cats.")
PAPERS = (ANTS, BEES, CATS)


def grid(*papers: Paper, aspects: tuple[str, ...] = ASPECTS) -> Comparison:
    cells = [
        Cell(paper.id, aspect, paper.title, paper.title, 0, 5, "supported", "extractive")
        for paper in papers
        for aspect in aspects
    ]
    return Comparison(papers, aspects, tuple(cells))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Compare AntNet with SR", ("AntNet", "SR")),
        ("AntNet vs. SR, please", ("AntNet", "SR")),
        ("How does AntNet differ from the paper on bee swarms?", ("AntNet", "paper on bee swarms")),
        ("put AntNet next to the bee paper", ("AntNet", "bee paper")),
        ("Could you compare AntNet, SR and the cat paper for me?", ("AntNet", "SR", "cat paper")),
        ("a table of AntNet and SR", ("AntNet", "SR")),
        ('compare "Ants, bees and cats" with SR', ("Ants, bees and cats", "SR")),
    ],
)
def test_names_are_read_from_many_ways_to_ask(text: str, names: tuple[str, ...]) -> None:
    request = read_comparison(text, ["AntNet", "SR"])
    assert request is not None
    assert request.names == names
    assert not request.aspects


@pytest.mark.parametrize(
    ("text", "aspects"),
    [
        ("Compare AntNet and SR on memory, training time and data", ("memory", "training time", "data")),
        ("On memory and speed, how do AntNet and SR compare?", ("memory", "speed")),
        ("line up AntNet and SR by method and dataset", ("approach", "data")),
        ("Make a grid of AntNet and SR. Columns: memory, results", ("memory", "results")),
    ],
)
def test_columns_can_be_asked_for_at_once(text: str, aspects: tuple[str, ...]) -> None:
    request = read_comparison(text, ["AntNet", "SR"])
    assert request is not None
    assert (request.names, request.aspects) == (("AntNet", "SR"), aspects)


@pytest.mark.parametrize("text", ["how do the routing papers differ?", "Compare the papers about routing"])
def test_a_group_of_papers_is_a_topic(text: str) -> None:
    request = read_comparison(text)
    assert request is not None
    assert (request.topic, request.names) == ("routing", ())


def test_the_form_can_be_asked_for_at_once() -> None:
    request = read_comparison("Compare AntNet and SR on data, as LaTeX please", ["AntNet", "SR"])
    assert request is not None
    assert (request.names, request.aspects, request.form) == (("AntNet", "SR"), ("data",), "latex")


@pytest.mark.parametrize("text", ["What is AntNet?", "Which papers use bees?", "How fast is SR?"])
def test_other_questions_ask_for_no_grid(text: str) -> None:
    assert read_comparison(text, ["AntNet", "SR"]) is None


@pytest.mark.parametrize(
    ("text", "action", "names", "aspects"),
    [
        ("add SR", "add papers", ("SR",), ()),
        ("put the bee paper in as well", "add papers", ("bee paper",), ()),
        ("drop AntNet", "remove papers", ("AntNet",), ()),
        ("AntNet and the bee paper can go", "remove papers", ("AntNet", "bee paper"), ()),
        ("drop the results column", "set columns", (), ("problem", "approach", "key idea", "data", "code")),
        ("show only data and code", "set columns", (), ("data", "code")),
        ("add a column: does it need a GPU?", "set columns", (), (*ASPECTS, "does it need a GPU?")),
        ("I'd like columns for memory and speed", "set columns", (), (*ASPECTS, "memory", "speed")),
        ("add number of ants as a column", "set columns", (), (*ASPECTS, "number of ants")),
        ("sort by year", "sort", (), ()),
        ("can you sort it by year?", "sort", (), ()),
        ("how about sorting by year?", "sort", (), ()),
        ("add a column: rank of the adapter", "set columns", (), (*ASPECTS, "rank of the adapter")),
        ("as LaTeX", "export", (), ()),
        ("do you have it as csv?", "export", (), ()),
        ("csv, please", "export", (), ()),
        ("which of them needs no map?", "which", (), ()),
    ],
)
def test_a_grid_is_edited_in_plain_words(
    text: str, action: str, names: tuple[str, ...], aspects: tuple[str, ...]
) -> None:
    request = read_edit(text, ["AntNet", "SR"], ASPECTS, "")
    assert request is not None
    assert (request.action, request.names, request.aspects) == (action, names, aspects)


def test_rows_can_be_sorted_by_any_column() -> None:
    keys = []
    for text in ("sort by GPU hours?", "sort by training time; please", "sort by newest", "sort by threshold."):
        request = read_edit(text, ["GPU"], (*ASPECTS, "GPU hours", "training time"), "")
        assert request is not None
        keys.append(request.key)
    assert keys == ["GPU hours", "training time", "year", "threshold"]


@pytest.mark.parametrize(
    "text",
    [
        "What does AntNet use?",
        "How does the second one work?",
        "Is SR also fast?",
        "Does it need second-order gradients?",
        "Explain how AntNet works without a map",
    ],
)
def test_a_question_about_the_grid_is_no_edit(text: str) -> None:
    assert read_edit(text, ["AntNet", "SR"], ASPECTS, "") is None


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    read_comparison(f"compare {text}", ["AntNet"])
    read_edit(f"add {text}", ["AntNet"], ASPECTS, "")
    find_named(text, PAPERS)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("AntNet", [ANTS]),
        ("AntNET", [CATS]),
        ("antnet", [ANTS, CATS]),
        ("bees", [BEES]),
        ("Bee swarms for routing in networks", [BEES]),
        ("swarms for routing", [BEES]),
        ("SR", [BEES]),
        ("the paper on bee swarms", [BEES]),
        ("the routing paper", [ANTS, BEES]),
        ("HiveGPT", []),
        ("the paper on glaciers", []),
        ("routing", []),
    ],
)
def test_a_name_means_one_paper_or_is_asked_back(name: str, found: list[Paper]) -> None:
    assert find_named(name, PAPERS) == found


def test_among_few_papers_a_hint_is_enough() -> None:
    assert pick_named("the one with bees", [ANTS, BEES]) == [BEES]
    assert pick_named("glaciers", [ANTS, BEES]) == []


@pytest.mark.parametrize(
    ("text", "at"), [("2", 1), ("the second one", 1), ("the last", 2), ("2nd", 1), ("9", None), ("bees", None)]
)
def test_a_choice_can_be_counted(text: str, at: int | None) -> None:
    assert read_choice(text, 3) == at
    assert read_choice(text, 0) is None


def test_what_stays_in_a_grid_keeps_its_cells() -> None:
    before = grid(ANTS, BEES)
    after = edits.remove_papers(edits.add_papers(before, [CATS], at=0), [ANTS])
    assert after.papers == (CATS, BEES)
    assert after.cells == tuple(cell for cell in before.cells if cell.paper_id == "bees")
    assert {cell.aspect for cell in edits.set_columns(before, ["data"]).cells} == {"data"}


def test_rows_are_sorted_with_the_empty_ones_last() -> None:
    assert edits.sort_papers(grid(*PAPERS), "year").papers == (BEES, ANTS, CATS)
    assert edits.sort_papers(grid(*PAPERS), "year", backwards=True).papers == (ANTS, BEES, CATS)
    assert edits.sort_papers(grid(*PAPERS), "title").papers == (ANTS, CATS, BEES)
    squared = replace(BEES, title="Bees 10² times")
    assert edits.sort_papers(grid(ANTS, squared), "title").papers == (ANTS, squared)
