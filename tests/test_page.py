"""The page in a browser: what a reader sees, and what a click does. Needs Chromium."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect, sync_playwright

from chatbot import PaperChatbot

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if not CHROMIUM:
    pytest.skip("THE PAGE IS NOT TESTED: no Chromium found; install it (apt install chromium)", allow_module_level=True)

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


@contextmanager
def serving(index: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "chatbot", "serve", "--index", str(index)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield next(found.group() for line in server.stdout if (found := re.search(r"http://\S+", line)))
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def index(seed_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(seed_index, folder / "index")
    (folder / "hostile.jsonl").write_text(json.dumps(HOSTILE) + "\n")
    PaperChatbot(index=folder / "index").ingest(folder / "hostile.jsonl")
    return folder / "index"


@pytest.fixture(scope="module")
def url(index: Path) -> Iterator[str]:
    with serving(index) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
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


def test_an_answer_grows_and_its_mark_opens_the_passage(page: Page) -> None:
    page.evaluate(
        """window.seen = new Set(); new MutationObserver(() => window.seen.add(
        document.querySelector('#answers')?.innerText.length)).observe(document.body, {subtree: true, childList: true,
        characterData: true})"""
    )
    answer = ask(page, "What is FRNet?")
    assert page.evaluate("window.seen.size") > 2
    mark = answer.get_by_role("link", name="[2]")
    quote = mark.get_attribute("title")
    mark.click()
    lit = page.locator("#sources .lit")
    expect(lit).to_have_text(quote or "")
    expect(lit).to_be_in_viewport()
    expect(page.locator("#sources details[open] .abstract")).to_contain_text("The code has been made publicly")


def test_a_mark_of_an_earlier_answer_opens_the_sources_of_that_one(page: Page) -> None:
    first = ask(page, "What is FRNet?").get_by_role("link", name="[1]").get_attribute("href")
    ask(page, "What is LiNeS?")
    shown = page.locator("#sources section:visible")
    expect(shown).to_contain_text("LiNeS")
    page.locator(f"#answers a[href='{first}']").click()
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("FRNet")


def test_a_thumb_down_is_kept_with_the_question(page: Page, index: Path) -> None:
    ask(page, "What is FRNet?")
    ask(page, "What is LiNeS?")
    page.locator("#answers").get_by_role("button", name="Dislike").last.click()
    expect(page.get_by_text("Thank you, that is kept.")).to_be_visible()
    (record,) = PaperChatbot(index=index).feedback.read()
    assert (record["question"], record["liked"]) == ("What is LiNeS?", False)


def test_what_a_follow_up_searched_for_can_be_changed_and_asked_instead(page: Page) -> None:
    ask(page, "What is FRNet?")
    answer = ask(page, "is the code out?")
    expect(answer).to_contain_text("Searched for: is the code out (FRNet)?")
    assert answer.locator("a[href='https://github.com/Xiangxu-0103/FRNet']").count() == 1
    answer.get_by_role("link", name="Edit").click()
    page.get_by_role("textbox", name="What is searched for").fill("is the code out (LiNeS)?")
    page.get_by_role("button", name="Ask this instead").click()
    expect(wait_for_answer(page, 3)).to_contain_text("wang-kee/LiNeS")


def test_suggestions_after_an_answer_can_be_asked(page: Page) -> None:
    ask(page, "What is FRNet?")
    suggestions = page.locator("#follow-ups button")
    expect(suggestions.first).to_be_visible()
    assert 1 <= suggestions.count() <= 3
    suggestions.first.click()
    expect(wait_for_answer(page, 2)).to_contain_text("FRNet")


def test_a_paper_can_be_asked_about_and_its_entry_copied(page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "What is FRNet?")
    page.get_by_role("button", name="Copy BibTeX").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "title = {{FRNet: Frustum-Range Networks" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Ask about this paper").click()
    expect(page.locator("#chat textarea")).to_have_value("FRNet: ")


def test_the_marks_in_a_grid_lead_to_their_papers(page: Page) -> None:
    answer = ask(page, "Compare LiNeS with FRUGAL")
    answer.locator("tr", has_text="FRUGAL").last.get_by_role("link", name=re.compile(r"\[\d\]")).first.click()
    expect(page.locator("#sources details[open]", has_text="FRUGAL:").locator(".lit")).to_be_in_viewport()


def test_a_hostile_abstract_is_shown_as_text(page: Page) -> None:
    answer = ask(page, "What is Zyxquil?")
    sources = page.locator("#sources")
    expect(answer).to_contain_text("<img src=https://evil.example/a.png")
    expect(sources).to_contain_text("<script>window.pwned = 1</script>")
    expect(sources).to_contain_text(
        "\ufffdsdrawkcab ${window.pwned=3} {{constructor}} </mark></details><h1>big</h1> [1]."
    )
    for place in (sources, answer):
        assert place.locator("img, script, h1, b, [onclick], [onerror], a[href^=javascript]").count() == 0
        assert "\u202e" not in place.inner_html()
    marks = answer.get_by_role("link", name=re.compile(r"^\[\d\]$"))
    titles = [marks.nth(at).get_attribute("title") for at in range(marks.count())]
    assert titles
    assert all(title and (title.startswith("We propose") or title.startswith("Zyxquil")) for title in titles)
    marks.last.click()
    expect(page.locator("#sources .lit").first).to_be_visible()
    assert page.evaluate("window.pwned") is None


def test_an_image_in_a_question_is_not_loaded(page: Page) -> None:
    ask(page, "What is FRNet? ![x](https://evil.example/q.png) <img src='https://evil.example/r.png'>")


def open_conversations(page: Page) -> Locator:
    page.locator("#threads .toggle-button").click()
    return page.locator("#thread-list label")


def test_a_conversation_can_be_renamed_exported_left_and_deleted(page: Page) -> None:
    ask(page, "What is Hopular?")
    listed = open_conversations(page)
    expect(listed.first).to_have_text("What is Hopular?")
    name = page.get_by_label("Name of the open one")
    name.fill("Tables")
    name.press("Enter")
    expect(listed.first).to_have_text("Tables")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as Markdown").click()
    assert download.value.suggested_filename == "Tables.md"
    assert "## References" in download.value.path().read_text()
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("#answers .message")).to_have_count(0)
    listed.filter(has_text="Tables").click()
    expect(page.locator("#answers .bot.message")).to_contain_text("Hopular")
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Really delete").click()
    expect(listed.filter(has_text="Tables")).to_have_count(0)


def test_what_is_taken_back_leaves_the_stored_conversation_too(page: Page, index: Path) -> None:
    store = PaperChatbot(index=index).threads
    ask(page, "What is FRUGAL?")
    ask(page, "What is LiNeS?")
    (thread,) = (each.id for each in store.list("") if each.name == "What is FRUGAL?")
    page.locator("#answers").get_by_role("button", name="Undo").click()
    expect(page.locator("#sources section")).to_have_count(1)
    assert [answer["question"] for answer in store.answers("", thread)] == ["What is FRUGAL?"]
    first = store.answers("", thread)
    page.locator("#answers").get_by_role("button", name="Retry").click()
    while (second := store.answers("", thread)) in ([], first):
        page.wait_for_timeout(50)
    assert [answer["question"] for answer in second] == ["What is FRUGAL?"]
    expect(page.locator("#chat textarea")).to_be_enabled()
    page.locator("#answers").get_by_role("button", name="Clear").click()
    expect(page.locator("#answers .message")).to_have_count(0)
    while thread in {each.id for each in store.list("")}:
        page.wait_for_timeout(50)


def test_a_conversation_is_there_after_a_restart_and_goes_on(context: BrowserContext, index: Path) -> None:
    with serving(index) as url:
        page = visit(context, url)
        ask(page, "Compare LiNeS with FRUGAL")
        page.close()
    with serving(index) as url:
        page = visit(context, url)
        open_conversations(page).filter(has_text="Compare LiNeS with FRUGAL").first.click()
        expect(page.locator("#answers table")).to_be_visible()
        page.locator("#answers a[href='#ref-1-1']").first.click()
        expect(page.locator("#sources .lit").first).to_be_visible()
        answer = ask(page, "drop the results column")
        expect(answer.locator("th", has_text="approach")).to_be_visible()
        expect(answer.locator("th", has_text="results")).to_have_count(0)
        page.reload()
        open_conversations(page).first.click()
        expect(page.locator("#answers table")).to_have_count(2)


def test_the_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    answer = ask(page, "Compare LiNeS with FRUGAL")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    answer.get_by_role("link", name="[1]", exact=True).first.click()
    expect(page.locator("#sources .lit").first).to_be_in_viewport()
    open_conversations(page).first.click()
    expect(page.locator("#thread-list")).not_to_be_in_viewport()
    expect(page.locator("#answers")).to_be_in_viewport(ratio=0.9)
