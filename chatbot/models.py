"""Turn a model's name into a LangChain chat model, and whatever goes wrong with one into a line for the user.

Knows providers, their packages, limits and exceptions; knows nothing of papers or prompts. A provider's library is
imported only when it is chosen.
"""

import importlib.util
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chatbot.answers import EXTRACTIVE
from chatbot.errors import InputError, ModelError, ModelMissing
from chatbot.settings import OPENAI_URL, Settings, is_openai

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

DEFAULT_OPENAI_MODEL = "gpt-5-mini"
NO_KEY = "none"  # the client library insists on a key, and a server of one's own asks for none
THINKING_TOKENS = 4000  # what a model thinks counts as answered, and must not use up the answer
CHOICES = "auto, extractive, openai:MODEL, ollama:MODEL, huggingface:FOLDER-OR-NAME or another LangChain PROVIDER:MODEL"

_THINKS = re.compile(r"^(o\d|gpt-5)(?!.*(chat|pro))")
_FIXED_TEMPERATURE = re.compile(r"(^|/)(o\d|gpt-5(?!.*chat)|claude-(opus-4-[7-9]|(opus|sonnet|haiku|fable)-[5-9]))")


def resolve_model(name: str, settings: Settings) -> str:
    """Return what ``name`` stands for: ``extractive`` or ``provider:model`` in full.

    Behind a base URL without a model's name, the server is asked for its first. Raises InputError for a name in no
    known form, ModelError when the server cannot be asked.
    """
    if name == "auto":
        name = "openai" if settings.openai_api_key or settings.openai_base_url else EXTRACTIVE
    if name == EXTRACTIVE:
        return name
    provider, _, model = name.partition(":")
    provider = provider.replace("-", "_").lower()
    if provider == "openai" and not model:
        model = DEFAULT_OPENAI_MODEL if is_openai(settings.openai_base_url) else _first_model(settings)
    if not model:
        raise InputError(f"unknown model '{name}'; use {CHOICES}")
    return f"{provider}:{model}"


def load_model(name: str, settings: Settings) -> "BaseChatModel | None":
    """Return the chat model that ``name`` stands for (see resolve_model), None for ``extractive``.

    It answers with temperature 0 where the model lets that be chosen, at most ``max_answer_tokens`` long, within
    ``model_timeout`` seconds between two words, after at most ``model_retries`` further tries with the client
    library's own pauses. Raises InputError for an unknown provider, ModelMissing when a package is not installed,
    ModelError when there is no key, or no such model in this process.
    """
    full = resolve_model(name, settings)
    if full == EXTRACTIVE:
        return None
    provider, _, model = full.partition(":")
    if provider == "huggingface":
        from chatbot.local_model import TransformersChat

        return TransformersChat(model=model, max_tokens=settings.max_answer_tokens, timeout=settings.model_timeout)
    return _from_langchain(provider, model, settings)


def _from_langchain(provider: str, model: str, settings: Settings) -> "BaseChatModel":
    _require(provider)
    from langchain.chat_models import init_chat_model
    from pydantic import ValidationError

    options = {"openai": _openai_options, "ollama": _ollama_options}.get(provider, _usual_options)(model, settings)
    if not _FIXED_TEMPERATURE.search(model):
        options["temperature"] = 0
    try:
        made: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    except ImportError as error:
        package = getattr(error.__cause__, "name", None) or f"langchain_{provider}"
        raise ModelMissing(
            f"{provider} models need a package; run: pip install {package.split('.')[0].replace('_', '-')}"
        ) from error
    except ValidationError as error:
        raise ModelError(f"{provider}:{model} cannot be set up; is the key of {provider} set?", "key") from error
    except ValueError as error:
        raise InputError(f"unknown provider '{provider}'; use {CHOICES}") from error
    except Exception as error:
        raise explain(error, f"{provider}:{model}") from error
    return made


def _require(provider: str) -> None:
    if provider in ("openai", "ollama") and importlib.util.find_spec(f"langchain_{provider}") is None:
        raise ModelMissing(f"{provider} models need a package; run: pip install 'paper-chatbot[{provider}]'")


def _usual_options(model: str, settings: Settings) -> dict[str, Any]:
    """Return what most of LangChain's providers call their limits."""
    return {
        "timeout": settings.model_timeout,
        "max_retries": settings.model_retries,
        "max_tokens": settings.max_answer_tokens,
    }


def _openai_options(model: str, settings: Settings) -> dict[str, Any]:
    options = _usual_options(model, settings) | _openai_access(settings) | {"stream_usage": True}
    if not is_openai(settings.openai_base_url):
        # Not every such server knows the newer name of this limit, which the library would send.
        options["extra_body"] = {"max_tokens": options.pop("max_tokens")}
    elif _THINKS.search(model):
        options |= {"reasoning_effort": "low", "max_tokens": options["max_tokens"] + THINKING_TOKENS}
    return options


