"""All settings, flat, each with a default; the only module that reads the environment.

Knows names and limits; knows nothing of what the stages do with them.
"""

import hashlib
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from ``CHATBOT_*`` environment variables; a value given in code wins."""

    model_config = SettingsConfigDict(env_prefix="CHATBOT_", frozen=True, extra="forbid")

    index: Path = Field(Path(".chatbot"), description="directory of the index")
    model: str = Field("extractive", description="what writes the answers; only 'extractive' so far")
    embedding: str = Field("all-MiniLM-L6-v2", description="name of the embedding model")
    top_k: int = Field(10, ge=1, le=1000, description="papers retrieved for a question")
    max_question_chars: int = Field(2000, ge=1, description="longer questions are refused")

    def fingerprint(self) -> str:
        """Return 12 hex digits that change when a setting that can change an answer changes."""
        values = self.model_dump_json(exclude={"index", "max_question_chars"})
        return hashlib.sha256(values.encode()).hexdigest()[:12]
