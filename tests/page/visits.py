"""A server of the page, and what a reader does on it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests import forked


@contextmanager
def serving(index: Path, **variables: str) -> Iterator[str]:
    command = [sys.executable, "-m", "chatbot", "serve", "--index", str(index)]
    with forked.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | variables) as server:
        assert server.stdout
        try:
            yield next(found.group() for line in server.stdout if (found := re.search(r"http://\S+", line)))
        finally:
            server.terminate()


def visit(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    return page


def ask(page: Page, question: str) -> Locator:
    """Ask, and return the answer when its sources are there."""
    before = page.locator("#sources section").count()
    page.locator("#chat textarea").fill(question)
    page.locator("#chat textarea").press("Enter")
    return wait_for_answer(page, before + 1)


def wait_for_answer(page: Page, count: int) -> Locator:
    expect(page.locator("#sources section")).to_have_count(count, timeout=30_000)
    expect(page.locator("#chat textarea")).to_be_enabled()
    return page.locator("#answers .bot.message").last


def open_conversations(page: Page) -> Locator:
    page.locator("#threads .toggle-button").click()
    return page.locator("#thread-list label")


def find_faults(page: Page) -> list[str]:
    expect(page.locator(".pending")).to_have_count(0)
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished.catch(() => null)))")
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found
        for node in fault["nodes"]
        if fault["impact"] in {"serious", "critical"}
    ]
