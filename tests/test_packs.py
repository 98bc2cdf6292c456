"""Sentences and their vectors as one string: exact places, nearly exact cosines, and the text that they belong to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.index.packs import read_newest, read_pack, write_pack

PLACES = [(0, 9), (10, 70_000), (70_001, 4_000_000_000)]


def make_vectors(seed: int, dimensions: int, count: int = len(PLACES)) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@given(st.integers(0, 1000), st.sampled_from([1, 2, 64, 384, 1536]))
def test_what_is_written_is_read(seed: int, dimensions: int) -> None:
    vectors, query = make_vectors(seed, dimensions), make_vectors(seed + 1, dimensions, 1)[0]
    packed = write_pack("0a1b", PLACES, vectors)
    pack = read_pack(packed, "0a1b")
    assert pack
    assert [tuple(place) for place in pack.places.tolist()] == PLACES
    assert np.linalg.norm(pack.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert pack.vectors @ query == pytest.approx(vectors @ query, abs=0.005)
    assert write_pack("0a1b", PLACES, pack.vectors) == packed  # so a snapshot of a snapshot is the same


def test_a_pack_tells_which_text_its_sentences_are_of() -> None:
    old = write_pack("old", PLACES[:1], make_vectors(1, 8, 1))
    both = write_pack("new", PLACES, make_vectors(2, 8), older=old)
    counts = {key: pack and len(pack.places) for key in ("old", "new", "gone") for pack in [read_pack(both, key)]}
    assert counts == {"old": 1, "new": 3, "gone": None}
    assert [len(vectors) for vectors in read_newest([both, old])] == [3, 1]
    assert read_newest([]) == []


def test_a_text_without_sentences_has_an_empty_pack() -> None:
    pack = read_pack(write_pack("a", [], make_vectors(1, 8, 0)), "a")
    assert pack
    assert (len(pack.places), pack.vectors.shape) == (0, (0, 8))


@pytest.mark.parametrize("packed", ["", "a", "a:b:c", "a:8:!!!!", "a:8:" + "A" * 10, "a:-1:"])
def test_what_is_no_pack_is_an_error(packed: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_pack(packed, "a")
