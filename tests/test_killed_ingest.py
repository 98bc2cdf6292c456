"""Whenever an ingest is killed, running it again ends in the index that an undisturbed one makes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.index import PaperIndex, verify
from chatbot.index.manifest import load_manifest
from chatbot.index.vectors import VectorStore
from chatbot.upkeep import repair
from tests.conftest import make_record
from tests.killed_ingest import IDENTITY, HashedWords, Trial, bring_in, kill_and_compare

STEPS = ("_write_packs", "_write_passages", "_write_packs", "_drop_surplus")  # of a change to a paper, in their order


def test_a_killed_ingest_run_again_ends_like_an_undisturbed_one(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    source = write_jsonl(*(make_record(number) for number in range(200)))
    trials = list(kill_and_compare(source, tmp_path / "trials", 3, ["honey bees in experiment 17", "opera singing"]))
    assert [wrong for _, wrong in trials] == [[]] * 3


def die_before(step: int, folder: Path, source: Path) -> None:
    """Ingest ``source``, and be killed before a step of the first write; this runs in a process of its own."""
    left = [step]

    def dying(method: Callable[..., None]) -> Callable[..., None]:
        def act(*given: object, **named: object) -> None:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            method(*given, **named)

        return act

    for name in set(STEPS):
        setattr(VectorStore, name, dying(getattr(VectorStore, name)))
    bring_in(folder, source)


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_a_paper_whose_change_was_cut_off_anywhere_is_old_or_new_and_never_mixed(
    tmp_path: Path, write_jsonl: Callable[..., Path], step: int
) -> None:
    old, new = {"Bees fly.", "Bees sting.", "Bees sing."}, {"Bees doze.", "Bees swarm."}
    before, after = (
        write_jsonl(make_record(0), make_record(1, abstract=" ".join(sorted(each))), name=name)
        for each, name in ((old, "papers.jsonl"), (new, "new.jsonl"))
    )
    index = tmp_path / "index"
    bring_in(index, before)
    after.replace(before)
    process = Trial(before).start(die_before, step, index, before)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    opened = PaperIndex(index, IDENTITY)
    paper = opened.papers(["p1"])["p1"]
    sentences = {span.text for span in opened.spans([paper])["p1"]}
    assert sentences == (old if "fly" in paper.abstract else new)
    assert (len(opened), load_manifest(index).writing) == (2, False)  # whoever opens it ends the write
    bring_in(index, before)
    paper = PaperIndex(index, IDENTITY).papers(["p1"])["p1"]
    assert paper.abstract == " ".join(sorted(new))
    assert all("index repair" in finding.fix for finding in verify(index))
    repair(index, HashedWords())
    assert verify(index) == []
