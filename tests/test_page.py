"""The page in a browser: what a reader sees, and what a click does. Needs Chromium."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect, sync_playwright

from chatbot import PaperChatbot
from chatbot.errors import SourceError
from evals.questions import QUESTIONS
from evals.runs import run_questions
from tests.model_behaviours import honest
from tests.model_replies import Body, Reply
from tests.model_server import ModelServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if not CHROMIUM:
    pytest.skip("THE PAGE IS NOT TESTED: no Chromium found; install it (apt install chromium)", allow_module_level=True)

# A browser on a busy machine can be late for reasons that are not the page's.
pytestmark = pytest.mark.flaky(reruns=1)

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


# What axe-core finds in parts of Gradio that a page cannot change, each with the reason.
GRADIOS_OWN = {
    "aria-required-children": ".examples",  # the list of first questions holds buttons, which are no list items
}


@contextmanager
def serving(index: Path, **variables: str) -> Iterator[str]:
    command = [sys.executable, "-m", "chatbot", "serve", "--index", str(index)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | variables) as server:
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


def test_two_visitors_at_once_get_their_own_answers_and_follow_ups(context: BrowserContext, url: str) -> None:
    names = ("FRNet", "LiNeS")
    pages = [visit(context, url) for _ in names]
    for page, name in zip(pages, names, strict=True):
        page.locator("#chat textarea").fill(f"What is {name}?")
        page.locator("#chat textarea").press("Enter")
    for page, name in zip(pages, names, strict=True):
        expect(wait_for_answer(page, 1)).to_contain_text(name)
    for page, name in zip(pages, names, strict=True):
        expect(ask(page, "Is its code available?")).to_contain_text(name)


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


def test_an_answer_tells_why_it_is_as_it_is(page: Page) -> None:
    ask(page, "What is FRNet?")
    page.get_by_text("Why this answer").click()
    expect(page.get_by_role("row", name=re.compile("FRNet: Frustum"))).to_contain_text("cited [1][2][3]")
    page.get_by_role("textbox", name="Why is a paper not cited?").fill("Bristle")
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_role("status").filter(has_text="only the first 12 are read")).to_be_visible()


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


def test_papers_are_compared_in_a_grid_that_can_be_changed_and_taken_away(page: Page) -> None:
    ask(page, "What is FRNet?")
    page.get_by_role("button", name="Add to comparison").first.click()
    page.get_by_role("tab", name="Compare").click()
    grid = page.get_by_role("region", name="Comparison")
    expect(grid.get_by_role("row", name=re.compile("^FRNet"))).to_be_visible()
    page.locator("#compared input").press_sequentially("reducing state")
    page.locator("#compared li", has_text="FRUGAL").click()
    cell = grid.get_by_role("row", name=re.compile("^FRUGAL")).get_by_role("cell").first
    quote = cell.get_attribute("title")
    cell.click()
    expect(page.locator("#grid-sources .lit")).to_have_text(quote or "")
    page.locator("#columns input").press_sequentially("memory\n")
    expect(grid.get_by_role("columnheader", name="memory")).to_be_visible()
    page.locator("#columns").get_by_role("button").first.click()
    expect(grid.get_by_role("columnheader", name="problem")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "comparison.csv"
    assert download.value.path().read_text().startswith("paper,approach,key idea,data,results,code,memory\nFRNet,")


def test_papers_are_added_asked_about_pinned_removed_and_brought_back(
    context: BrowserContext, seed_index: Path, tmp_path: Path
) -> None:
    shutil.copytree(seed_index, tmp_path / "index")
    bees, trams = (
        {"title": f"Zumbo{n}: On {about}", "abstract": f"Zumbo{n} studies {about}. It measures {n}.5 percent."}
        for n, about in enumerate(("honey bees", "city trams"), 1)
    )
    (tmp_path / "trams.jsonl").write_text(json.dumps(trams) + "\n")
    with serving(tmp_path / "index") as url:
        page = visit(context, url)
        chat, library = page.get_by_role("tab", name="Chat"), page.get_by_role("tab", name="Library")
        using, rows = page.locator("#using"), page.locator("#shelf tbody tr")
        expect(using).to_contain_text("59 papers")
        library.click()
        expect(rows).to_have_count(20)
        page.locator("#pasted textarea").fill("no papers, just words")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="what was pasted is in no known format")).to_be_visible()
        page.locator("#pasted textarea").fill(json.dumps(bees))
        page.locator("#files input").set_input_files(tmp_path / "trams.jsonl")
        expect(page.locator("#files")).to_contain_text("trams")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("2 added, 0 updated, 0 unchanged, 0 removed, 0 skipped; 61 papers")).to_be_visible()

        page.locator("#look-for textarea").fill("zumbo")
        expect(rows).to_have_count(2)
        page.locator("#filter textarea").fill("title:bees")
        expect(rows).to_have_count(1)
        page.locator("#filter textarea").fill("title:bees or")
        expect(page.get_by_text("the filter cannot be read at its end")).to_be_visible()
        page.locator("#filter textarea").fill("title:bees")
        rows.get_by_role("checkbox", name="Zumbo1").check()
        page.get_by_role("button", name="Pin selected (1)").click()
        chat.click()
        expect(using).to_contain_text("using 1 of 61 papers")
        expect(ask(page, "What does Zumbo2 study?")).to_contain_text("They may not tell of “Zumbo2”")
        expect(ask(page, "What does Zumbo1 study?")).to_contain_text("Zumbo1 studies honey bees.")
        page.get_by_role("button", name="Use all papers").click()
        expect(using).not_to_contain_text("using")
        expect(ask(page, "What does Zumbo2 study?")).to_contain_text("Zumbo2 studies city trams.")

        library.click()
        page.get_by_role("button", name="Remove selected (1)").click()
        expect(rows).to_have_count(0)
        page.get_by_role("button", name="Undo: bring 1 paper back").click()
        expect(rows).to_have_count(1)
        expect(page.get_by_text("1 of 61 papers", exact=True)).to_be_visible()
        assert not find_faults(page)


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
    page.get_by_text("Why this answer").click()
    page.get_by_role("textbox", name="Why is a paper not cited?").fill("Zyxquil")
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_role("status").filter(has_text="<script>window.pwned = 1</script>")).to_be_visible()
    page.get_by_role("button", name="Add to comparison").first.click()
    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_role("region", name="Comparison")).to_contain_text("</mark></details><h1>big</h1> [1].")
    for place in (page.locator("#grid"), page.locator("#grid-sources"), sources):
        assert place.locator("img, script, h1, b, [onclick], [onerror], a[href^=javascript]").count() == 0
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
    page.get_by_label("Search", exact=True).first.fill("no such words")
    expect(listed).to_have_count(0)
    page.get_by_label("Search", exact=True).first.fill("hopular")  # what was asked, whatever the name
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


def test_the_keyboard_is_enough(page: Page) -> None:
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    page.locator("h1").click()
    page.keyboard.press("/")
    box, lit = page.locator("#chat textarea"), page.locator("#sources .lit")
    expect(box).to_be_focused()
    page.keyboard.type("What is")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("FRNet?")
    expect(box).to_have_value("What is\nFRNet?")
    page.keyboard.press("Enter")
    marks = wait_for_answer(page, 1).get_by_role("link", name=re.compile(r"^\[\d\]$"))
    quotes = [marks.nth(at).get_attribute("title") or "" for at in range(2)]
    marks.first.focus()
    page.keyboard.press("Enter")
    expect(lit).to_have_text(quotes[0])
    page.keyboard.press("ArrowRight")
    expect(lit).to_have_text(quotes[1])
    page.keyboard.press("ArrowLeft")
    expect(lit).to_have_text(quotes[0])
    page.keyboard.press("Escape")
    expect(lit).to_have_count(0)
    expect(marks.first).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, url: str, scheme: Literal["light", "dark"]) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    page = visit(context, url)
    expect(page.get_by_text("Ask about a paper, a method or a topic.")).to_be_visible()
    faults = find_faults(page)
    ask(page, "What is FRNet?")
    page.locator("#answers a[href='#ref-1-1']").click()
    page.get_by_text("Why this answer").click()
    faults += find_faults(page)
    page.get_by_role("button", name="Add to comparison").click()
    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_role("region", name="Comparison")).to_be_visible()
    faults += find_faults(page)
    open_conversations(page)
    faults += find_faults(page)
    context.close()
    assert not faults


def find_faults(page: Page) -> list[str]:
    expect(page.locator(".pending")).to_have_count(0)
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished.catch(() => null)))")
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found
        for node in fault["nodes"]
        if fault["impact"] in {"serious", "critical"} and GRADIOS_OWN.get(fault["id"]) not in node["target"]
    ]


def test_what_a_model_made_up_is_folded_away_and_its_work_can_be_stopped(
    context: BrowserContext, index: Path, server: ModelServer
) -> None:
    def invent(body: Body) -> Reply:
        return Reply(f"{honest(body).text} It was trained on 64 GPUs for two weeks. [1.1]")

    server.default = invent
    server.script(Reply("FRNet is a network. [1.1] " * 50, pause=0.2))
    with serving(index, OPENAI_BASE_URL=server.url, CHATBOT_MODEL="openai:scripted") as url:
        page = visit(context, url)
        page.locator("#chat textarea").fill("What is FRNet?")
        page.locator("#chat textarea").press("Enter")
        expect(page.locator("#answers .bot.message")).to_contain_text("[1]")
        page.locator("#chat .stop-button").click()
        assert server.requests[-1].disconnected
        page.reload()
        answer = ask(page, "What is FRNet?")
        invented = answer.get_by_text("It was trained on 64 GPUs")
        expect(invented).not_to_be_visible()
        answer.get_by_text("1 withheld, not supported by what they cite").click()
        expect(invented).to_be_visible()
        expect(invented).to_contain_text("not in the cited passage: 64")


def test_where_nothing_is_indexed_the_page_tells_how_to_add_papers(context: BrowserContext, tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text("{}\n")
    with pytest.raises(SourceError):
        PaperChatbot(index=tmp_path / "index").ingest(tmp_path / "broken.jsonl")
    with serving(tmp_path / "index") as url:
        page = visit(context, url)
        expect(page.locator("#answers")).to_contain_text("Add some in the Library tab")


def test_runs_are_started_reported_and_compared(page: Page, index: Path, bot: PaperChatbot, tmp_path: Path) -> None:
    asked = tmp_path / "three.jsonl"
    asked.write_text("".join(QUESTIONS.read_text().splitlines(keepends=True)[:4]))
    run_questions(index / "runs" / "first", bot, asked)
    shutil.copytree(index / "runs" / "first", index / "runs" / "second")
    page.get_by_role("tab", name="Evaluate").click()
    expect(page.locator("#runs label")).to_have_count(2)
    page.get_by_role("button", name="Start a run").click()
    expect(page.locator("#evaluate-said")).to_contain_text("-dev: getting ready")
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator("#evaluate-said")).to_contain_text("was cancelled")
    page.get_by_role("button", name="Open its report").click()
    report = page.frame_locator("#evaluated iframe")
    expect(report.locator("#count")).to_have_text("3 of 3 questions", timeout=60_000)  # told by the report's script
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the report").click()
    assert "<title>Evaluation of second</title>" in download.value.path().read_text()
    page.get_by_role("button", name="Show what changed").click()
    expect(page.locator("#evaluated pre")).to_contain_text("first → second, 3 questions", timeout=60_000)
    assert not find_faults(page)


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="SCREENSHOTS=FOLDER makes those of the README anew")
def test_screenshots(browser: Browser, seed_index: Path) -> None:
    def take(page: Page, name: str) -> None:
        page.wait_for_timeout(800)  # until nothing moves
        path = Path(os.environ["SCREENSHOTS"]) / f"{name}.png"
        page.screenshot(path=path)
        with Image.open(path) as image:
            image.quantize(64).save(path, optimize=True)

    with serving(seed_index) as url:
        context = browser.new_context(viewport={"width": 960, "height": 600})
        page = visit(context, url)
        expect(page.locator("#chat textarea")).to_be_visible()
        take(page, "first-visit")
        ask(page, "What mIoU does FRNet reach on nuScenes, and how fast is it?")
        page.locator("#answers a[href='#ref-1-2']").click()
        take(page, "answer")
        page.locator("#sources .paper summary").first.click()
        page.get_by_text("Why this answer").click()
        page.get_by_role("textbox", name="Why is a paper not cited?").fill("Bristle")
        page.get_by_role("button", name="Tell me").click()
        expect(page.get_by_role("status").filter(has_text="Bristle")).to_be_visible()
        take(page, "why")
        dark = browser.new_context(viewport={"width": 960, "height": 600}, color_scheme="dark")
        page = visit(dark, url)
        page.get_by_role("tab", name="Compare").click()
        for name in ("FRUGAL", "LiNeS"):
            page.locator("#compared input").press_sequentially(name)
            page.locator("#compared li", has_text=name).click()
        page.locator("h2:visible").click()
        expect(page.locator("#grid tr")).to_have_count(3)
        page.locator("#grid td[title]").nth(1).click()
        take(page, "compare-dark")
        page = visit(dark, url)
        page.set_viewport_size({"width": 390, "height": 700})
        ask(page, "What is LiNeS?")
        take(page, "phone-dark")
        context.close()
        dark.close()
