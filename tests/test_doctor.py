"""The check-up names what is used, and for each thing that is wrong a way to mend it."""

from pathlib import Path
from typing import Any

import pytest

from chatbot.doctor import Check, examine
from chatbot.settings import load_settings
from chatbot.threads import LOCAL_USER, ThreadStore
from tests.model_server import ModelServer


def find(name: str, **options: Any) -> Check:
    return next(check for check in examine(load_settings(**options)) if check.name == name)


def test_the_model_that_auto_stands_for_is_named(server: ModelServer, seed_index: Path) -> None:
    assert find("answers", index=seed_index).finding.startswith("written by 'extractive', which 'auto' stands for;")
    found = find("answers", index=seed_index, openai_base_url=server.url, openai_api_key="sk-planted")
    assert found == Check("answers", "written by 'openai:scripted', which 'auto' stands for; OPENAI_API_KEY found")
    found = find("answers", index=seed_index, model="ollama:tiny")
    assert found.finding == "written by 'ollama:tiny'; OPENAI_API_KEY not set (none is needed)"


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        ({"model": "gpt"}, "use auto, extractive"),
        ({"openai_base_url": "http://127.0.0.1:9/v1", "model_retries": 0}, "cannot be reached"),
    ],
)
def test_a_model_that_cannot_be_found_is_told_with_its_fix(seed_index: Path, options: dict[str, Any], fix: str) -> None:
    found = find("answers", index=seed_index, **options)
    assert found.finding.startswith("no model for '")
    assert fix in found.fix


def test_conversations_are_counted_and_none_are_made(tmp_path: Path) -> None:
    assert find("conversations", index=tmp_path) == Check("conversations", "none kept yet")
    settings = load_settings(index=tmp_path)
    assert not settings.threads.exists()
    ThreadStore(settings.threads).create(LOCAL_USER, "kept")
    assert find("conversations", index=tmp_path) == Check("conversations", f"1 kept in {settings.threads}")


def test_a_damaged_file_of_conversations_is_told(tmp_path: Path) -> None:
    load_settings(index=tmp_path).threads.write_bytes(b"this is no database at all" * 100)
    assert "move the file away" in find("conversations", index=tmp_path).fix