def _ollama_options(model: str, settings: Settings) -> dict[str, Any]:
    return {"num_predict": settings.max_answer_tokens, "client_kwargs": {"timeout": settings.model_timeout}}


def _openai_access(settings: Settings) -> dict[str, Any]:
    """Return address and key, explicitly, so that the library looks for neither. Raises ModelError without a key."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    if not key and is_openai(settings.openai_base_url):
        raise ModelError("openai models need a key; set OPENAI_API_KEY, or OPENAI_BASE_URL for your own server", "key")
    return {"base_url": settings.openai_base_url or OPENAI_URL, "api_key": key or NO_KEY}


def _first_model(settings: Settings) -> str:
    _require("openai")
    from openai import OpenAI

    access = _openai_access(settings)
    try:
        with OpenAI(
            base_url=access["base_url"],
            api_key=access["api_key"],
            timeout=settings.model_timeout,
            max_retries=settings.model_retries,
        ) as client:
            offered = [model.id for model in client.models.list().data or []]
    except Exception as error:
        raise explain(error, "openai") from error
    able = [model for model in offered if "embed" not in model.lower()]  # local servers list embedding models too
    if not able:
        raise ModelError("the server at OPENAI_BASE_URL offers no model; name one: CHATBOT_MODEL=openai:MODEL", "load")
    return able[0]


LINES = {
    "key": "{name} refused the key; check {key}",
    "quota": "{name} refused because the account's quota is used up; check its billing",
    "rate": "{name} is getting too many requests; wait a little, or raise CHATBOT_MODEL_RETRIES",
    "timeout": "{name} did not answer in time; try again, or allow more with CHATBOT_MODEL_TIMEOUT",
    "unreachable": "the server of {name} cannot be reached; check that it runs and the network{address}",
    "not_found": "the server does not know {name}; check the model's name{address}",
    "context": "the question and its papers are longer than {name} can read; lower CHATBOT_TOP_K or use another model",
    "refused": "{name} refused the request{status}; choose another model if this stays so",
    "server": "the server of {name} failed{status}; try again later",
    "broken": "{name} sent an answer that cannot be read or broke off; try again",
    "memory": "{name} needs more memory than there is; choose a smaller model",
    "failed": "{name} failed ({error})",
}
# Names instead of classes: the libraries that define them are not all installed. The first that fits counts.
_CLASSES = (
    ("timeout", {"TimeoutError", "TimeoutException", "ModelTimeoutError"}),
    ("memory", {"MemoryError", "OutOfMemoryError"}),
    ("context", {"ContextOverflowError"}),
    ("key", {"ModelAuthenticationError", "ModelPermissionDeniedError", "AuthenticationError"}),
    ("not_found", {"ModelNotFoundError"}),
    ("rate", {"ModelRateLimitError", "RateLimitError"}),
    ("broken", {"RemoteProtocolError", "ReadError", "DecodingError", "APIResponseValidationError", "JSONDecodeError"}),
    ("unreachable", {"APIConnectionError", "ModelConnectionError", "ConnectionError", "TransportError"}),
    ("server", {"ModelAPIError", "APIError"}),
    ("refused", {"ModelInvalidRequestError"}),
    ("broken", {"ValueError", "TypeError", "LookupError", "AttributeError"}),
)
_STATUSES = {401: "key", 403: "key", 404: "not_found", 408: "timeout", 413: "context", 429: "rate", 504: "timeout"}
_TOO_LONG = re.compile(r"context.?(length|window|size)|prompt is too long|too many tokens", re.IGNORECASE)


def explain(error: Exception, name: str) -> ModelError:
    """Return ``error`` of any client library as one line about the model ``name``, with its kind.

    The line holds nothing that a server or a library said, which may repeat the key or the question.
    """
    if isinstance(error, ModelError):
        return error
    kind, status = next(filter(lambda found: found[0], map(_classify, _causes(error))), ("failed", None))
    provider = name.partition(":")[0]
    line = LINES[kind].format(
        name=name,
        key="OPENAI_API_KEY" if provider == "openai" else f"the key of {provider}",
        address=", and OPENAI_BASE_URL, which ends in /v1" if provider == "openai" else "",
        status=f" (HTTP {status})" if status else "",
        error=type(error).__name__,
    )
    return ModelError(line, kind)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _classify(error: BaseException) -> tuple[str, int | None]:
    """Return the kind, empty when unknown, and the HTTP status if there is one."""
    names = {base.__name__ for base in type(error).__mro__}
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and status >= 400:
        if "ContextOverflowError" in names or (status in (400, 500) and _TOO_LONG.search(str(error))):
            return "context", status
        if status == 429 and getattr(error, "code", None) == "insufficient_quota":
            return "quota", status
        return _STATUSES.get(status, "server" if status >= 500 else "refused"), status
    return next((kind for kind, classes in _CLASSES if names & classes), ""), None
