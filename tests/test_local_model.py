"""A language model in this process: a tiny one that the tests build and save, through the real loading code."""

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from chatbot.errors import ModelError
from chatbot.generation import cut_at_stop
from chatbot.local_model import TransformersChat
from tests import forked

CHAT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
CONTEXT = 2048


def save_tokenizer(folder: Path, template: str | None) -> int:
    """Save a byte-level tokenizer with a few words of its own; return the size of its vocabulary."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>", "</s>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["we study honey bees and tidal turbines in the sea"] * 3, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", chat_template=template)
    fast.save_pretrained(folder)
    return len(fast)


def save_model(folder: Path, template: str | None = CHAT, vocabulary: int = 0) -> str:
    """Save a random Llama of two layers that never ends by itself; return its folder as a name."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    size = save_tokenizer(folder, template)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=vocabulary or size,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        bos_token_id=None,
        eos_token_id=None,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(folder: str) -> TransformersChat:
    return TransformersChat(model=folder, max_tokens=60, threads=1)


def writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "transformers-chat"]


def test_a_stream_comes_in_pieces_and_equals_the_whole_answer(model: TransformersChat) -> None:
    whole = model.invoke("what do bees study?")
    chunks = list(model.stream("what do bees study?"))
    assert len([chunk for chunk in chunks if chunk.content]) > 1
    assert "".join(str(chunk.content) for chunk in chunks) == whole.content
    assert not writers()


def test_usage_is_counted_in_the_result_and_in_the_last_chunk_only(model: TransformersChat) -> None:
    prompt = model.count_tokens([HumanMessage("hello")])
    expected = {"input_tokens": prompt, "output_tokens": 60, "total_tokens": prompt + 60}
    whole = model.invoke("hello")
    assert whole.usage_metadata == expected
    assert whole.response_metadata["finish_reason"] == "length"
    *others, last = model.stream("hello")
    assert last.usage_metadata == expected
    assert not any(chunk.usage_metadata for chunk in others)


def test_max_tokens_and_temperature_can_be_given_to_one_call(model: TransformersChat) -> None:
    usage = model.invoke("hello", max_tokens=5).usage_metadata
    assert usage is not None
    assert usage["output_tokens"] == 5
    assert model.invoke("hello").content == model.invoke("hello").content
    assert model.invoke("hello", temperature=5.0).content != model.invoke("hello", temperature=5.0).content


def test_text_ends_before_a_stop_sequence(model: TransformersChat) -> None:
    whole = str(model.invoke("hello").content)
    stop = whole[20:24]
    cut = model.invoke("hello", stop=[stop, "never said"])
    assert cut.content == whole[: whole.index(stop)]
    assert cut.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("pieces", "stops", "text"),
    [
        (["ab", "cd"], [], "abcd"),
        (["a#", "#", "b"], ["##"], "a"),
        (["a#", "b#"], ["##"], "a#b#"),
        (["##b"], ["##"], ""),
        (["one END", " two"], ["END", "one EN"], ""),
    ],
)
def test_a_stop_sequence_is_found_across_pieces(pieces: list[str], stops: list[str], text: str) -> None:
    assert "".join(cut_at_stop(pieces, stops)) == text


@pytest.fixture(scope="module")
def tenth(model: TransformersChat) -> float:
    """Return the seconds that a tenth of the longest answer takes, with a second to spare."""
    started = time.perf_counter()
    model.invoke("hello", max_tokens=190)
    return time.perf_counter() - started + 1


def test_generation_ends_when_the_reader_leaves(model: TransformersChat, tenth: float) -> None:
    stream: Any = model.stream("hello", max_tokens=1900)
    next(stream)
    (writer,) = writers()
    stream.close()
    writer.join(tenth)
    assert not writer.is_alive()


def test_generation_ends_when_the_reader_breaks_off(model: TransformersChat, tenth: float) -> None:
    for _ in model.stream("hello", max_tokens=1900):
        (writer,) = writers()
        break
    writer.join(tenth)
    assert not writer.is_alive()


def test_a_deadline_ends_the_stream_with_a_line(model: TransformersChat) -> None:
    with pytest.raises(ModelError, match=r"not done after 0\.2 s; allow more with CHATBOT_MODEL_TIMEOUT") as caught:
        list(model.stream("hello", max_tokens=1900, timeout=0.2))
    assert caught.value.kind == "timeout"


def test_a_slow_reader_is_not_a_late_model(model: TransformersChat) -> None:
    pieces = 0
    for _ in model.stream("hello", max_tokens=20, timeout=1):
        pieces += 1
        if pieces == 1:
            time.sleep(1.1)
    assert pieces > 1


def test_two_readers_are_served_one_after_the_other(model: TransformersChat) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(model.invoke("hello").content)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [model.invoke("hello").content] * 2


def test_a_prompt_longer_than_the_context_is_refused_and_a_long_one_gets_what_is_left(model: TransformersChat) -> None:
    with pytest.raises(ModelError, match=f"reads at most {CONTEXT:,}") as caught:
        model.invoke("word " * CONTEXT)
    assert caught.value.kind == "context"
    assert "\n" not in str(caught.value)
    long = HumanMessage("q" * (CONTEXT - 50))
    usage = model.invoke([long]).usage_metadata
    assert usage is not None
    assert usage["total_tokens"] == CONTEXT


def test_a_failure_while_generating_reaches_the_reader(tmp_path: Path) -> None:
    broken = TransformersChat(model=save_model(tmp_path, vocabulary=10))
    with pytest.raises(IndexError):
        list(broken.stream("hello"))
    assert not writers()


def test_a_tokenizer_without_a_template_gets_roles_in_plain_text(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    plain = TransformersChat(model=save_model(tmp_path, template=None))
    text = "system: be brief\n\nuser: hello\n\nassistant:"
    expected = len(AutoTokenizer.from_pretrained(tmp_path)(text)["input_ids"])
    assert plain.count_tokens([SystemMessage("be brief"), HumanMessage("hello")]) == expected


def test_a_template_without_a_system_role_gets_its_words_from_the_user(tmp_path: Path) -> None:
    template = NO_SYSTEM + CHAT.removeprefix("{% for m in messages %}")
    model = TransformersChat(model=save_model(tmp_path, template=template))
    apart = model.count_tokens([SystemMessage("be brief"), HumanMessage("hello")])
    assert apart == model.count_tokens([HumanMessage("be brief\n\nhello")])


def test_control_tokens_in_a_text_are_only_text(model: TransformersChat) -> None:
    without, with_token = (model.count_tokens([HumanMessage(text)]) for text in ("a", "a<|im_end|>"))
    assert with_token - without > 5


def test_generation_uses_all_cores_whatever_torch_was_told_before(folder: str) -> None:
    import torch

    count = [sys.executable, "-c", "import torch; print(torch.get_num_threads())"]
    fresh = int(forked.run(count, check=True).stdout)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert TransformersChat(model=folder).threads == fresh
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./missing", "there is no folder ./missing"),
        ("nobody/nothing-at-all", "run: hf download nobody/nothing-at-all"),
        (".", "the language model in . cannot be loaded"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else the hub is tried again and again
    with pytest.raises(ModelError) as caught:
        TransformersChat(model=name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
