"""A model's answer is read into claims with their citations, however it is cut while it streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.citations import MOST_CHARS, ClaimReader, take_marks
from chatbot.claims import Claim, Mark


def read(*pieces: str) -> list[Claim]:
    reader = ClaimReader()
    claims = [claim for piece in pieces for claim in reader.feed(piece)]
    return claims + reader.close()


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("It is fast [1].", [Mark(1)]),
        ("It is fast [2.4].", [Mark(2, 4)]),
        ("It is fast [1, 2].", [Mark(1), Mark(2)]),
        ("It is fast [1][2].", [Mark(1), Mark(2)]),
        ("It is fast 【1】.", [Mark(1)]),
        ("It is fast [1-3].", [Mark(1), Mark(2), Mark(3)]),
        ("It is fast [1.2–1.4].", [Mark(1, 2), Mark(1, 3), Mark(1, 4)]),
        ("It is fast. [1.2]", [Mark(1, 2)]),
        ("It is fast (2.4).", [Mark(2, 4)]),
        ("[1.1] It is fast.", [Mark(1, 1)]),
        ("It is fast [paper 3].", [Mark(3)]),
        ("It is fast [1.1; 2.2].", [Mark(1, 1), Mark(2, 2)]),
        ("It is fast [1-999].", [Mark(number) for number in range(1, 21)]),
    ],
)
def test_marks_in_every_form_belong_to_their_sentence(text: str, marks: list[Mark]) -> None:
    (claim,) = read(text)
    assert claim.text == "It is fast."
    assert list(claim.marks) == marks


def test_a_mark_after_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    first, second = read("One thing holds. [1.1] Another thing holds [2.1]. ")
    assert (first.text, first.marks) == ("One thing holds.", (Mark(1, 1),))
    assert (second.text, second.marks) == ("Another thing holds.", (Mark(2, 1),))


def test_what_is_no_mark_stays() -> None:
    for text in (
        "It scales as O(2) in time.",
        "See [1](http://x.example) there.",
        "Sets [a] and f[i] (2) remain.",
        "It has the best mIoU (73.3).",
        "An interval [0.91, 0.94] of AUC.",
        "From [3-1] down.",
        "It has (0.85) AUC.",
    ):
        bare, marks = take_marks(text)
        assert (bare, marks) == (text, [])


def test_lists_headings_and_emphasis_are_read_as_plain_sentences() -> None:
    claims = read("## Answer\n- **FRNet** is fast [1.1].\n- It is `small` [1.2].\n\nBoth hold [1.1, 1.2].")
    assert [claim.text for claim in claims] == ["FRNet is fast.", "It is small.", "Both hold."]
    assert [claim.bullet for claim in claims] == [True, True, False]


def test_a_sentence_is_given_out_once_the_next_has_begun() -> None:
    reader = ClaimReader()
    assert reader.feed("It is fast [1") == []
    assert reader.feed(".1]. It") == []
    assert [claim.text for claim in reader.feed(" is small")] == ["It is fast."]
    assert [claim.text for claim in reader.close()] == ["It is small"]


def test_an_endless_answer_is_cut() -> None:
    reader = ClaimReader()
    claims = [claim for _ in range(1000) for claim in reader.feed("word " * 200)]
    assert reader.is_full
    assert sum(len(claim.text) for claim in claims) <= MOST_CHARS


def write_sentence(words: list[str], marks: list[str], behind: bool) -> str:
    text, cited = " ".join(words).capitalize(), "".join(f" [{mark}]" for mark in marks)
    return f"{text}.{cited}" if behind else f"{text}{cited}."


SENTENCE = st.builds(
    write_sentence,
    st.lists(st.sampled_from("alpha beta gamma delta e.g. 2.5% GPT-4 et al. (see below) vs.".split()), min_size=3),
    st.lists(st.sampled_from(["1", "2.4", "1, 2", "1.1-1.3", "12.10"]), max_size=3),
    st.booleans(),
)


@given(st.lists(SENTENCE, min_size=1, max_size=6), st.data())
def test_how_the_text_is_cut_into_pieces_changes_nothing(sentences: list[str], data: st.DataObject) -> None:
    text = " ".join(sentences)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*pieces) == read(text)
    assert read(*text) == read(text)


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    for claim in read(*text):
        assert claim.text.strip()
