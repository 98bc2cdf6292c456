"""Questions as people type them, in whatever words, are answered from the papers that they mean."""

from collections.abc import Sequence

import pytest

from chatbot import PaperChatbot
from chatbot.answers import Answer


def cited(bot: PaperChatbot, answer: Answer) -> set[str]:
    names = {paper.id: paper.name for paper in bot.papers()}
    return {names[citation.paper_id].split(":")[0][:12] for citation in answer.citations}


@pytest.mark.parametrize(
    ("question", "papers"),
    [
        ("What does Stepsize anything propose?", ["Stepsize any"]),
        ("how much faster than SOTA is frnet", ["FRNet"]),
        ("which LLMs were tested in quantizable transformers?", ["Quantizable "]),
        ("how do STNs approximate the best response function?", ["Self-Tuning "]),
        ("anchor sampling, what is it?", ["Anchor Sampl"]),
        ("How does LiNeS scale the updates of shallow vs deep layers?", ["LiNeS"]),
        ("summarise FRNet", ["FRNet"]),
    ],
)
def test_one_paper(bot: PaperChatbot, question: str, papers: Sequence[str]) -> None:
    answer = bot.ask(question)
    assert (answer.status, cited(bot, answer)) == ("answered", set(papers))


@pytest.mark.parametrize(
    ("question", "papers"),
    [
        ("which is faster, RpHGNN or PRES?", ["Efficient He", "PRES"]),
        ("Which of FRNet and YOLOv9 reports mIoU", ["FRNet", "YOLOv9"]),
        ("how do HCN and ReLoop2 handle changing user interests", ["Hierarchical", "ReLoop2"]),
        ("what does FedAMD do that FedFix does not", ["Anchor Sampl", "A General Th"]),
        ("what accuracy do Bristle and the noise-robust ADMM paper report", ["Bristle", "Noise-Robust"]),
        ("side by side: FRNet / MambaEVT / YOLOv9", ["FRNet", "MambaEVT", "YOLOv9"]),
    ],
)
def test_several_papers_called_by_name(bot: PaperChatbot, question: str, papers: Sequence[str]) -> None:
    assert cited(bot, bot.ask(question)) == set(papers)


@pytest.mark.parametrize(
    ("question", "papers"),
    [
        ("which of these papers use reinforcement learning", ["Graph Attent"]),
        ("link prediction papers", ["Neural Commo", "Neighborhood", "EvolveGCN"]),
        ("find work on quantization", ["Network Memo", "Quantizable "]),
        ("list the continual learning papers", ["Continual Le", "Continual ev", "Large Contin"]),
        ("what do you have on hypernetworks", ["Magnitude In"]),
        ("which papers release code?", ["MambaEVT", "LiNeS"]),
        ("Who has worked on federated learning?", ["Anchor Sampl", "A General Th", "Noise-Robust", "Bristle"]),
        ("Where is reinforcement learning used or studied?", ["Accelerating", "Graph Attent"]),
    ],
)
def test_all_papers_of_a_kind(bot: PaperChatbot, question: str, papers: Sequence[str]) -> None:
    assert cited(bot, bot.ask(question)) >= set(papers)


@pytest.mark.parametrize("question", ["any papers about chess?", "any papers about speech recognition?"])
def test_no_list_is_made_of_what_no_paper_mentions(bot: PaperChatbot, question: str) -> None:
    assert bot.ask(question).status == "abstained"


def test_a_data_set_is_used_by_those_that_mention_it(bot: PaperChatbot) -> None:
    texts = {paper.id: paper.text for paper in bot.papers()}
    for question, spellings in (
        ("who uses CIFAR-10", ["CIFAR-10", "CIFAR10"]),
        ("Who uses CIFAR100?", ["CIFAR100", "CIFAR-100"]),
    ):
        citations = bot.ask(question).citations
        assert citations
        for citation in citations:
            assert any(spelling in texts[citation.paper_id] for spelling in spellings)


@pytest.mark.parametrize(
    "question", ["under what licence is TGX released?", "who funded the A-MEM work?", "who funded AlgoPerf"]
)
def test_licences_and_funds_are_not_made_up(bot: PaperChatbot, question: str) -> None:
    assert bot.ask(question).status == "abstained"


def test_a_link_that_one_side_lacks_is_told_to_be_missing(bot: PaperChatbot) -> None:
    answer = bot.ask("do OBoW and zkDL both release code?")
    assert answer.status == "partial"
    assert "a link of zkDL" in answer.answer


@pytest.mark.parametrize(
    ("talk", "papers"),
    [
        (["which papers are about federated learning?", "do any of them use transfer learning?"], ["Bristle"]),
        (["How does MAN compare with AugLocal on memory?", "and the other one?"], ["Scaling Supe"]),
        (["What is zkDL?", "how long does a proof take?"], ["zkDL"]),
        (["What is MambaEVT?", "what backbone"], ["MambaEVT"]),
        (["What is FRUGAL?", "how does it compare to ReLoRA?"], ["FRUGAL"]),
        (["What is VFN?", "what about pose estimation"], ["A New Teache"]),
        (["What is LiNeS?", "ok then anything about proteins?"], ["De novo prot"]),
        (["what is FRNet", "no, I meant the protein paper"], ["De novo prot"]),
        (["What do FedAMD and FedFix do?", "which one converges faster?"], ["Anchor Sampl", "A General Th"]),
        (["which papers save memory when training?", "the first: what's the idea there?"], ["FRUGAL"]),
        (
            ["which papers are about federated learning?", "tell me about the second", "and the first?"],
            ["Anchor Sampl"],
        ),
        (["What is Bristle?", "what is YOLOv9", "back to the first paper, what data?"], ["Bristle"]),
        (["What is LiNeS?", "and FRUGAL?"], ["FRUGAL"]),
        (["What is zkDL?", "for how many parameters?"], ["zkDL"]),
        (["who funded A-MEM?", "how does it organise memories?"], ["A-MEM"]),
        (["What is LiNeS?", "which graph solvers"], ["Convergent G"]),
        (["What is LiNeS?", "how about quantization?"], ["Quantizable "]),
        (["What is LiNeS?", "What's a hypernetwork and why is it hard to train?"], ["Magnitude In"]),
        (["What is LiNeS?", "how many gpu days for search"], ["PC-DARTS"]),
        (["What is LiNeS?", "the paper with spiking neurons"], ["Hebbian Lear"]),
    ],
)
def test_follow_ups(bot: PaperChatbot, talk: Sequence[str], papers: Sequence[str]) -> None:
    *earlier, question = talk
    found = cited(bot, bot.ask(question, earlier))
    assert found >= set(papers)
    assert len(found) <= 2
