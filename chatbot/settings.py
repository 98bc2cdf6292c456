"""All settings, flat, each with a default; the only module that reads the environment.

Knows names and limits; knows nothing of what the stages do with them.
"""

import hashlib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from chatbot.errors import InputError

OPENAI_URL = "https://api.openai.com/v1"
_SHAPE_ANSWERS = (
    "model",
    "embedding",
    "top_k",
    "max_answer_tokens",
    "openai_base_url",
    "prompt_tokens",
    "revise",
)


class Settings(BaseSettings):
    """Read from ``CHATBOT_*`` environment variables; a value given in code wins."""

    model_config = SettingsConfigDict(
        env_prefix="CHATBOT_", frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=()
    )

    index: Path = Field(Path(".chatbot"), description="directory of the index")
    model: str = Field("auto", description="what writes the answers: auto, extractive or provider:model")
    model_timeout: float = Field(60, gt=0, description="seconds without a word from the model before giving up")
    model_retries: int = Field(2, ge=0, le=10, description="further tries when a server is busy or fails")
    prompt_tokens: int = Field(6000, ge=500, description="tokens of papers that a model is shown, about")
    revise: bool = Field(False, description="ask the model once more to mend sentences that fail the check")
    prompts: Path | None = Field(None, description="folder with prompts to use in place of the program's own")
    max_answer_tokens: int = Field(800, ge=1, description="longer answers are cut off")
    embedding: str = Field(
        "all-MiniLM-L6-v2", description="embedding model: the bundled one, a folder, a name on the hub, or openai:MODEL"
    )
    engine: Literal["local", "ray"] = Field("local", description="where an ingest embeds: here, or on a Ray cluster")
    ray_address: str = Field("", description="address of that cluster; without it, one is started on this machine")
    full_text: bool = Field(False, description="take all pages of a PDF, in place of its abstract alone")
    columns: str = Field(
        "", description="columns of a table that hold a paper's fields, as in title=Name,abstract=Text"
    )
    top_k: int = Field(10, ge=1, le=1000, description="papers retrieved for a question")
    max_question_chars: int = Field(2000, ge=1, description="longer questions are refused")
    arxiv_url: str = Field(
        "https://export.arxiv.org/api/query",
        pattern="^https?://.+",
        description="address of arXiv's API, or a mirror's",
    )
    hf_url: str = Field(
        "https://huggingface.co", pattern="^https?://.+", description="address of the hub with the daily papers"
    )
    source_timeout: float = Field(30, gt=0, description="seconds that a source on the network may be silent")
    source_delay: float = Field(
        3, ge=0, description="seconds between requests to such a source, at least 3 for arXiv's"
    )
    questions_per_minute: int = Field(30, ge=1, description="most that one visitor of the page may ask in a minute")
    answers_at_once: int = Field(8, ge=1, description="answers of the page made at the same time")
    visits_kept: int = Field(1000, ge=1, description="visits to the page whose state is in memory, 0.25 MB each")
    queue_size: int = Field(64, ge=1, description="events of the page that may wait; further ones are refused")
    stop_seconds: float = Field(30, ge=0, description="how long a stopping server waits for answers under way")
    chroma_url: str = Field(
        "",
        repr=False,  # it may hold a password
        pattern="^(https?://.+)?$",
        description="address of a Chroma server that holds the vectors; empty: they lie in the folder of the index",
    )
    chroma_name: str = Field("papers", pattern="^[a-z0-9-]{3,40}$", description="name of the index on that server")
    chroma_tenant: str = Field("default_tenant", min_length=3, description="tenant of that server, as it calls them")
    chroma_database: str = Field("default_database", min_length=3, description="database of that tenant")
    chroma_token: SecretStr | None = Field(
        None, description="sent to it as Authorization: Bearer and as X-Chroma-Token; never shown"
    )
    chroma_patience: float = Field(15, ge=0, description="seconds that a server which restarts is waited for")
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY", description="never shown")
    openai_base_url: str | None = Field(
        None,
        validation_alias="OPENAI_BASE_URL",
        repr=False,  # it may hold a password
        pattern="^(https?://.+)?$",
        description="address of an OpenAI-compatible server, up to and with /v1",
    )

    @property
    def threads(self) -> Path:
        """Return the file of the stored conversations, which lies in the folder of the index."""
        return self.index / "threads.sqlite3"

    @property
    def added(self) -> Path:
        """Return the folder of the files that were added by hand, below that of the index."""
        return self.index / "added"

    @property
    def feedback(self) -> Path:
        """Return the file of readers' feedback, which lies in the folder of the index too."""
        return self.index / "feedback.jsonl"

    @property
    def runs(self) -> Path:
        """Return the folder of the runs of the question set that were started on the page, below the index's too."""
        return self.index / "runs"

    @property
    def accounts(self) -> Path:
        """Return the file of those who may sign in to the page, which lies there too unless another is named."""
        return self.index / "accounts.json"

    def fingerprint(self) -> str:
        """Return 12 hex digits that change when a setting that can change an answer changes."""
        values = self.model_dump_json(include=set(_SHAPE_ANSWERS))
        return hashlib.sha256(values.encode()).hexdigest()[:12]


def load_settings(**options: Any) -> Settings:
    """Return the settings, with ``options`` that are not None in place of the environment's.

    Raises InputError that names the setting for a value out of range.
    """
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ("_".join(map(str, first["loc"])) or "setting").upper()
        name = name if name.startswith("OPENAI_") else f"CHATBOT_{name}"
        raise InputError(f"{name} (or its option) is not usable: {first['msg']}") from error


def is_openai(base_url: str | None) -> bool:
    """Tell whether ``base_url`` is OpenAI's own server, as it is when there is none, and not another's."""
    return not base_url or urlsplit(base_url).hostname == urlsplit(OPENAI_URL).hostname
