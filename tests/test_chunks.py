"""Passages and sentences of a paper."""

from hypothesis import given
from hypothesis import strategies as st

from chatbot.chunks import PASSAGE_CHARS, SENTENCE_CHARS, split_passages, split_sentence_chunks
from chatbot.records import Paper


def test_an_abstract_is_one_passage_with_its_title() -> None:
    paper = Paper("x", "Title", "One. Two is here.")
    (passage,) = split_passages(paper)
    assert (passage.id, passage.text) == ("x#0", "Title\nOne. Two is here.")
    assert [(chunk.id, chunk.text) for chunk in split_sentence_chunks(paper)] == [
        ("x#s0", "One."),
        ("x#s1", "Two is here."),
    ]


@given(st.lists(st.text(alphabet="abc D.", min_size=1, max_size=400), max_size=40))
def test_chunks_are_exact_and_bounded(parts: list[str]) -> None:
    paper = Paper("x", "Title", " ".join(parts).strip() or "word")
    for chunk in split_sentence_chunks(paper):
        assert chunk.text == paper.text[chunk.start : chunk.end]
        assert len(chunk.text) <= SENTENCE_CHARS
    for passage in split_passages(paper):
        assert passage.end - passage.start <= PASSAGE_CHARS + SENTENCE_CHARS


def test_fifty_thousand_words_without_a_full_stop_are_cut() -> None:
    paper = Paper("x", "Long", "word " * 50_000)
    assert len(split_passages(paper)) > 50
    assert all(len(chunk.text) <= SENTENCE_CHARS for chunk in split_sentence_chunks(paper))
