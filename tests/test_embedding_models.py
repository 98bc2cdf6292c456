"""Embedding models other than the bundled one: from a folder, or behind OpenAI's interface."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chatbot import PaperChatbot
from chatbot.embedding import load_embedder
from chatbot.errors import EmbeddingError, IndexMismatch
from chatbot.settings import load_settings
from tests.conftest import make_record
from tests.model_server import model_server

Write = Callable[..., Path]


def save_model(folder: Path, pooling: str = "mean", seed: int = 0, prompts: dict[str, str] | None = None) -> Path:
    """Save a tiny random BERT as a sentence-transformers model."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = (
        "[PAD] [UNK] [CLS] [SEP] [MASK] query : honey bees tidal turbines glacier melt opera singing we study".split()
    )
    base = folder.with_name(folder.name + "-base")
    base.mkdir()
    (base / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(base)
    BertTokenizerFast(str(base / "vocab.txt")).save_pretrained(base)
    modules = [Transformer(str(base)), Pooling(16, pooling_mode=pooling)]
    SentenceTransformer(modules=modules, prompts=prompts or {}, device="cpu").save(str(folder))
    return folder


def embed(folder: Path) -> Any:
    return load_embedder(load_settings(embedding=str(folder)))


def test_a_folder_is_used_with_its_own_pooling_and_prompts(tmp_path: Path) -> None:
    mean = embed(save_model(tmp_path / "mean"))
    cls = embed(save_model(tmp_path / "cls", pooling="cls"))
    prompted = embed(save_model(tmp_path / "prompted", prompts={"query": "query : ", "document": ""}))
    assert mean.dimensions == 16
    assert np.allclose(mean.embed_query("honey bees"), mean.embed_papers(["honey bees"])[0], atol=1e-5)
    assert not np.allclose(mean.embed_query("honey bees"), cls.embed_query("honey bees"), atol=1e-3)
    assert not np.allclose(prompted.embed_query("honey bees"), prompted.embed_papers(["honey bees"])[0], atol=1e-3)
    assert np.allclose(np.linalg.norm(mean.embed_papers(["a", "honey bees melt"]), axis=1), 1, atol=1e-4)


def test_two_models_of_one_name_have_two_identities(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
    one = embed(save_model(tmp_path / "a" / "model", seed=1))
    other = embed(save_model(tmp_path / "b" / "model", seed=2))
    assert one.identity != other.identity
    assert one.identity.startswith("model@")


def test_an_index_remembers_its_model_and_can_be_rebuilt_with_another(tmp_path: Path, write_jsonl: Write) -> None:
    papers = write_jsonl(*(make_record(number) for number in range(6)))
    folder = save_model(tmp_path / "model")
    bot = PaperChatbot(index=tmp_path / "index", embedding=str(folder))
    bot.ingest(papers)
    assert bot.search("honey bees")[0].paper.title.startswith("On honey bees")
    assert bot.ask("What is the effect on honey bees?").citations[0].title.startswith("On honey bees")
    default = PaperChatbot(index=tmp_path / "index")
    with pytest.raises(IndexMismatch, match="--embedding"):
        default.search("honey bees")
    default.ingest(rebuild=True)
    assert PaperChatbot(index=tmp_path / "index").search("honey bees")[0].paper.title.startswith("On honey bees")


def test_a_compatible_server_embeds(tmp_path: Path, write_jsonl: Write) -> None:
    papers = write_jsonl(*(make_record(number) for number in range(6)))
    with model_server() as server:
        options: dict[str, Any] = {"embedding": "openai:tiny", "openai_base_url": server.url, "model": "extractive"}
        bot = PaperChatbot(index=tmp_path / "index", **options)
        bot.ingest(papers)
        assert bot.search("honey bees")[0].paper.title.startswith("On honey bees")
        assert "openai:tiny@127.0.0.1/64" in load_embedder(bot.settings).identity
        inputs = [request.body["input"] for request in server.requests if "input" in request.body]
    assert all(isinstance(text, str) for texts in inputs for text in texts)  # text, not numbers of a fetched tokenizer


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match="OPENAI_API_KEY"):
        load_embedder(load_settings(embedding="openai:tiny"))
    with pytest.raises(EmbeddingError, match="CHATBOT_EMBEDDING"):
        embed(tmp_path / "none").embed_query("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmbeddingError, match="holds no model"):
        _ = embed(tmp_path / "empty").identity
    gone = load_settings(embedding="openai:tiny", openai_base_url="http://127.0.0.1:9/v1")
    with pytest.raises(EmbeddingError, match="cannot be reached"):
        load_embedder(gone).embed_query("x")
