"""One server and one browser for all tests of the page. They need Chromium."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from chatbot import PaperChatbot
from tests.page.visits import serving, visit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

HOSTILE = {
    "id": "hostile",
    "title": 'Zyxquil: <script>window.pwned = 1</script> [x](https://evil.example/t) "quoted" \\ | `code` $$x$$',
    "abstract": "We propose Zyxquil, a filter for tidal turbines <img src=https://evil.example/a.png"
    ' onerror=window.pwned=2> with ![pixel](https://evil.example/b.png) and "](https://evil.example/c) in it. '
    "Zyxquil reaches 71.5% accuracy \u202esdrawkcab ${window.pwned=3} {{constructor}} </mark></details>"
    "<h1>big</h1> [1].",
    "authors": ["<b>Eve</b>", "O'Neil \" onclick=window.pwned=4"],
    "url": "javascript:window.pwned=5",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # A browser on a busy machine can be late for reasons that are not the page's.
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="package")
def index(seed_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(seed_index, folder / "index")
    (folder / "hostile.jsonl").write_text(json.dumps(HOSTILE) + "\n")
    PaperChatbot(index=folder / "index").ingest(folder / "hostile.jsonl")
    return folder / "index"


@pytest.fixture(scope="package")
def url(browser: Browser, index: Path) -> Iterator[str]:
    with serving(index) as url:
        yield url


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("THE PAGE IS NOT TESTED: no Chromium found; install it (apt install chromium)")
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor's browser; whatever the page does, it asks nothing of another host."""
    context, asked = browser.new_context(viewport={"width": 1440, "height": 900}), list[Request]()
    context.set_default_timeout(20_000)
    context.on("request", lambda request: asked.append(request))
    yield context
    sent = [request.url for request in asked if request.failure != "csp"]  # the browser refused to send those
    context.close()
    assert sent
    assert not [address for address in sent if not re.match(r"http://127\.0\.0\.1:\d+/|data:|blob:", address)]


@pytest.fixture
def page(context: BrowserContext, url: str) -> Page:
    return visit(context, url)
