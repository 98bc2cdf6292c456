"""A long conversation is told to a model within the budget, the oldest turns summed up, each turn once.

The model is a scripted server behind real HTTP and the real client library.
"""

import re
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.conversation import Turn
from chatbot.records import Paper
from tests import model_behaviours as behaviours
from tests.model_replies import Body, message_text
from tests.model_server import ModelServer, Reply

BUDGET = 1000 * 3.5  # characters of history that fit; the rest of the prompt comes on top
SUMMED = "The user asked about FRNet and the mysterious Quuxnet, which reaches 99.9% mIoU."
TURNS = [
    Turn(
        f"Question number {at} is this: {'why does the network of the paper do so? ' * 10}", (Paper("p", "FRNet", ""),)
    )
    for at in range(40)
]


@pytest.fixture
def server(server: ModelServer) -> ModelServer:
    server.default = reply
    return server


@pytest.fixture
def model_bot(server: ModelServer, seed_index: Path) -> PaperChatbot:
    return PaperChatbot(index=seed_index, openai_base_url=server.url, model="openai:scripted", model_retries=0)


def reply(body: Body) -> Reply:
    prompt = read_prompt(body)
    if "to be summed up" in prompt:
        return Reply(SUMMED)
    if "Next question: " in prompt:
        return Reply("How many times faster than state-of-the-art approaches does FRNet operate?")
    return behaviours.honest(body)


def read_prompt(body: Body) -> str:
    return message_text(body["messages"][-1])


def prompts(server: ModelServer, holding: str) -> list[str]:
    found = [read_prompt(request.body) for request in server.requests if request.body]
    return [prompt for prompt in found if holding in prompt]


def history_of(prompt: str) -> str:
    return prompt.split("in brackets):\n")[1].split("\n\nRewrite")[0]


def test_a_short_conversation_is_told_as_it_is(server: ModelServer, model_bot: PaperChatbot) -> None:
    model_bot.answerer.condense("how fast is it?", [Turn("What\nis FRNet?", (Paper("p", "FRNet", ""),))])
    assert len(server.requests) == 1
    assert history_of(prompts(server, "Next question: ")[0]) == "- What is FRNet? [FRNet]"


def test_a_long_conversation_is_summed_up_once(server: ModelServer, model_bot: PaperChatbot) -> None:
    for _ in range(2):
        assert model_bot.answerer.condense("how fast is it?", TURNS)
    assert len(prompts(server, "to be summed up")) == 1
    first, second = (history_of(prompt) for prompt in prompts(server, "Next question: "))
    assert first == second
    assert first.startswith("- (the first ")
    assert SUMMED in first
    assert TURNS[-1].question.split(": ")[0] in first
    assert len(first) <= BUDGET


def test_a_growing_conversation_stays_within_the_budget_and_sums_up_each_turn_once(
    server: ModelServer, model_bot: PaperChatbot
) -> None:
    for count in range(1, len(TURNS) + 1):
        model_bot.answerer.condense("how fast is it?", TURNS[:count])
    histories = [history_of(prompt) for prompt in prompts(server, "Next question: ")]
    assert len(histories) == len(TURNS)
    assert max(map(len, histories)) <= BUDGET
    summed = prompts(server, "to be summed up")
    assert max(map(len, summed)) <= 6000 * 3.5
    assert all(SUMMED in prompt for prompt in summed[1:])
    told = [int(number) for prompt in summed for number in re.findall(r"Question number (\d+)", prompt)]
    assert told == list(range(len(told)))
    assert len(summed) < len(told) < len(TURNS)
    left = [int(number) for number in re.findall(r"Question number (\d+)", histories[-1])]
    assert [*told, *left] == list(range(len(TURNS)))


def test_what_is_too_long_for_one_request_is_summed_up_in_several(server: ModelServer, seed_index: Path) -> None:
    bot = PaperChatbot(
        index=seed_index, openai_base_url=server.url, model="openai:scripted", model_retries=0, prompt_tokens=500
    )
    bot.answerer.condense("how fast is it?", TURNS)
    assert len(prompts(server, "to be summed up")) > 1
    for prompt in prompts(server, "in brackets):"):
        assert len(prompt) <= 500 * 3.5 + 700  # which is more than the words of either prompt itself


def test_when_the_summary_fails_the_number_of_the_oldest_is_told(server: ModelServer, model_bot: PaperChatbot) -> None:
    server.script(Reply("oops", status=500), reply, Reply(" \n"), reply)
    for _ in range(2):
        assert model_bot.answerer.condense("how fast is it?", TURNS)
    failed, empty = (history_of(prompt) for prompt in prompts(server, "Next question: "))
    assert failed == empty
    count = failed.count("Question number")
    assert failed.startswith(f"- (and {len(TURNS) - count} earlier questions)\n- Question number {len(TURNS) - count} ")
    assert count >= 3
    assert len(failed) <= BUDGET
    model_bot.answerer.condense("how fast is it?", TURNS)
    assert SUMMED in prompts(server, "Next question: ")[-1]


def test_when_a_later_summary_fails_the_earlier_one_is_kept(server: ModelServer, model_bot: PaperChatbot) -> None:
    model_bot.answerer.condense("how fast is it?", TURNS[:20])
    server.script(Reply("oops", status=500), reply)
    model_bot.answerer.condense("how fast is it?", TURNS)
    told = history_of(prompts(server, "Next question: ")[-1])
    assert SUMMED in told
    assert "earlier questions)\n" in told
    assert len(told) <= BUDGET


def test_the_summary_serves_only_to_understand_the_question(server: ModelServer, model_bot: PaperChatbot) -> None:
    answer = model_bot.ask("and how fast is it?", history=TURNS)
    assert any("5 times faster" in citation.quote for citation in answer.citations)
    holding = prompts(server, "Quuxnet")
    assert len(holding) == 1
    assert "Next question: " in holding[0]
    assert "Quuxnet" not in str(answer.to_dict())


def test_another_conversation_gets_a_summary_of_its_own(server: ModelServer, model_bot: PaperChatbot) -> None:
    model_bot.answerer.condense("how fast is it?", TURNS)
    model_bot.answerer.condense("how fast is it?", [Turn("Something else?", ()), *TURNS[1:]])
    assert len(prompts(server, "to be summed up")) == 2


def test_without_a_model_nothing_is_asked(server: ModelServer, bot: PaperChatbot) -> None:
    assert bot.answerer.condense("how fast is it?", TURNS) is None
    assert server.requests == []
