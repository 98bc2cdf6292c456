"""Follow-ups made to stand by themselves, without a model."""

import pytest

from chatbot.conversation import Standalone, Turn, make_standalone
from chatbot.questions import read_question
from chatbot.records import Paper

LINES = Paper("lines", "LiNeS: Post-training Layer Scaling", "About layers.")
FRUGAL = Paper("frugal", "FRUGAL: Memory-Efficient Optimization", "About memory.")
HISTORY = [Turn("What are LiNeS and FRUGAL?", (LINES, FRUGAL))]


def standalone(text: str, history: list[Turn] = HISTORY, names_other: bool = False) -> str:
    return make_standalone(read_question(text), history, names_other).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what datasets did they use?", "What datasets did LiNeS use?"),
        ("How does it work?", "How does LiNeS work?"),
        ("and what are its limits?", "What are LiNeS's limits?"),
        ("Is the code available?", "Is the code available (LiNeS)?"),
        ("What does the second one propose?", "What does FRUGAL propose?"),
        ("and the second one?", "FRUGAL?"),
        ("Tell me about the latter", "Tell me about FRUGAL"),
        ("What about paper 2", "What about FRUGAL"),
        ("Does this method need retraining?", "Does LiNeS need retraining?"),
        ("What does #2 do?", "What does FRUGAL do?"),
        (
            "Which three research directions does it single out?",
            "Which three research directions does LiNeS single out?",
        ),
        ("when is it better than pruning?", "When is LiNeS better than pruning?"),
        ("Does it work on unrelated tasks?", "Does LiNeS work on unrelated tasks?"),
        ("Do these methods need retraining?", "Do LiNeS and FRUGAL need retraining?"),
        ("Do the authors release weights?", "Do LiNeS release weights?"),
        ("On which tasks and data sets was it tested?", "On which tasks and data sets was LiNeS tested?"),
        (
            "For which architectures, tasks and data sets is it?",
            "For which architectures, tasks and data sets is LiNeS?",
        ),
    ],
)
def test_what_points_back_is_put_in(text: str, expected: str) -> None:
    assert standalone(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Which papers study zero-knowledge proofs of training?",
        "How do quantum circuits learn time series without recurrence?",
        "How do I bake bread?",
        "What is pruning?",
        "In which papers was link prediction among the experiments? I want all of them.",
        "Is it possible to prune a network with another network?",
        "What was the first paper on prompt tuning?",
        "Which is the first method that needs no labels?",
    ],
)
def test_a_question_with_its_own_subject_can_be_left_alone(text: str) -> None:
    found = make_standalone(read_question(text), HISTORY, names_other=False)
    assert (found.otherwise or found.text) == text


@pytest.mark.parametrize(
    "text",
    [
        "No-regret learning in games: what is known?",
        "Right-censored data: who treats it?",
        "perfect matchings",
        "So(3) is what?",
    ],
)
def test_words_that_open_a_subject_are_no_openings(text: str) -> None:
    found = make_standalone(read_question(text), HISTORY, names_other=False)
    assert (found.otherwise or found.text) == text


def test_naming_another_paper_changes_the_topic() -> None:
    assert (
        standalone("What is YOLOv9 and how does it work?", names_other=True) == "What is YOLOv9 and how does it work?"
    )


def test_an_announced_change_of_subject_drops_the_history() -> None:
    changed = standalone("Different subject now: what happens to the template over time?")
    assert changed == "What happens to the template over time?"
    assert standalone("switching subject - what is pruning?") == "What is pruning?"


def test_the_last_turn_that_cited_something_is_meant() -> None:
    history = [*HISTORY, Turn("What is FRUGAL?", (FRUGAL,)), Turn("nonsense", ())]
    assert standalone("how does it work?", history) == "How does FRUGAL work?"


@pytest.mark.parametrize("text", ["How does it work?", "and the second one?", "Is it any good?"])
def test_pointing_at_nothing_is_unresolved(text: str) -> None:
    assert make_standalone(read_question(text), [], names_other=False).unresolved


def test_it_can_point_at_a_name_in_the_same_question() -> None:
    text = "What is Zyxquil, and what accuracy does it reach?"
    for history in ([], HISTORY):
        assert make_standalone(read_question(text), history, names_other=False) == Standalone(text)


def test_what_was_first_of_its_kind_points_at_no_earlier_answer() -> None:
    for text in (
        "What was the first paper on prompt tuning?",
        "In Co-teaching, how does the second model pick samples?",
    ):
        assert not make_standalone(read_question(text), [], names_other=False).unresolved


def test_focus_names_the_papers_meant() -> None:
    assert make_standalone(read_question("How does it work?"), HISTORY, False).focus == ("lines",)
    assert make_standalone(read_question("Compare them"), HISTORY, False).focus == ("lines", "frugal")
