"""On a machine with a GPU, what only a GPU shows: it is used, its batches fit its memory, and vectors are the same."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from chatbot.embedding import minilm
from chatbot.embedding.devices import choose_device
from chatbot.embedding.minilm import PIECES_ON_GPU, MiniLM
from chatbot.records import Whole

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
TEXTS = [f"Text {number} " + "on some very different things " * (number % 50) for number in range(3000)]


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Half a gigabyte of the GPU's memory for this process."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(5e8 / torch.cuda.get_device_properties(0).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def test_vectors_are_those_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    model, passages = MiniLM(), [Whole(text, ((0, 4), (5, len(text)))) for text in TEXTS[:100]]
    texts, papers = model.embed_texts(TEXTS[:100]), model.embed_papers(passages)
    assert choose_device()[0] == "cuda"
    monkeypatch.setattr(minilm, "choose_device", lambda: ("cpu", "float32"))
    assert ((texts * MiniLM().embed_texts(TEXTS[:100])).sum(axis=1) > 0.9999).all()
    assert ((papers * MiniLM().embed_papers(passages)).sum(axis=1) > 0.9999).all()


def test_batches_are_as_large_as_the_memory_allows(little_memory: None) -> None:
    model = MiniLM()
    model.embed_query("nothing large yet")
    whole = model.embed_texts(TEXTS)
    assert 256 < model._batch.size < PIECES_ON_GPU
    assert np.isfinite(whole).all()
    assert ((whole[::100] * model.embed_texts(TEXTS[::100])).sum(axis=1) > 0.9999).all()
