"""What is told of the way from a question to its papers."""

import json
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.explain import trace
from chatbot.reader import READ_PAPERS
from tests.conftest import Run


def test_each_paper_found_has_its_ranks_and_what_became_of_it(bot: PaperChatbot) -> None:
    answer = bot.ask("What is FRNet?")
    first, *others = trace(answer.to_dict())
    assert first.title.startswith("FRNet")
    assert (first.ranks.dense, first.ranks.lexical, first.ranks.fused) == (1, 1, 1)
    assert first.fate == "cited [1][2][3]"
    assert len(others) == bot.settings.top_k - 1
    assert {step.fate for step in others} == {"read, others fit better"}
    ranks = sorted(step.ranks.fused for step in (first, *others) if step.ranks.fused)
    assert ranks[:5] == [1, 2, 4, 5, 6]
    assert ranks == sorted(set(ranks))
    assert max(ranks) <= READ_PAPERS
    assert list(trace(bot.ask("Compare LiNeS with FRUGAL").to_dict())) == []


def test_beyond_those_that_are_read_papers_are_only_found(seed_index: Path) -> None:
    many = PaperChatbot(index=seed_index, top_k=14)
    assert [step.fate for step in trace(many.ask("What is FRNet?").to_dict())][11:] == [
        "read, others fit better",
        "not read: only the first 12 are",
        "not read: only the first 12 are",
    ]


@pytest.mark.parametrize(
    ("question", "name", "reason"),
    [
        ("What is FRNet?", "FRNet", "is cited: [1][2][3]."),
        ("What is FRNet?", "Nonesuchnet", "No indexed paper is called “Nonesuchnet”."),
        ("What is FRNet?", "Bristle", "and only the first 12 are read."),
        ("What is FRNet?", "zkDL", "was read and came in at 4 of 12, but the question names “FRNet: Frustum-Range"),
        ("How can malicious peers be told in serverless learning?", "noise-robust ADMM", "its best passage covers 4"),
        ("Compare LiNeS with FRUGAL", "FRNet", "a grid has only the papers asked for"),
        (
            "Who won the football world cup in 1954?",
            "the Hebbian projection paper",
            "answer too little of the question",
        ),
        ("and?", "FRNet", "so nothing was searched for."),
    ],
)
def test_why_a_paper_is_not_cited(bot: PaperChatbot, question: str, name: str, reason: str) -> None:
    told = bot.why_not(bot.ask(question), name)
    assert reason in told
    assert "\n" not in told


def test_a_paper_that_the_question_was_kept_from_is_told_to_be_so(bot: PaperChatbot) -> None:
    told = bot.why_not(bot.ask("What is FRNet?", filter="title:FRNet"), "zkDL")
    assert told.endswith("is not among the papers that the question was limited to.")


def test_the_command_tells_it_too(run: Run) -> None:
    done = run("ask", "What is FRNet?", "--explain", "--why", "Bristle")
    assert "read, others fit better" in done.stdout
    assert "only the first 12 are read." in done.stdout
    assert "is cited" in json.loads(run("ask", "What is FRNet?", "--json", "--why", "FRNet").stdout)["why_not"]
