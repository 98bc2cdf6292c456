"""Tokens, calls and costs: what is unknown stays unknown."""

import json
from datetime import date
from pathlib import Path

import pytest

from chatbot import usage
from chatbot.answers import Usage
from chatbot.usage import cost, load_prices, measure

COUNTS = {"input_tokens": 2000, "output_tokens": 300, "total_tokens": 2300}


def test_the_price_table_is_dated_and_sensible() -> None:
    table = json.loads(Path(usage.__file__).with_name("prices.json").read_text())
    assert date.fromisoformat(table["date"]) > date(2025, 1, 1)
    assert len(load_prices()) >= 12
    assert all(0 < paid_in < paid_out for paid_in, paid_out in load_prices().values())


def test_a_listed_model_costs_tokens_times_price() -> None:
    used = Usage(1_000_000, 2_000_000, calls=1)
    assert cost("openai:gpt-5-mini", used) == 0.25 + 2 * 2.00
    assert cost("openai:gpt-5-mini-2025-08-07", used) == cost("openai:gpt-5-mini", used)
    assert cost("openai:gpt-5-mini", used, "https://api.openai.com/v1") == cost("openai:gpt-5-mini", used)


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("openai:gpt-99", None),
        ("huggingface:/models/mine", None),
        ("ollama:llama3", None),
        ("gpt-5-mini", None),
        ("openai:gpt-5-mini", "http://localhost:8000/v1"),
    ],
)
def test_other_models_and_servers_cost_nobody_knows_what(model: str, base_url: str | None) -> None:
    assert cost(model, Usage(10, 10, calls=1), base_url) is None


def test_a_call_is_measured_from_what_langchain_reports() -> None:
    assert measure(COUNTS, "openai:gpt-4.1") == Usage(2000, 300, 0.0064, 1)
    assert measure(COUNTS, "anthropic:claude-haiku-4-5", "http://localhost:8000/v1").cost_usd == 0.0035
    assert measure(None, "openai:gpt-4.1") == Usage(None, None, None, 1)


def test_usages_add_up_and_an_unknown_part_makes_the_sum_unknown() -> None:
    known = measure(COUNTS, "openai:gpt-4.1")
    assert sum([known, known], Usage()) == Usage(4000, 600, 0.0128, 2)
    assert known + measure(COUNTS, "ollama:llama3") == Usage(4000, 600, None, 2)
    assert known + measure(None, "openai:gpt-4.1") == Usage(None, None, None, 2)
    assert Usage() + Usage() == Usage(0, 0, None, 0)
