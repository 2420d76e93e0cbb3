"""A token bucket: so much a second, and so much at once (L7). Pure: whoever uses it says what time it is."""


class Bucket:
    """An allowance that fills by itself.

    It may be overdrawn: what cannot be refused any more is spent all the same, and paid off before anything else.

    Args:
        rate: what comes in each second.
        burst: the most that it holds; it begins full.
        now: seconds of one monotonic clock, as in all calls. An earlier time than the last one counts as that.
    """

    __slots__ = ("_at", "_level", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = now

    def level(self, now: float) -> float:
        """What can be spent now; below 0 what is owed."""
        if now > self._at:
            self._level = min(self.burst, self._level + (now - self._at) * self.rate)
            self._at = now
        return self._level

    def take(self, amount: float, now: float) -> bool:
        """Spend it if it is there; False if not, and nothing is spent."""
        if self.level(now) < amount:
            return False
        self._level -= amount
        return True

    def spend(self, amount: float, now: float) -> None:
        """Spend it, whether it is there or not."""
        self.level(now)
        self._level -= amount

    def wait(self, now: float, amount: float = 0.0) -> float:
        """Seconds until so much is there, if nothing else is spent. Of more than `burst`: until it is full."""
        missing = min(amount, self.burst) - self.level(now)
        return missing / self.rate if missing > 0 else 0.0


class Allowance:
    """How much somebody may send: messages and bytes a second, a second's worth of each at once.

    Args:
        messages: a second; see `hub/prices.py` for what counts as how many.
        size: bytes a second.
        largest: bytes of the largest message, which may come at once whatever `size` is.
        now: seconds, as in all calls.
    """

    __slots__ = ("_at", "_bytes", "_largest", "_messages", "_rate", "_size")

    def __init__(self, messages: float, size: float, largest: float, now: float) -> None:
        self._rate, self._size = messages, size
        self._largest = max(size, largest)
        self._messages, self._bytes = messages, self._largest
        self._at = now

    def spend(self, messages: float, size: int, now: float) -> float:
        """Something came; what `wait` says by then. Each key is paid for here: two buckets in one, without calls."""
        passed = now - self._at
        if passed > 0:
            self._at = now
            level, spare = self._messages + passed * self._rate, self._bytes + passed * self._size
            self._messages = level if level < self._rate else self._rate
            self._bytes = spare if spare < self._largest else self._largest
        self._messages -= messages
        self._bytes -= size
        if self._messages >= 0 and self._bytes >= 0:
            return 0.0
        return max(0.0, -self._messages / self._rate, -self._bytes / self._size)

    def wait(self, now: float) -> float:
        """Seconds until nothing is owed; 0 while more may come."""
        return self.spend(0, 0, now)

    def exhausted(self, now: float) -> bool:
        """Whether a second's messages are owed: then even what was sent already is too much."""
        if self._messages >= 0:
            return False
        self.spend(0, 0, now)
        return self._messages <= -self._rate
