"""Asking on the page: answers that grow, follow-ups, what is suggested, and what a model made up."""

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.model_behaviours import honest
from tests.model_replies import Body, Reply
from tests.model_server import ModelServer
from tests.page.visits import ask, serving, visit, wait_for_answer


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


def test_a_suggestion_can_be_asked_and_what_a_follow_up_searched_for_be_changed(page: Page) -> None:
    ask(page, "What is FRNet?")
    suggestions = page.locator("#follow-ups button")
    expect(suggestions.first).to_be_visible()
    assert 1 <= suggestions.count() <= 3
    suggestions.first.click()
    expect(wait_for_answer(page, 2)).to_contain_text("FRNet")
    answer = ask(page, "is the code out?")
    expect(answer).to_contain_text("Searched for: is the code out (FRNet)?")
    assert answer.locator("a[href='https://github.com/Xiangxu-0103/FRNet']").count() == 1
    answer.get_by_role("link", name="Edit").click()
    page.get_by_role("textbox", name="What is searched for").fill("is the code out (LiNeS)?")
    page.get_by_role("button", name="Ask this instead").click()
    expect(wait_for_answer(page, 4)).to_contain_text("wang-kee/LiNeS")


def test_what_a_model_made_up_is_folded_away_and_its_work_can_be_stopped(
    context: BrowserContext, index: Path, server: ModelServer
) -> None:
    def invent(body: Body) -> Reply:
        return Reply(f"{honest(body).text} It was trained on 64 GPUs for two weeks. [1.1]")

    server.default = invent
    server.script(Reply("FRNet is a network. [1.1] " * 50, pause=0.1))
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
