"""Embedding with any sentence-transformers model: tiny random ones, built here and read by the real library."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from chatbot import PaperChatbot
from chatbot.embedding.sentence_transformer import SentenceTransformerEmbedder, hash_model
from chatbot.errors import EmbeddingError, IndexMismatch
from chatbot.records import Whole
from tests import forked
from tests.conftest import make_record

Write = Callable[..., Path]
TEXTS = ["tidal turbines turn", "honey bees dance and fly", "x"]
PROMPTS = {"query": "find: ", "document": "paper: "}


def build_model(folder: Path, pooling: str = "mean", prompts: dict[str, str] | None = None, seed: int = 0) -> Path:
    """Save a BERT of one layer with random weights and a vocabulary of letters in ``folder``."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,:%"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    bare = folder.with_name(folder.name + "-bare")
    torch.manual_seed(seed)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(pieces), max_position_embeddings=64, **size)).save_pretrained(bare)
    BertTokenizerFast(vocab={piece: at for at, piece in enumerate(pieces)}, model_max_length=64).save_pretrained(bare)
    modules = [Transformer(str(bare)), Pooling(16, pooling_mode=pooling)]
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save_pretrained(str(folder))
    shutil.rmtree(bare)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {
        "mean": build_model(root / "mean" / "tiny"),
        "cls": build_model(root / "cls" / "tiny", "cls", PROMPTS),
        "other": build_model(root / "other" / "tiny", seed=1),
    }


