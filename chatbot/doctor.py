"""Look at the installation and the index, and say how to mend each problem in one line.

Knows what the program needs; changes nothing.
"""

import importlib.metadata
import platform
import sys
from dataclasses import dataclass

from chatbot.answering import probe_model
from chatbot.answers import EXTRACTIVE
from chatbot.embedding import load_embedder
from chatbot.embedding.devices import choose_device
from chatbot.embedding.embedder import DEFAULT_MODEL
from chatbot.embedding.minilm import find_model, verify_weights
from chatbot.errors import ChatbotError
from chatbot.index import Server, find_server
from chatbot.models import resolve_model
from chatbot.pipeline import PaperChatbot
from chatbot.settings import Settings
from chatbot.threads import LOCAL_USER, ThreadStore

PACKAGES = ("chromadb", "tantivy", "torch", "transformers", "langchain-core", "gradio")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``fix`` is empty when all is well."""

    name: str
    finding: str
    fix: str = ""


def examine(settings: Settings, ask_model: bool = False) -> list[Check]:
    """Return a check for Python, each package, the models, the keys, the index and the conversations.

    With ``ask_model``, the language model gets one tiny question.
    """
    checks = [_check_python(), *map(_check_package, PACKAGES), _check_embedding(settings)]
    if settings.embedding != DEFAULT_MODEL:
        checks.append(_check_bundled("word model"))
    checks.append(_check_answers(settings))
    if ask_model:
        checks.append(_check_language_model(settings))
    if server := find_server(settings):
        checks.append(_check_server(server))
    return [*checks, _check_index(settings), _check_threads(settings)]


def _check_answers(settings: Settings) -> Check:
    key = "found" if settings.openai_api_key else "not set (none is needed)"
    try:
        model = resolve_model(settings.model, settings)
    except ChatbotError as error:
        return Check("answers", f"no model for '{settings.model}'; OPENAI_API_KEY {key}", str(error))
    chosen = "" if model == settings.model else f", which '{settings.model}' stands for"
    return Check("answers", f"written by '{model}'{chosen}; OPENAI_API_KEY {key}")


def _check_language_model(settings: Settings) -> Check:
    try:
        answerer = PaperChatbot(settings).answerer
        if answerer.model == EXTRACTIVE:
            return Check("language model", "none: answers are in the papers' own words")
        probe = probe_model(answerer)
    except ChatbotError as error:
        return Check("language model", "unusable", str(error))
    streams = "streams" if probe.streams else "does not stream"
    usage = "counts tokens" if probe.counts_usage else "does not count tokens"
    times = f"first word after {probe.first_s:.2f} s, done after {probe.total_s:.2f} s"
    return Check("language model", f"{answerer.model}: {times}, {streams}, {usage}")


def _check_python() -> Check:
    found = platform.python_version()
    return Check("python", found, "" if (3, 11) <= sys.version_info < (3, 14) else "install Python 3.11, 3.12 or 3.13")


def _check_package(name: str) -> Check:
    try:
        return Check(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "not installed", "run: pip install paper-chatbot")


def _check_embedding(settings: Settings) -> Check:
    """Embed a word, which needs whatever the model needs: files, a package, a server, a key."""
    if settings.embedding == DEFAULT_MODEL:
        return _check_bundled("embedding model")
    try:
        embedder = load_embedder(settings)
        return Check("embedding model", f"{embedder.identity}, works, {embedder.dimensions} dimensions")
    except ChatbotError as error:
        return Check("embedding model", "unusable", str(error))


def _check_bundled(name: str) -> Check:
    try:
        folder = find_model()
        verify_weights(folder / "model.safetensors")
        device, number_format = choose_device()
    except ChatbotError as error:
        return Check(name, "unusable", str(error))
    except ImportError as error:
        return Check(name, f"{error.name} is missing", "run: pip install paper-chatbot")
    return Check(name, f"{DEFAULT_MODEL}, verified, runs on {device} in {number_format}")


def _check_server(server: Server) -> Check:
    from chatbot.index.server import ask_version

    try:
        return Check("chroma server", f"version {ask_version(server)} answers at {server}")
    except ChatbotError as error:
        return Check("chroma server", f"{server} is unusable", str(error))


def _check_index(settings: Settings) -> Check:
    try:
        bot = PaperChatbot(settings)
        bot.search("a search that touches every part")
    except ChatbotError as error:
        return Check("index", "unusable", str(error))
    return Check("index", f"{len(bot)} papers in {bot.index.place} (fingerprint {bot.index.manifest.fingerprint})")


def _check_threads(settings: Settings) -> Check:
    if not settings.threads.exists():
        return Check("conversations", "none kept yet")
    try:
        kept = ThreadStore(settings.threads).list(LOCAL_USER)
    except ChatbotError as error:
        return Check("conversations", "unusable", str(error))
    return Check("conversations", f"{len(kept)} kept in {settings.threads}")
