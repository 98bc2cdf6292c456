"""The scripted server behaves as servers of language models do, well or badly, seen through the real client."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionUserMessageParam

from tests.model_server import Body, ModelServer, Reply, model_server

TEXT = "Bees find  flowers,\nand “Blüten” 🐝 too."
QUESTION: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": "Who finds flowers?"}]


@pytest.fixture
def client(server: ModelServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="test", max_retries=0, timeout=10) as connected:
        yield connected


def ask(client: openai.OpenAI) -> ChatCompletion:
    return client.chat.completions.create(model="m", messages=QUESTION)


def stream(client: openai.OpenAI) -> openai.Stream[ChatCompletionChunk]:
    return client.chat.completions.create(model="m", messages=QUESTION, stream=True)


def texts(chunks: openai.Stream[ChatCompletionChunk]) -> Iterator[str]:
    for chunk in chunks:
        yield from (choice.delta.content for choice in chunk.choices if choice.delta.content)


def test_a_whole_answer_has_text_and_usage(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply(TEXT))
    answer = ask(client)
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (3, 7, 10)


def test_a_streamed_answer_comes_in_words(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply(TEXT))
    assert list(texts(stream(client))) == ["Bees", " find", "  flowers,", "\nand", " “Blüten”", " 🐝", " too."]


def test_usage_is_in_the_last_chunk_when_asked_for(server: ModelServer, client: openai.OpenAI) -> None:
    create = client.chat.completions.create
    chunks = list(create(model="m", messages=QUESTION, stream=True, stream_options={"include_usage": True}))
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []
    assert not any(chunk.usage for chunk in stream(client))


def test_a_server_can_be_unable_to_count(server: ModelServer, client: openai.OpenAI) -> None:
    server.default = Reply("Hello.", usage=False)
    create = client.chat.completions.create
    assert not any(
        c.usage for c in create(model="m", messages=QUESTION, stream=True, stream_options={"include_usage": True})
    )
    assert ask(client).usage is None


@pytest.mark.parametrize("split_bytes", [False, True])
def test_an_answer_can_come_one_character_or_byte_at_a_time(
    server: ModelServer, client: openai.OpenAI, split_bytes: bool
) -> None:
    server.script(Reply(TEXT, chunk=1, split_bytes=split_bytes))
    assert list(texts(stream(client))) == list(TEXT)


def test_split_bytes_cuts_characters_on_the_wire(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply("🐝", split_bytes=True))
    with client.chat.completions.with_streaming_response.create(model="m", messages=QUESTION, stream=True) as response:
        pieces = list(response.iter_bytes())
    assert {len(piece) for piece in pieces} == {1}
    assert "🐝" in b"".join(pieces).decode()


@pytest.mark.parametrize("chunk", [None, 100_000])
def test_ten_megabytes_are_sent_quickly(server: ModelServer, client: openai.OpenAI, chunk: int | None) -> None:
    text = "ten bytes " * 1_000_000
    server.default = Reply(text, chunk=chunk)
    start = time.monotonic()
    assert "".join(texts(stream(client))) == text
    assert ask(client).choices[0].message.content == text
    assert time.monotonic() - start < 15


def test_replies_come_in_the_order_of_the_script_and_then_by_default(
    server: ModelServer, client: openai.OpenAI
) -> None:
    server.script(Reply("one"), lambda body: Reply(body["messages"][-1]["content"].upper()))
    server.script(Reply("three"))
    server.default = Reply("again")
    answers = [ask(client).choices[0].message.content for _ in range(5)]
    assert answers == ["one", "WHO FINDS FLOWERS?", "three", "again", "again"]


def test_every_request_is_kept(server: ModelServer, client: openai.OpenAI) -> None:
    ask(client)
    client.models.list()
    assert [request.path for request in server.requests] == ["/v1/chat/completions", "/v1/models"]
    assert server.requests[0].body == {"model": "m", "messages": QUESTION}
    assert server.requests[0].headers["Authorization"] == "Bearer test"
    assert not server.requests[0].disconnected


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, openai.AuthenticationError, "invalid_api_key"),
        (429, openai.RateLimitError, "rate_limit_exceeded"),
        (500, openai.InternalServerError, None),
    ],
)
def test_errors_have_the_shape_that_the_client_knows(
    server: ModelServer, client: openai.OpenAI, status: int, error: type[openai.APIStatusError], code: str | None
) -> None:
    server.script(Reply("not now", status=status), Reply(status=status))
    for call in (ask, stream):
        with pytest.raises(error) as caught:
            call(client)
        assert caught.value.code == code
        assert caught.value.type
    assert "scripted error" in str(caught.value)


def test_a_client_told_to_wait_tries_again(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply(status=429), Reply("Welcome back."))
    start = time.monotonic()
    assert ask(client.with_options(max_retries=1)).choices[0].message.content == "Welcome back."
    assert 0.7 < time.monotonic() - start < 5
    assert len(server.requests) == 2


def test_headers_can_be_added_and_replaced(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply(status=429, headers={"Retry-After": "30", "x-request-id": "r1"}))
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    assert caught.value.response.headers["retry-after"] == "30"
    assert caught.value.request_id == "r1"


def test_unknown_addresses_are_refused(server: ModelServer, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="m", prompt="Bees")


def test_a_delay_comes_before_the_first_byte_and_pauses_between_deltas(
    server: ModelServer, client: openai.OpenAI
) -> None:
    server.script(Reply("a b c", delay=0.2, pause=0.1))
    start = time.monotonic()
    arrivals = [time.monotonic() - start for _ in texts(stream(client))]
    assert arrivals[0] >= 0.2
    assert arrivals[1] >= 0.3
    assert arrivals[2] >= 0.4
    assert arrivals[2] < 2
    sent = [moment - server.requests[0].times[0] for moment in server.requests[0].times[:3]]
    assert sent == sorted(sent)
    assert sent[1] >= 0.1


def test_a_slow_server_makes_the_client_give_up_and_notices(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply("too late", delay=30))
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.2))
    assert server.requests[0].disconnected
    assert server.requests[0].sent == 0


def test_a_connection_can_break_in_the_middle(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply("a b c d", break_after=2), Reply("a b c d", break_after=1))
    got: list[str] = []
    with pytest.raises(openai.APIConnectionError):
        got.extend(texts(stream(client)))
    with pytest.raises(openai.APIConnectionError):
        ask(client)
    assert [request.sent for request in server.requests] == [2, 1]
    assert not any(request.disconnected for request in server.requests)


def test_a_connection_can_break_before_the_answer(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply("a b", break_after=0))
    with pytest.raises(openai.APIConnectionError):
        stream(client)


def test_a_stalled_stream_makes_the_client_give_up(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply("a b c", stall_after=2))
    chunks = texts(stream(client.with_options(timeout=0.5)))
    assert [next(chunks), next(chunks)] == ["a", " b"]
    with pytest.raises(openai.APITimeoutError):
        next(chunks)
    assert server.requests[0].disconnected


def test_a_stalled_stream_goes_on_when_released(server: ModelServer, client: openai.OpenAI) -> None:
    server.default = Reply("a b c", stall_after=1)
    for _ in range(2):
        chunks = texts(stream(client))
        assert next(chunks) == "a"
        server.release()
        assert list(chunks) == [" b", " c"]
    assert not any(request.disconnected for request in server.requests)


def test_malformed_answers_are_no_json(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply("a b", malformed=True), Reply("a b", malformed=True))
    chunks = texts(stream(client))
    assert next(chunks) == "a"
    with pytest.raises(json.JSONDecodeError):
        next(chunks)
    with pytest.raises((json.JSONDecodeError, openai.APIResponseValidationError)):
        ask(client)


def test_a_reader_who_leaves_is_noticed_at_once(server: ModelServer, client: openai.OpenAI) -> None:
    server.script(Reply("word " * 1000, pause=0.02))
    chunks = stream(client)
    assert next(texts(chunks))
    chunks.close()
    assert server.requests[0].disconnected
    assert server.requests[0].sent < 100


def test_embeddings_are_unit_vectors_by_words(server: ModelServer, client: openai.OpenAI) -> None:
    given = ["honey bees find flowers", "Flowers find honey bees!", "honey bees sleep", "trams of the city", ""]
    answer = client.embeddings.create(model="e", input=given)
    vectors = np.array([item.embedding for item in answer.data])
    assert vectors.shape == (5, 64)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    near = vectors @ vectors[0]
    assert near[1] == pytest.approx(1)
    assert near[1] > near[2] > near[3]
    assert answer.usage.prompt_tokens == 15


def test_embeddings_take_one_text_or_many_in_either_encoding(server: ModelServer, client: openai.OpenAI) -> None:
    one = client.embeddings.create(model="e", input="bees", encoding_format="float").data[0].embedding
    coded = client.embeddings.create(model="e", input=["bees"], encoding_format="base64").data[0].embedding
    assert isinstance(coded, str)
    assert np.frombuffer(base64.b64decode(coded), "<f4") == pytest.approx(one)
    assert len(client.embeddings.create(model="e", input=[[1, 2], [3]]).data) == 2
    assert len(client.embeddings.create(model="e", input=[1, 2, 3]).data) == 1


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["scripted"]


def test_many_clients_are_answered_at_once(server: ModelServer, client: openai.OpenAI) -> None:
    server.default = Reply("a b", stall_after=1)
    streams = [texts(stream(client)) for _ in range(20)]
    assert [next(chunks) for chunks in streams] == ["a"] * 20
    server.release()
    assert [list(chunks) for chunks in streams] == [[" b"]] * 20


def test_closing_leaves_no_thread_even_with_clients_in_the_middle() -> None:
    before = set(threading.enumerate())
    with model_server() as server, openai.OpenAI(base_url=server.url, api_key="test", max_retries=0) as client:
        address = ("127.0.0.1", int(server.url.split(":")[2].removesuffix("/v1")))
        with socket.create_connection(address) as silent:
            server.script(Reply("a b", stall_after=1), Reply("word " * 2_000_000))
            stalled, unread = stream(client), stream(client)
            start = time.monotonic()
            server.close()
            assert time.monotonic() - start < 5
            assert set(threading.enumerate()) == before
            silent.close()
        stalled.close()
        unread.close()


def test_a_behaviour_that_fails_fails_the_test() -> None:
    def behaviour(body: Body) -> Reply:
        raise KeyError(body["model"])

    def run() -> None:
        with model_server() as server, openai.OpenAI(base_url=server.url, api_key="test", max_retries=0) as client:
            server.script(behaviour)
            with pytest.raises(openai.InternalServerError, match="behaviour failed"):
                ask(client)

    with pytest.raises(KeyError, match="m"):
        run()