@pytest.mark.parametrize(("kind", "prompts"), [("mean", {"query": "", "document": ""}), ("cls", PROMPTS)])
def test_a_models_own_pooling_and_prompts_are_used(models: dict[str, Path], kind: str, prompts: dict[str, str]) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, bert = AutoTokenizer.from_pretrained(models[kind]), AutoModel.from_pretrained(models[kind])

    def reference(text: str) -> np.ndarray:
        with torch.inference_mode():
            hidden = bert(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        vector = (hidden[0] if kind == "cls" else hidden.mean(0)).numpy()
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    embedder = SentenceTransformerEmbedder(str(models[kind]))
    papers = embedder.embed_papers([Whole(text) for text in TEXTS])
    assert papers.shape == (len(TEXTS), embedder.dimensions) == (3, 16)
    assert np.allclose(papers, [reference(prompts["document"] + text) for text in TEXTS], atol=1e-5)
    assert np.allclose(embedder.embed_query(TEXTS[0]), reference(prompts["query"] + TEXTS[0]), atol=1e-5)
    assert embedder.embed_papers([]).shape == (0, 16)


def test_identity_tells_models_of_one_name_apart_and_follows_a_moved_folder(
    models: dict[str, Path], tmp_path: Path
) -> None:
    identities = {SentenceTransformerEmbedder(str(folder)).identity for folder in models.values()}
    assert len(identities) == 3
    assert {identity.partition("@")[0] for identity in identities} == {"tiny"}
    moved = shutil.copytree(models["mean"], tmp_path / "tiny")
    (moved / "README.md").write_text("Another text about the same model.")
    assert SentenceTransformerEmbedder(str(moved)).identity in identities
    pooling = next(moved.glob("1_*/config.json"))
    pooling.write_text(pooling.read_text().replace('"mean"', '"max"'))
    assert SentenceTransformerEmbedder(str(moved)).identity not in identities


def assert_found_by(model: Path, bot: PaperChatbot) -> None:
    embedder = SentenceTransformerEmbedder(str(model))
    vector, hits = embedder.embed_query("honey bees"), bot.search("honey bees")
    assert len(hits) == 6
    cosines = embedder.embed_papers([Whole(hit.paper.text) for hit in hits]) @ vector
    assert [hit.similarity for hit in hits] == pytest.approx(cosines.tolist(), abs=0.01)


def test_an_index_is_filled_searched_and_asked_with_such_a_model(
    models: dict[str, Path], tmp_path: Path, write_jsonl: Write
) -> None:
    bot = PaperChatbot(index=tmp_path / "index", embedding=str(models["cls"]))
    assert bot.ingest(write_jsonl(*(make_record(number) for number in range(6)))).added == 6
    assert_found_by(models["cls"], bot)
    answer = bot.ask("What is the measured effect on honey bees?")
    assert (answer.status, answer.citations[0].paper_id) == ("answered", "p1")
    again = PaperChatbot(index=tmp_path / "index", embedding=str(models["cls"]))
    assert_found_by(models["cls"], again)


def test_models_are_not_mixed_and_rebuild_switches(models: dict[str, Path], tmp_path: Path, write_jsonl: Write) -> None:
    index, path = tmp_path / "index", write_jsonl(*(make_record(number) for number in range(6)))
    PaperChatbot(index=index).ingest(path)
    for earlier, later in (("all-MiniLM-L6-v2", models["mean"]), (models["mean"], models["other"])):
        bot = PaperChatbot(index=index, embedding=str(later))
        with pytest.raises(IndexMismatch, match="--rebuild"):
            bot.search("bees")
        with pytest.raises(IndexMismatch, match="--rebuild"):
            bot.ingest(path)
        assert len(PaperChatbot(index=index, embedding=str(earlier)).search("bees")) == 6
        assert bot.ingest(rebuild=True).unchanged == 6
        assert_found_by(later, bot)
        with pytest.raises(IndexMismatch, match="--embedding"):
            PaperChatbot(index=index, embedding=str(earlier)).search("bees")


def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chatbot", *words]
    return forked.run(command, env=os.environ | environment)


def test_the_command_takes_the_model_and_doctor_reports_it(
    models: dict[str, Path], tmp_path: Path, write_jsonl: Write
) -> None:
    path = write_jsonl(*(make_record(number) for number in range(3)))
    index = ("--index", str(tmp_path / "index"))
    first = call("ingest", str(path), *index)
    assert first.returncode == 0, first.stderr
    switched = call("ingest", *index, "--rebuild", "--embedding", str(models["mean"]))
    assert (switched.returncode, switched.stderr.count("\n") <= 1) == (0, True), switched.stderr
    refused = call("search", "bees", *index)
    assert (refused.returncode, "made with the embedding model tiny@" in refused.stderr) == (1, True)
    found = call("search", "honey bees", *index, CHATBOT_EMBEDDING=str(models["mean"]))
    assert (found.returncode, "On honey bees" in found.stdout) == (0, True), found.stderr
    report = call("doctor", *index, "--embedding", str(models["mean"])).stdout.replace("\n", " ")
    assert f"embedding model: tiny@{hash_model(models['mean'])[:12]}, works, 16 dimensions" in report
    assert "word model: all-MiniLM-L6-v2, verified" in report


def test_a_name_on_the_hub_is_taken_from_its_local_copy(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub"
    stored = cache / "models--someone--tiny"
    shutil.copytree(models["mean"], stored / "snapshots" / ("0" * 40))
    (stored / "refs").mkdir()
    (stored / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    embedder = SentenceTransformerEmbedder("someone/tiny")
    assert (embedder.identity, embedder.dimensions) == (f"tiny@{hash_model(models['mean'])[:12]}", 16)


def test_neither_a_folder_nor_on_the_hub_says_so_in_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    for name in ("models/missing", "/no/such/folder"):
        command = [sys.executable, "-m", "chatbot", "search", "x", "--embedding", name]
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (result.returncode, len(result.stderr.strip().splitlines())) == (1, 1), result.stderr
        assert f"'{name}' is no folder here" in result.stderr
        assert "CHATBOT_EMBEDDING" in result.stderr


def test_a_folder_that_is_no_model_says_so(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match="holds no model"):
        assert SentenceTransformerEmbedder(str(tmp_path)).identity
    broken = shutil.copytree(models["mean"], tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(EmbeddingError, match="cannot be loaded") as caught:
        SentenceTransformerEmbedder(str(broken)).embed_query("x")
    assert "\n" not in str(caught.value)


def test_a_missing_package_says_what_to_install(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EmbeddingError, match=r"run: pip install 'paper-chatbot\[sentence-transformers\]'"):
        SentenceTransformerEmbedder(str(models["mean"])).embed_query("x")
