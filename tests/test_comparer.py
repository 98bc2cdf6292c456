"""Grids in conversation over the seed papers: made, edited, asked about, exported, stored; with and without a model."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chatbot import PaperChatbot
from chatbot.answers import Answer
from chatbot.comparison import ASPECTS, Cell, Comparison
from chatbot.conversation import Turn
from tests.conftest import Run
from tests.model_server import Behaviour, ModelServer, Reply
from tests.test_checked_answers import open_bot

LINES = "lines-post-training-layer-scaling-prevents-forgetting-and-enhances-model-merging"
FRNET = "frnet-frustum-range-networks-for-scalable-lidar-segmentation"
BRISTLE = "bristle-decentralized-federated-learning-in-byzantine-non-i-i-d-environments"
FRUGAL = "frugal-memory-efficient-optimization-by-reducing-state-overhead-for-scalable-tra-1e5304f5"
AMEM = "a-mem-agentic-memory-for-llm-agents"


def talk(bot: PaperChatbot, *texts: str) -> list[Answer]:
    turns, answers = list[Turn](), list[Answer]()
    for text in texts:
        answers.append(bot.ask(text, turns))
        turns.append(bot.turn(answers[-1]))
    return answers


def grid_of(answer: Answer) -> Comparison:
    assert answer.comparison is not None
    return answer.comparison


def rows(answer: Answer) -> list[str]:
    return [paper.id for paper in grid_of(answer).papers]


def check_cells(bot: PaperChatbot, answer: Answer) -> None:
    """Every cell quotes its paper to the letter or owns up to having nothing; what is shown is cited."""
    grid = grid_of(answer)
    assert [(cell.paper_id, cell.aspect) for cell in grid.cells] == [
        (paper.id, aspect) for paper in grid.papers for aspect in grid.aspects
    ]
    for cell in grid.cells:
        paper = bot.paper(cell.paper_id)
        assert paper is not None
        if cell.stated:
            assert paper.text[cell.start : cell.end] == cell.quote
        else:
            assert (cell.quote, cell.start, cell.text) == ("", None, "not stated in the abstract")
    numbers = {citation.number for citation in answer.citations}
    assert all(sentence.citations and set(sentence.citations) <= numbers for sentence in answer.sentences)


def test_two_papers_side_by_side(bot: PaperChatbot) -> None:
    (answer,) = talk(bot, "Compare LiNeS with FRNet")
    check_cells(bot, answer)
    assert (rows(answer), grid_of(answer).aspects) == ([LINES, FRNET], ASPECTS)
    assert answer.status == "answered"
    code = grid_of(answer).cell(FRNET, "code")
    assert code is not None
    assert "github.com" in code.text
    assert "| LiNeS |" in answer.answer


def test_a_grid_is_edited_turn_by_turn(bot: PaperChatbot) -> None:
    answers = talk(
        bot,
        "Compare LiNeS with FRNet",
        "add Bristle",
        "drop the results column",
        "add a column: does it need a GPU?",
        "which of them gives a link to its code?",
        "sort by title",
        "LiNeS can go",
        "as CSV",
    )
    for answer in answers:
        check_cells(bot, answer)
    assert rows(answers[1]) == [LINES, FRNET, BRISTLE]
    assert "results" not in grid_of(answers[2]).aspects
    assert grid_of(answers[3]).aspects[-1] == "does it need a GPU?"
    assert not any(cell.stated for cell in grid_of(answers[3]).cells if cell.aspect == "does it need a GPU?")
    assert {citation.paper_id for citation in answers[4].citations} == {LINES, FRNET}
    assert rows(answers[5]) == [BRISTLE, FRNET, LINES]
    assert rows(answers[7]) == [BRISTLE, FRNET]
    table = answers[7].answer.split("```")[1].removeprefix("csv\n")
    assert [row[0] for row in csv.reader(io.StringIO(table)) if row] == ["paper", "Bristle", "FRNet"]


def test_the_last_edit_can_be_taken_back(bot: PaperChatbot) -> None:
    answers = talk(bot, "Compare LiNeS with FRNet", "how about adding Bristle?", "undo")
    assert [rows(answer) for answer in answers] == [[LINES, FRNET], [LINES, FRNET, BRISTLE], [LINES, FRNET]]


def test_shared_and_differing_points_are_summed_up_with_citations(bot: PaperChatbot) -> None:
    (answer,) = talk(bot, "Compare Bristle with FedAMD")
    cells = {cell.text for cell in grid_of(answer).cells}
    points = [sentence for sentence in answer.sentences if sentence.text not in cells]
    assert 2 <= len(points) <= 4
    assert any("federated learning" in point.text for point in points)


def test_earlier_questions_alone_are_enough_to_go_on(bot: PaperChatbot) -> None:
    answer = bot.ask("drop the code column", ["Compare LiNeS with FRNet", "add Bristle"])
    assert rows(answer) == [LINES, FRNET, BRISTLE]
    assert grid_of(answer).aspects == ASPECTS[:-1]


def test_an_ambiguous_name_is_asked_back_and_then_chosen(bot: PaperChatbot) -> None:
    asked, by_words = talk(bot, "compare the Hopfield paper with FRNet", "the one for tabular data")
    assert rows(asked) == [FRNET]
    assert asked.status == "partial"
    assert "Which paper is meant by “Hopfield paper”?" in asked.answer
    assert rows(by_words) == ["hopular-modern-hopfield-networks-for-tabular-data", FRNET]
    assert rows(talk(bot, "compare the Hopfield paper with FRNet", "2")[1])[1:] == [FRNET]
    _, other = talk(bot, "compare the Hopfield paper with FRNet", "What data sets is FRNet tested on?")
    assert other.comparison is None


def test_an_unknown_name_gets_no_row(bot: PaperChatbot) -> None:
    _, answer = talk(bot, "Compare LiNeS with FRNet", "add MemGPT")
    assert rows(answer) == [LINES, FRNET]
    assert "No indexed paper is called “MemGPT”." in answer.answer
    assert bot.ask("Compare FRNet and Cylinder3D").comparison is None


def test_a_topic_brings_its_papers_and_says_which(bot: PaperChatbot) -> None:
    (answer,) = talk(bot, "how do the federated-learning papers differ?")
    assert BRISTLE in rows(answer)
    assert answer.answer.startswith("Chosen as the papers about “federated-learning”: ")


def test_questions_about_the_rows_are_still_answered(bot: PaperChatbot) -> None:
    _, answer = talk(bot, "Compare FRNet with LiNeS", "How fast is FRNet?")
    assert answer.comparison is None
    assert "5 times faster" in answer.answer
    *_, answer = talk(bot, "Compare FRNet with LiNeS", "How fast is FRNet?", "Which papers use federated learning?")
    assert (answer.comparison, BRISTLE in {citation.paper_id for citation in answer.citations}) == (None, True)


def test_what_was_refused_in_between_is_passed_over(bot: PaperChatbot) -> None:
    *_, answer = talk(bot, "What is LiNeS?", "What is the airspeed of a swallow?", "compare it with FRNet")
    assert rows(answer) == [LINES, FRNET]


def test_a_stored_grid_can_be_gone_on_with(seed_index: Path, tmp_path: Path) -> None:
    bot = PaperChatbot(index=seed_index)
    thread = bot.threads.create("ada", "grids")
    bot.threads.append("ada", thread.id, bot.ask("Compare LiNeS with the Hopfield paper"))
    turns = PaperChatbot(index=seed_index).resume("ada", thread.id)
    assert turns[-1].grid is not None
    answer = bot.ask("the one for tabular data", turns)
    assert rows(answer) == [LINES, "hopular-modern-hopfield-networks-for-tabular-data"]
    bot.threads.delete("ada", thread.id)


def test_the_json_contract_of_a_comparison(bot: PaperChatbot) -> None:
    record = json.loads(json.dumps(bot.ask("Compare LiNeS with FRNet on data and code").to_dict()))["comparison"]
    assert list(record) == ["papers", "aspects", "cells", "choices", "unknown"]
    assert record["aspects"] == ["data", "code"]
    assert {"paper_id", "aspect", "text", "quote", "start", "end", "verdict", "model"} == set(record["cells"][0])


def test_the_compare_command(run: Run) -> None:
    done = run("compare", "LiNeS", "frustum LiDAR segmentation", "--aspects", "method,code", "--format", "json")
    record = json.loads(done.stdout)
    assert record["aspects"] == ["approach", "code"]
    assert [paper["paper_id"] for paper in record["papers"]] == [LINES, FRNET]
    assert "not stated in the abstract" in run("compare", "LiNeS", "FRNet", "--aspects", "licence").stdout
    failed = run("compare", "Nothing2", "Nobody3")
    assert failed.returncode == 1
    assert "No indexed paper is called “Nothing2”" in failed.stderr
    assert len(run("compare", "the papers about approaches").stderr) > len("error: \n")


Fill = Callable[[str, dict[int, str]], dict[str, Any]]


def write_rows(fill: Fill, broken: int = 0) -> Behaviour:
    """Return a model that fills each column by ``fill``, from the numbered sentences; its first answers are no JSON."""
    count = 0

    def reply(body: dict[str, Any]) -> Reply:
        nonlocal count
        prompt = str(body["messages"][-1]["content"])
        if "Columns:" not in prompt:
            return Reply("The papers do not say.")
        count += 1
        if count <= broken:
            return Reply("Certainly! Here is the table you asked for.")
        columns = [line[2:] for line in prompt.split("Columns:\n")[1].split("\n\n")[0].splitlines()]
        sentences = {
            int(line.split("]")[0][3:]): line.split("] ", 1)[1]
            for line in prompt.splitlines()
            if line.startswith("[1.")
        }
        return Reply(json.dumps({"cells": [fill(column, sentences) for column in columns]}))

    return reply


def repeat_first(column: str, sentences: dict[int, str]) -> dict[str, Any]:
    return {"column": column, "text": sentences[1], "sentences": [1]}


def ask_model(server: ModelServer, index: Path, reply: Behaviour) -> tuple[Answer, Sequence[Cell]]:
    server.default = reply
    answer = open_bot(server, index).ask("Compare LiNeS with FRNet")
    return answer, grid_of(answer).cells


def test_a_models_cell_is_shown_when_the_abstract_supports_it(server: ModelServer, seed_index: Path) -> None:
    answer, cells = ask_model(server, seed_index, write_rows(repeat_first))
    assert {cell.model for cell in cells} == {"openai:scripted"}
    assert answer.usage is not None
    assert answer.usage.calls == 3
    check_cells(open_bot(server, seed_index), answer)


def test_a_models_invention_gives_way_to_a_quotation(server: ModelServer, seed_index: Path) -> None:
    def invent(column: str, sentences: dict[int, str]) -> dict[str, Any]:
        return {"column": column, "text": "It was tested on 4711 GPUs by NASA.", "sentences": [1]}

    answer, cells = ask_model(server, seed_index, write_rows(invent))
    assert {cell.model for cell in cells} == {"extractive"}
    assert "NASA" not in answer.answer
    assert "quotations" in answer.notice


def test_a_model_may_say_that_nothing_is_stated(server: ModelServer, seed_index: Path) -> None:
    def decline(column: str, sentences: dict[int, str]) -> dict[str, Any]:
        return {"column": column, "text": "", "sentences": []}

    _, cells = ask_model(server, seed_index, write_rows(decline))
    assert not any(cell.stated for cell in cells)


@pytest.mark.parametrize(("broken", "writers"), [(1, {"openai:scripted"}), (2, {"openai:scripted", "extractive"})])
def test_a_broken_schema_is_asked_for_once_more(
    server: ModelServer, seed_index: Path, broken: int, writers: set[str]
) -> None:
    _, cells = ask_model(server, seed_index, write_rows(repeat_first, broken))
    assert {cell.model for cell in cells} == writers


def test_a_model_that_is_gone_leaves_the_papers_own_words(server: ModelServer, seed_index: Path) -> None:
    answer, cells = ask_model(server, seed_index, lambda body: Reply("gone", status=500))
    assert {cell.model for cell in cells} == {"extractive"}
    assert answer.model == "extractive"
    assert "papers' own words" in answer.notice
