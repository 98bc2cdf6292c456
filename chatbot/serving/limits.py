"""How often a visitor may ask, and how often a password may be tried.

Knows numbers a minute, names and addresses; knows nothing of what is asked or of the accounts. It counts in memory:
a restart forgives.
"""

# Tries to sign in, by name and address together, by name, by address. A right password forgives the first two.
_PAIR, _NAME, _ADDRESS = "5/minute", "50/10minute", "100/10minute"


class Limits:
    """The counts of one server, which allow each visitor ``questions`` a minute."""

    def __init__(self, questions: int) -> None:
        from limits import parse
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self._counts = MovingWindowRateLimiter(MemoryStorage())
        self._questions = parse(f"{questions}/minute")
        self._tries = [parse(each) for each in (_PAIR, _NAME, _ADDRESS)]

    def may_ask(self, visitor: str) -> bool:
        """Count a question of ``visitor``; return whether there were not too many."""
        return self._counts.hit(self._questions, "ask", visitor)

    def may_try(self, name: str, address: str) -> bool:
        """Count a try to sign in; return whether there were not too many. To be called before the password is read."""
        keys = ((name, address), (name,), (address,))
        counted = [self._counts.hit(most, "sign in", *key) for most, key in zip(self._tries, keys, strict=True)]
        return all(counted)

    def forgive(self, name: str, address: str) -> None:
        """Forget the tries for ``name``, whose password was right."""
        self._counts.clear(self._tries[0], "sign in", name, address)
        self._counts.clear(self._tries[1], "sign in", name)
