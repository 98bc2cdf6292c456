"""The conversations at the left of the page."""

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from chatbot import PaperChatbot
from tests.page.visits import ask, open_conversations, serving, visit


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


def test_a_conversation_is_there_in_a_later_server_and_goes_on(
    context: BrowserContext, page: Page, index: Path
) -> None:
    ask(page, "Compare LiNeS with FRUGAL")
    page.close()
    with serving(index) as another:
        page = visit(context, another)
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
