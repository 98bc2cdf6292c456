"""Embedding with a model on an OpenAI-compatible server, through the real client and real HTTP."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from chatbot import PaperChatbot
from chatbot.embedding import openai_server
from chatbot.embedding.openai_server import OpenAIEmbedder
from chatbot.errors import EmbeddingError, IndexMismatch, InputError
from chatbot.records import Whole
from tests import forked
from tests.conftest import make_record
from tests.embedding_server import DIMENSIONS, EmbeddingServer, embed, serve_embeddings

Write = Callable[..., Path]
KEY = "sk-very-secret"


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with serve_embeddings() as running:
        yield running


@pytest.fixture
def embedder(server: EmbeddingServer) -> OpenAIEmbedder:
    return OpenAIEmbedder("tiny", SecretStr(KEY), server.url)


def test_vectors_are_the_servers_at_unit_length_and_in_order(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    texts = [f"text number {number}" for number in range(70)]
    expected = np.array([embed(text) for text in texts])
    vectors = embedder.embed_papers([Whole(text) for text in texts])
    assert vectors.shape == (70, embedder.dimensions) == (70, DIMENSIONS)
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    assert np.allclose(embedder.embed_query(texts[5]), vectors[5])
    assert embedder.embed_papers([]).shape == (0, DIMENSIONS)
    first = server.requests[0]
    assert (first["model"], first["input"], first["encoding_format"]) == ("tiny", texts[:32], "float")
    assert set(server.keys) == {f"Bearer {KEY}"}


def test_identity_has_model_host_and_dimensions(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    assert embedder.identity == f"openai:tiny@127.0.0.1/{DIMENSIONS}"
    server.dimensions = 8
    assert OpenAIEmbedder("tiny", None, server.url).identity == "openai:tiny@127.0.0.1/8"


def test_an_index_is_filled_searched_and_asked_through_a_server(
    server: EmbeddingServer, tmp_path: Path, write_jsonl: Write
) -> None:
    def open_index(embedding: str = "openai:tiny") -> PaperChatbot:
        return PaperChatbot(index=tmp_path / "index", embedding=embedding, openai_base_url=server.url)

    bot = open_index()
    assert bot.ingest(write_jsonl(*(make_record(number) for number in range(6)))).added == 6
    assert bot.search("On honey bees, part 1")[0].paper.id == "p1"
    answer = bot.ask("What is the measured effect on honey bees?")
    assert (answer.status, answer.citations[0].paper_id) == ("answered", "p1")
    with pytest.raises(IndexMismatch, match=r"made with the embedding model openai:tiny@127\.0\.0\.1/32, not openai:x"):
        open_index("openai:x").search("bees")
    server.dimensions = 8
    with pytest.raises(IndexMismatch, match=r"not openai:tiny@127\.0\.0\.1/8"):
        open_index().search("bees")
    assert open_index().ingest(rebuild=True).unchanged == 6
    assert open_index().search("On honey bees, part 1")[0].paper.id == "p1"


def test_the_command_reads_the_servers_address_from_the_environment(
    server: EmbeddingServer, tmp_path: Path, write_jsonl: Write
) -> None:
    path, index = write_jsonl(make_record(1)), str(tmp_path / "index")
    environment = os.environ | {"OPENAI_BASE_URL": server.url, "CHATBOT_EMBEDDING": "openai:tiny"}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chatbot", *words, "--index", index]
        return forked.run(command, env=environment)

    assert call("ingest", str(path)).returncode == 0
    assert "On honey bees" in call("search", "bees").stdout
    assert "openai:tiny@127.0.0.1/32, works, 32 dimensions" in call("doctor").stdout
    server.behaviour = 401
    result = call("search", "bees")
    assert (result.returncode, result.stderr.strip()) == (
        1,
        f"error: {server.url} refused the key; check OPENAI_API_KEY",
    )


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (401, "refused the key; check OPENAI_API_KEY"),
        (403, "refused the key; check OPENAI_API_KEY"),
        (404, "has no such model; check OPENAI_BASE_URL and the model's name, tiny"),
        (400, "failed (400: "),
        ("garbage", "did not answer with embeddings"),
        ("short", "did not answer with one vector a text"),
        ("uneven", "did not answer with one vector a text"),
    ],
)
def test_what_goes_wrong_is_one_line_without_the_key(
    server: EmbeddingServer, embedder: OpenAIEmbedder, behaviour: str | int, message: str
) -> None:
    server.behaviour = behaviour
    with pytest.raises(EmbeddingError) as caught:
        embedder.embed_papers([Whole("a"), Whole("b"), Whole("c")])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("behaviour", "message"), [(429, "no more requests now"), (503, "failed (503: ")])
def test_a_busy_or_failing_server_is_tried_again_a_few_times(
    server: EmbeddingServer, embedder: OpenAIEmbedder, behaviour: int, message: str
) -> None:
    server.behaviour = behaviour
    with pytest.raises(EmbeddingError) as caught:
        embedder.embed_query("a")
    assert message in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(server.requests) == 1 + openai_server.RETRIES


def test_a_server_that_stalls_or_is_not_there_is_given_up(
    server: EmbeddingServer, embedder: OpenAIEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_server, "RETRIES", 0)
    monkeypatch.setattr(openai_server, "ANSWER_SECONDS", 0.3)
    server.behaviour = "stall"
    with pytest.raises(EmbeddingError, match="did not answer in time"):
        embedder.embed_query("a")
    with pytest.raises(EmbeddingError, match="cannot be reached; check OPENAI_BASE_URL") as caught:
        OpenAIEmbedder("tiny", None, "http://user:secret@127.0.0.1:9/v1").embed_query("a")
    assert "secret" not in str(caught.value)


def test_settings_that_cannot_work_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match="needs OPENAI_API_KEY, or OPENAI_BASE_URL"):
        PaperChatbot(index=tmp_path, embedding="openai:tiny")
    with pytest.raises(EmbeddingError, match="openai:text-embedding-3-small"):
        PaperChatbot(index=tmp_path, embedding="openai:")
    with pytest.raises(InputError, match="OPENAI_BASE_URL"):
        PaperChatbot(index=tmp_path, embedding="openai:tiny", openai_base_url="localhost")


def test_a_missing_package_says_what_to_install(embedder: OpenAIEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_openai", None)
    with pytest.raises(EmbeddingError, match=r"run: pip install 'paper-chatbot\[openai\]'"):
        embedder.embed_query("x")
