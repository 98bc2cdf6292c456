"""All settings, flat, each with a default; the only module that reads the environment.

Knows names and limits; knows nothing of what the stages do with them.
"""

import hashlib
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from chatbot.errors import InputError


class Settings(BaseSettings):
    """Read from ``CHATBOT_*`` environment variables; a value given in code wins."""

    model_config = SettingsConfigDict(env_prefix="CHATBOT_", frozen=True, extra="forbid")

    index: Path = Field(Path(".chatbot"), description="directory of the index")
    model: str = Field("extractive", description="what writes the answers; only 'extractive' so far")
    embedding: str = Field("all-MiniLM-L6-v2", description="name of the embedding model")
    top_k: int = Field(10, ge=1, le=1000, description="papers retrieved for a question")
    max_question_chars: int = Field(2000, ge=1, description="longer questions are refused")
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY", description="shown by doctor")

    @property
    def threads(self) -> Path:
        """Return the file of the stored conversations, which lies in the folder of the index."""
        return self.index / "threads.sqlite3"

    def fingerprint(self) -> str:
        """Return 12 hex digits that change when a setting that can change an answer changes."""
        values = self.model_dump_json(include={"model", "embedding", "top_k"})
        return hashlib.sha256(values.encode()).hexdigest()[:12]


def load_settings(**options: Any) -> Settings:
    """Return the settings, with ``options`` that are not None in place of the environment's.

    Raises InputError that names the setting for a value out of range.
    """
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"])) or "setting"
        raise InputError(f"CHATBOT_{name.upper()} (or its option) is not usable: {first['msg']}") from error
