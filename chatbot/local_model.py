"""Run a language model in this process with transformers, as a LangChain chat model that streams and can be stopped.

Knows model folders, tokens and the hardware; knows nothing of papers, prompts or other providers.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from chatbot.errors import ModelError
from chatbot.generation import Generation, cut_at_stop

ROLES = {"system": "system", "human": "user", "ai": "assistant"}
PLAIN_TEMPLATE = (
    "{{ bos_token or '' }}{% for message in messages %}{{ message.role }}: {{ message.content }}\n\n{% endfor %}"
    "assistant:"
)


class TransformersChat(BaseChatModel):
    """A causal language model from a folder or by its Hugging Face name, on the GPU when there is one.

    ``max_tokens`` bounds an answer; ``temperature`` 0 takes the likeliest token each time; ``timeout`` is in
    seconds from the call to the last token; all three can be given to a single call too. ``threads`` is how many
    cores to compute with, all by default. One answer is written at a time. Creating it loads the model and raises
    ModelError when that fails.
    """

    model: str
    max_tokens: int = 800
    temperature: float = 0.0
    timeout: float | None = None
    threads: int | None = None

    _decoder: Any = PrivateAttr()
    _encoder: Any = PrivateAttr()
    _network: Any = PrivateAttr()
    _turn: Lock = PrivateAttr(default_factory=Lock)
    _encoding: Lock = PrivateAttr(default_factory=Lock)

    def model_post_init(self, context: Any, /) -> None:
        """Load tokenizer and weights."""
        self._decoder, self._network = load_files(self.model)
        self._encoder = deepcopy(self._decoder)  # encoding changes a tokenizer's state, and decoding must not meet it
        self.threads = self.threads or _count_threads()

    @property
    def _llm_type(self) -> str:
        return "transformers"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "max_tokens": self.max_tokens, "temperature": self.temperature}

    @property
    def context_size(self) -> int | None:
        """Return how many tokens prompt and answer may have together, None when there is no bound."""
        size = getattr(self._network.config.get_text_config(), "max_position_embeddings", None)
        return int(size) if size else None

    def count_tokens(self, messages: Sequence[BaseMessage]) -> int:
        """Return how many tokens ``messages`` are as a prompt."""
        return int(self._encode(messages)["input_ids"].shape[1])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Yield the answer as it is generated, then one chunk with the usage; leaving early ends the generation."""
        limits = {name: kwargs.get(name, getattr(self, name)) for name in ("max_tokens", "temperature")}
        text = Generation(self._decoder, kwargs.get("timeout", self.timeout))
        counts: dict[str, int] = {}
        # Not a daemon: at exit the interpreter must not vanish under a thread that is inside torch.
        worker = Thread(target=self._work, args=(text, messages, limits, counts), name="transformers-chat")
        worker.start()
        try:
            for piece in cut_at_stop(text, stop or []):
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        finally:
            text.left.set()
        worker.join()  # a stop sequence ends the text a few tokens before the worker
        if text.error:
            raise text.error
        full = text.read_whole and counts["output_tokens"] >= counts.pop("limit")
        usage = UsageMetadata(
            input_tokens=counts["input_tokens"],
            output_tokens=counts["output_tokens"],
            total_tokens=counts["input_tokens"] + counts["output_tokens"],
        )
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", usage_metadata=usage, chunk_position="last"),
            generation_info={"finish_reason": "length" if full else "stop", "model_name": self.model},
        )

    def _work(
        self, text: Generation, messages: list[BaseMessage], limits: dict[str, Any], counts: dict[str, int]
    ) -> None:
        import torch

        # Whatever else runs torch here may have left new threads with one core.
        torch.set_num_threads(self.threads or 1)
        try:
            with text.holding(self._turn):
                counts |= self._write(text, messages, **limits)
        except Exception as error:
            text.end(error)
        else:
            text.end()

    def _write(
        self, text: Generation, messages: list[BaseMessage], max_tokens: int, temperature: float
    ) -> dict[str, int]:
        """Generate until an end token, ``max_tokens``, the end of the context, the deadline, or the reader leaves."""
        prompt = self._encode(messages).to(self._network.device)
        length = prompt["input_ids"].shape[1]
        room = self.context_size - length if self.context_size else max_tokens
        if room < 1:
            raise ModelError(
                f"the prompt has {length:,} tokens, and {self.model} reads at most {self.context_size:,} with the "
                "answer; ask something shorter or choose a model with a longer context",
                "context",
            )
        sampling = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
        limit = min(max_tokens, room)
        output = self._network.generate(
            **prompt,
            **sampling,
            max_new_tokens=limit,
            pad_token_id=_pad_token(self._decoder, self._network),
            streamer=text.streamer,
            stopping_criteria=[text.should_stop],
        )
        return {"input_tokens": length, "output_tokens": output.shape[1] - length, "limit": limit}

    def _encode(self, messages: Sequence[BaseMessage]) -> Any:
        """Return the prompt as token ids and mask, shape (1, tokens) each, in the model's own form of a chat."""
        from jinja2 import TemplateError

        turns = [{"role": ROLES.get(message.type, "user"), "content": str(message.text)} for message in messages]
        options = {
            "chat_template": None if self._encoder.chat_template else PLAIN_TEMPLATE,
            "add_generation_prompt": True,
            # The text of a paper must not be able to end its own turn.
            "sanitize_control_tokens": True,
            "enable_thinking": False,
            "return_tensors": "pt",
            "return_dict": True,
        }
        with self._encoding:
            try:
                return self._encoder.apply_chat_template(turns, **options)
            except TemplateError:  # some models know no system role
                return self._encoder.apply_chat_template(fold_system(turns), **options)


