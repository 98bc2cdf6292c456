"""Whenever an ingest is killed, running it again ends in the index that an undisturbed one makes."""

from collections.abc import Callable
from pathlib import Path

from tests.conftest import make_record
from tests.killed_ingest import kill_and_compare


def test_a_killed_ingest_run_again_ends_like_an_undisturbed_one(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    source = write_jsonl(*(make_record(number) for number in range(200)))
    trials = list(kill_and_compare(source, tmp_path / "trials", 5, ["honey bees in experiment 17", "opera singing"]))
    assert [wrong for _, wrong in trials] == [[]] * 5
