"""Count what a language model was asked and gave, and what that costs at the listed prices.

Knows the dated price table in ``prices.json``; knows nothing of how models are called.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from chatbot.answers import Usage
from chatbot.settings import is_openai

_FILE = Path(__file__).with_name("prices.json")
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")  # gpt-5-mini-2025-08-07, claude-haiku-4-5-20251001


def measure(counts: Mapping[str, Any] | None, model: str, base_url: str | None = None) -> Usage:
    """Return the usage of one call from LangChain's ``usage_metadata``, with tokens unknown where it gives none."""
    counts = counts or {}
    usage = Usage(counts.get("input_tokens"), counts.get("output_tokens"), calls=1)
    return replace(usage, cost_usd=cost(model, usage, base_url))


def cost(model: str, usage: Usage, base_url: str | None = None) -> float | None:
    """Return what ``usage`` of ``model`` (``provider:name``) costs in US dollars, None when that is not known.

    An OpenAI model behind a ``base_url`` of another server has that server's price, which is not known either.
    """
    prices = load_prices().get(_SNAPSHOT.sub("", model))
    elsewhere = model.startswith("openai:") and not is_openai(base_url)
    if prices is None or elsewhere or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return round((usage.input_tokens * prices[0] + usage.output_tokens * prices[1]) / 1e6, 8)


@cache
def load_prices() -> dict[str, tuple[float, float]]:
    """Return the price of input and of output, in US dollars per million tokens, by ``provider:name``."""
    listed = json.loads(_FILE.read_text(encoding="utf-8"))["prices"]
    return {model: (float(paid_in), float(paid_out)) for model, (paid_in, paid_out) in listed.items()}