def fold_system(turns: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Return ``turns`` with the system's words put before the user's first."""
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    others = [dict(turn) for turn in turns if turn["role"] != "system"]
    if others and system:
        others[0]["content"] = "\n\n".join([*system, others[0]["content"]])
    return others


def load_files(name: str) -> tuple[Any, Any]:
    """Return tokenizer and network of a folder, or of a Hugging Face name, on the best device.

    Raises ModelError, in one line, when there is no such model or it cannot be loaded.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = Path(name).expanduser()
    source = str(folder) if folder.is_dir() else name
    try:
        device, dtype = choose_device()
        tokenizer = AutoTokenizer.from_pretrained(source)
        network = AutoModelForCausalLM.from_pretrained(source, dtype=dtype).to(device)
    except Exception as error:
        raise ModelError(_explain_failure(name, folder, error), "load") from error
    return tokenizer, network


def _explain_failure(name: str, folder: Path, error: Exception) -> str:
    if folder.is_dir():
        reason = next(iter(str(error).splitlines()), "")[:200].rstrip(" :") or type(error).__name__
        needs = "a model's folder has config.json, the files of the tokenizer and the weights"
        return f"the language model in {name} cannot be loaded ({reason}); {needs}"
    if name.startswith((".", "/", "~")):
        return f"there is no folder {name}; give the folder of a language model or its Hugging Face name"
    reason = type(error).__name__
    return f"the language model {name} could not be had from Hugging Face ({reason}); run: hf download {name}"


def choose_device() -> tuple[str, Any]:
    """Return the device and torch's number format: bfloat16 where the hardware computes with it."""
    import torch

    if torch.cuda.is_available():
        return "cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if torch.backends.mps.is_available():
        return "mps", torch.float16
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return "cpu", torch.bfloat16 if has_bf16 else torch.float32


def _count_threads() -> int:
    """Return how many threads a fresh process would compute with, whatever torch was told since."""
    import torch
    from threadpoolctl import threadpool_info

    found = [torch.get_num_threads()]
    fresh = Thread(
        target=lambda: found.extend(p["num_threads"] for p in threadpool_info() if p["user_api"] == "openmp")
    )
    fresh.start()
    fresh.join()
    return int(max(found))


def _pad_token(tokenizer: Any, network: Any) -> int:
    end = network.generation_config.eos_token_id
    end = end[0] if isinstance(end, list) else end
    return next((token for token in (tokenizer.pad_token_id, tokenizer.eos_token_id, end) if token is not None), 0)
