"""The one place where a test waits for another process."""

import time
from collections.abc import Callable


def eventually[T](look: Callable[[], T], *, seconds: float = 30.0, every: float = 0.05) -> T:
    """Look again and again until the answer is truthy; the last exception or answer tells why it never was."""
    deadline = time.monotonic() + seconds
    while True:
        problem: Exception | None = None
        answer = None
        try:
            answer = look()
        except Exception as error:
            problem = error
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {answer!r}") from problem
        time.sleep(every)
