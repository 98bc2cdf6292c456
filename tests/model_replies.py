"""Replies of a scripted language model, and the bytes that OpenAI's interface makes of them.

Knows the shapes of OpenAI's bodies and server-sent events; knows nothing of sockets, papers or the product.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Body = dict[str, Any]
Vector = npt.NDArray[np.float32]

MODEL = "scripted"
DIMENSION = 64
MOST_DELTAS = 2000  # an answer in words never has more, or the client would take minutes over 10 MB
ERRORS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to a chat request, and how it is sent.

    A reply that is not streamed counts as two deltas: the halves of its body. With ``break_after`` or
    ``stall_after`` at 0 not even the headers are sent.

    Attributes:
        text: the answer; with a status other than 200, the error's message.
        status: HTTP status.
        headers: more headers, or others in place of the usual.
        delay: seconds before the first byte.
        chunk: characters a delta; None sends words, several at a time when there are more than 2000.
        pause: seconds between deltas.
        break_after: close the connection after so many deltas.
        stall_after: send nothing after so many deltas, until the server's ``release`` or the client leaves.
        malformed: send an event that is not JSON after the first delta; only half of a body that is not streamed.
        split_bytes: send each byte by itself, in an HTTP chunk of its own.
        usage: report token counts; a server that cannot leaves them out even when asked.
    """

    text: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    chunk: int | None = None
    pause: float = 0.0
    break_after: int | None = None
    stall_after: int | None = None
    malformed: bool = False
    split_bytes: bool = False
    usage: bool = True


Behaviour = Callable[[Body], Reply]


def models() -> bytes:
    """Return the answer to a request for the models there are."""
    card = {"id": MODEL, "object": "model", "created": 0, "owned_by": "tests"}
    return _json({"object": "list", "data": [card]})


def embeddings(body: Body) -> bytes:
    """Return the answer to a request for embeddings of a text, a list of texts, or tokens in their place."""
    given = body["input"]
    is_list = isinstance(given, list) and not (given and isinstance(given[0], int))
    texts = [_as_text(item) for item in (given if is_list else [given])]
    in_base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _encode(vector) if in_base64 else vector.tolist()}
        for index, vector in enumerate(map(embed, texts))
    ]
    count = sum(len(text.split()) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return _json({"object": "list", "data": data, "model": body.get("model", MODEL), "usage": usage})


def embed(text: str) -> Vector:
    """Return a unit vector of 64 numbers: the sum of one for each word, from the word's BLAKE2b hash.

    Texts that share words are near each other; case and order of words do not count.
    """
    words = re.findall(r"\w+", text.casefold()) or [text]
    digests = b"".join(hashlib.blake2b(word.encode(), digest_size=DIMENSION).digest() for word in words)
    total = np.frombuffer(digests, np.uint8).reshape(-1, DIMENSION).sum(axis=0) - 127.5 * len(words)
    return np.asarray(total / np.linalg.norm(total), np.float32)


def chat_pieces(body: Body, reply: Reply) -> list[bytes]:
    """Return the body of the answer to a chat request in the pieces that are sent one by one."""
    streamed = reply.status == 200 and bool(body.get("stream"))
    if not streamed:
        return _halves(_whole(body, reply))[: 1 if reply.malformed else 2]
    pieces = _events(body, reply)
    if reply.malformed:
        pieces[0] += b'data: {"choices": [{"del\n\n'
    return pieces


def message_text(message: Body) -> str:
    """Return the text of a chat message, whether it is a string or a list of parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _events(body: Body, reply: Reply) -> list[bytes]:
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": body.get("model", MODEL)}
    asked = reply.usage and bool((body.get("stream_options") or {}).get("include_usage"))
    counted = common | {"usage": None} if asked else common
    deltas = [{"role": "assistant", "content": text} for text in _split(reply.text, reply.chunk)]
    chunks = [counted | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append(counted | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if asked:
        chunks.append(common | {"choices": [], "usage": _usage(body, reply)})
    return [b"data: " + _json(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def _split(text: str, size: int | None) -> list[str]:
    if size is not None:
        return [text[at : at + size] for at in range(0, len(text), size)]
    words = re.findall(r"\s*\S+|\s+", text)
    group = -(-len(words) // MOST_DELTAS) or 1
    return ["".join(words[at : at + group]) for at in range(0, len(words), group)]


def _whole(body: Body, reply: Reply) -> Body:
    if reply.status != 200:
        kind, code = ERRORS.get(reply.status, ("server_error", None))
        return {"error": {"message": reply.text or "scripted error", "type": kind, "param": None, "code": code}}
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body.get("model", MODEL)}
    return answer | {"choices": [choice]} | ({"usage": _usage(body, reply)} if reply.usage else {})


def _halves(content: Body) -> list[bytes]:
    encoded = _json(content)
    return [encoded[: len(encoded) // 2], encoded[len(encoded) // 2 :]]


def _usage(body: Body, reply: Reply) -> dict[str, int]:
    """Return token counts, with a word for a token."""
    prompt = sum(len(message_text(message).split()) for message in body.get("messages", []))
    completion = len(reply.text.split())
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _as_text(item: str | list[int]) -> str:
    return item if isinstance(item, str) else " ".join(map(str, item))


def _encode(vector: Vector) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _json(content: Body) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
