"""Watch over the answers given: refuse a visitor who asks too often, log each answer, and know which are under way.

Knows visitors and the form of an answer; knows nothing of how it is made or shown.
"""

import threading
import time
from collections.abc import Generator
from contextlib import closing
from typing import Any

from chatbot.errors import Busy, ChatbotError
from chatbot.serving.limits import Limits
from chatbot.serving.logs import hash_name, locate, log


class Desk:
    """Where every question of the page passes.

    Attributes:
        closing: set once no further question is taken.
        open: how many answers are under way.
    """

    def __init__(self, limits: Limits, log_questions: bool = False) -> None:
        self.closing = threading.Event()
        self.open = 0
        self._limits, self._log_questions, self._lock = limits, log_questions, threading.Lock()

    def watch(self, request: Any, question: str, answers: Generator[Any]) -> Generator[Any]:
        """Yield ``answers``: the growing answer to ``question``, or the one thing that is told instead.

        Raises Busy when the visitor of ``request`` has to wait; of an error that is not known, only a line in the log
        tells more.
        """
        visitor, started, status = getattr(request, "username", None) or "", time.perf_counter(), "stopped"
        answer: Any = None
        self._count(1)
        try:
            with closing(answers):
                self._admit(visitor or _address(request))
                for answer in answers:
                    yield answer
            status = _read(answer, "status") or ("told" if answer else "stopped")
        except ChatbotError as error:
            status = type(error).__name__
            raise
        except Exception as error:
            status = "failed"
            log("error", error=type(error).__name__, where=locate(error.__traceback__))
            raise ChatbotError(
                "this question could not be answered; try again, and tell whoever runs this server"
            ) from error
        finally:
            self._count(-1)
            log(
                "answer",
                user=hash_name(visitor),
                ms=round((time.perf_counter() - started) * 1000, 1),
                status=status,
                model=_read(answer, "model"),
                question=question if self._log_questions else None,
            )

    def _admit(self, visitor: str) -> None:
        if self.closing.is_set():
            raise Busy("the server is stopping; try again in a moment")
        if not self._limits.may_ask(visitor):
            raise Busy("you have asked many questions within a minute; wait a moment and try again")

    def _count(self, change: int) -> None:
        with self._lock:
            self.open += change


def _read(answer: Any, name: str) -> str | None:
    found = answer.get(name) if isinstance(answer, dict) else getattr(answer, name, None)
    return str(found) if found else None


def _address(request: Any) -> str:
    client = getattr(request, "client", None)
    return client.host if client else ""
