"""Sentences get their vectors where they stand: cut into windows, pooled from them, blended with the passage's."""

from itertools import accumulate, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chatbot.chunks import split_passages, split_sentence_chunks
from chatbot.embedding import list_texts
from chatbot.embedding.minilm import MiniLM, find_model
from chatbot.embedding.windows import WHOLE_IN_SENTENCE, blend, cut_windows
from chatbot.records import Paper, Whole
from chatbot.storing import make_entry

MOST = 20
BEES = "Honey bees dance.\nBees tell each other where flowers are. They do so by dancing. Nobody knows why."


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


def passage_of(text: str) -> Whole:
    title, _, abstract = text.partition("\n")
    (passage,) = make_entry(Paper("x", title, abstract), []).to_embed
    return passage


@given(st.integers(0, 30), st.lists(st.integers(0, 30), max_size=12), st.integers(0, 3))
def test_each_sentence_is_read_whole_in_one_window_behind_the_title(title: int, sizes: list[int], between: int) -> None:
    """Each letter is a piece; ``between`` are pieces between sentences that belong to none, as headings do."""
    ends = list(accumulate([title + 1, *(size + between for size in sizes)]))
    text = "t" * title + "\n" + "s" * (ends[-1] - title - 1)
    offsets = [(at, at + 1) for at in range(len(text)) if text[at] != "\n"]
    places = [(start + between, end) for start, end in pairwise(ends)]
    windows = cut_windows(text, offsets, places, MOST)

    assert windows[0].pieces == list(range(min(len(offsets), MOST)))
    assert windows[0].pools[0] == (0, 0, len(windows[0].pieces) + 2)
    pooled = [(window.pieces, pool) for window in windows for pool in window.pools if pool.number]
    assert [pool.number for _, pool in pooled] == list(range(1, len(places) + 1))
    for (pieces, pool), (start, end) in zip(pooled, places, strict=True):
        own = [offsets[piece][0] for piece in pieces[pool.start - 1 : pool.end - 1]]
        whole = list(range(start, end))
        assert own == whole or (len(whole) + min(title, MOST // 4) > MOST and own == whole[: len(own)] != [])
    for window in windows:
        assert len(window.pieces) <= MOST
        assert window.pieces[:title] == list(range(title)) or title > MOST // 4


def test_a_short_abstract_is_read_once(model: MiniLM) -> None:
    rows, windows = model.cut([passage_of(BEES)])
    assert [(number, len(window.pools)) for number, window in windows] == [(0, 4)]
    assert len(rows) == 1


def test_a_sentences_vector_is_the_mean_of_its_pieces_in_the_abstract(model: MiniLM) -> None:
    from transformers import AutoModel, AutoTokenizer

    tokenizer, reference = AutoTokenizer.from_pretrained(find_model()), AutoModel.from_pretrained(find_model())
    passage = passage_of(BEES)
    inputs = tokenizer(passage.text, return_tensors="pt", return_offsets_mapping=True)
    offsets = inputs.pop("offset_mapping")[0].tolist()
    with torch.inference_mode():
        hidden = reference(**inputs).last_hidden_state[0].numpy()
    own = [[at for at, (a, b) in enumerate(offsets) if start <= a < b <= end] for start, end in passage.sentences]
    means = np.stack([hidden.mean(0), *(hidden[rows].mean(0) for rows in own)])
    expected = blend(means, np.array([len(rows) for rows in own], np.float32))
    assert ((model.embed_papers([passage]) * expected).sum(axis=1) > 0.9998).all()


def test_blending_moves_each_sentence_to_the_passage_and_that_to_all_its_sentences() -> None:
    east, north = np.eye(2, dtype=np.float32)
    whole, one, nothing = blend(np.stack([7 * east, 5 * north, 0 * north]), np.array([3, 0], np.float32))
    assert np.allclose(whole, (east + north) / 2**0.5)
    towards = north + WHOLE_IN_SENTENCE * whole
    assert np.allclose(one, towards / np.linalg.norm(towards))
    assert np.allclose(nothing, whole)  # a sentence of which the model knows no piece
    assert np.allclose(blend(3 * north[None], np.zeros(0, np.float32)), [north])


def test_vectors_come_in_order_whatever_is_computed_together(model: MiniLM) -> None:
    long = "\n".join(["Long.", " ".join(f"Item {number} is about subject {number}." for number in range(60))])
    passages = [passage_of(BEES), Whole(""), passage_of(long), Whole("No sentences."), passage_of("\u0000\n\u0000")]
    vectors = model.embed_papers(passages)
    assert vectors.shape == (len(list_texts(passages)), model.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    alone = np.concatenate([model.embed_papers([each]) for each in passages])
    assert ((vectors * alone).sum(axis=1) > 0.999).all()
    assert model.embed_papers([]).shape == (0, model.dimensions)


def test_what_stands_behind_the_first_window_is_found_by_its_vector(model: MiniLM) -> None:
    filler = " ".join(f"We repeat the measurement number {number} with other settings." for number in range(30))
    passage = passage_of(f"Measuring.\n{filler} Turtles sleep under the ice all winter.")
    assert len(model.cut([passage])[0]) > 1
    cosines = model.embed_papers([passage])[1:] @ model.embed_query("hibernation of reptiles in frozen lakes")
    assert cosines.argmax() == len(cosines) - 1
    assert cosines[-1] > cosines[:-1].max() + 0.2


@given(st.lists(st.text(alphabet="abc D.\n", min_size=1, max_size=900), max_size=12), st.text("ab. \n", max_size=3000))
def test_each_sentence_stands_in_one_passage_where_it_is_said_to(parts: list[str], body: str) -> None:
    paper = Paper("x", "Title", " ".join(" ".join(parts).split()) or "word", body=body)
    entry = make_entry(paper, [])
    passages = entry.to_embed
    assert [each.text for each in passages] == [chunk.text for chunk in split_passages(paper)]
    texts = list_texts(passages)
    at = len(passages)
    entry.take(np.arange(len(texts), dtype=np.float32)[:, None])
    ordered = [texts[int(number)] for (number,) in entry.vectors]
    assert ordered[:at] == [each.text for each in passages]
    assert ordered[at:] == [chunk.text for chunk in split_sentence_chunks(paper)]
