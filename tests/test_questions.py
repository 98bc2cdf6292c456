"""What a question asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import InputError
from chatbot.questions import clean_question, read_question


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("What is LiNeS?", "single"),
        ("Which paper introduces SPEN?", "single"),
        ("Which papers study federated learning?", "which"),
        ("anything on recommender systems?", "which"),
        ("List all works about pruning", "which"),
        ("which methods cut GPU memory?", "which"),
        ("Compare LiNeS with FRUGAL", "compare"),
        ("LiNeS vs FRUGAL", "compare"),
        ("How do MAN and AugLocal differ?", "compare"),
        ("How does differentiable search work?", "single"),
        ("Which papers have differently distributed data?", "which"),
    ],
)
def test_kind(text: str, kind: str) -> None:
    assert read_question(text).kind == kind


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What is LiNeS?", ["LiNeS"]),
        ("does A-MEM's code beat YOLOv9 or PC-DARTS?", ["A-MEM", "YOLOv9", "PC-DARTS"]),
        ("What is federated learning?", []),
    ],
)
def test_coined_names(text: str, names: list[str]) -> None:
    assert list(read_question(text).names) == names


def test_words_that_say_nothing_are_left_out() -> None:
    question = read_question("Tell me which papers use a replay buffer, please")
    assert [question.text[start:end] for start, end in question.words] == ["replay", "buffer"]
    assert question.phrases == ("replay buffer",)
    assert read_question("tell me more").words == ()


def test_terminal_sequences_leave_the_words() -> None:
    assert clean_question("\x1b[31mGELAN\x1b[0m?", 50) == "GELAN?"


def test_intents() -> None:
    assert read_question("How many GPUs were used?").wants_figure
    assert read_question("where is the code of FRNet").wants_link
    assert read_question("Why do RNNs diverge?").wants_background
    assert read_question("How does MAN work?").wants_method
    assert read_question("What is the stability gap").wants_overview is False
    assert read_question("What is LiNeS?").wants_overview


@given(st.text(max_size=300))
def test_cleaning_leaves_one_printable_line_or_refuses(text: str) -> None:
    try:
        cleaned = clean_question(text, 200)
    except InputError:
        return
    assert cleaned == cleaned.strip() != ""
    assert "\n" not in cleaned
    assert len(cleaned) <= 200
    question = read_question(cleaned)
    assert all(cleaned[start:end].strip() for start, end in question.words)


@pytest.mark.parametrize("text", ["Which papers do link prediction?", "how is code generation evaluated"])
def test_a_compound_with_link_or_code_asks_for_no_link(text: str) -> None:
    assert not read_question(text).wants_link


@pytest.mark.parametrize("text", ["Which papers cope with noisy links?", "the links between sharpness and flatness"])
def test_a_link_that_is_no_address_asks_for_none(text: str) -> None:
    assert not read_question(text).wants_link
    assert read_question("give me the link").wants_link


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Who wrote the FRNet paper, and when was it published?", ("authors", "year")),
        ("who are the authors of LiNeS?", ("authors",)),
        ("Which conference is LiNeS from?", ("venue",)),
        ("How often has FRNet been cited?", ("number of citations",)),
        ("At which university do the authors of LiNeS work?", ("affiliations",)),
        ("What do the authors of LiNeS propose?", ()),
        ("Who introduced layer-wise scaling?", ()),
        ("When does training diverge?", ()),
        ("When did the gap first appear?", ()),
        ("How many citations are correct?", ()),
    ],
)
def test_what_only_a_record_tells(text: str, asked: tuple[str, ...]) -> None:
    assert read_question(text).of_record == asked
