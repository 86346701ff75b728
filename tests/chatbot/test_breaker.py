"""The circuit breaker, with a clock that is turned by hand."""

from __future__ import annotations

from chatbot.generation.breaker import FAILURES, LONGEST, PAUSE, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.wait() == 0
        breaker.failed("down")
    return breaker, clock


def test_it_opens_after_failures_in_a_row() -> None:
    breaker, _ = opened()
    assert breaker.open and breaker.wait() == PAUSE and breaker.reason == "down"
    other = Breaker(Clock())
    for _ in range(FAILURES * 2):
        other.failed("down")
        other.succeeded()
    assert other.wait() == 0 and not other.open


def test_one_trial_after_the_pause() -> None:
    breaker, clock = opened()
    clock.now += PAUSE
    assert breaker.wait() == 0
    assert breaker.wait() == PAUSE  # the others go on waiting
    breaker.succeeded()
    assert breaker.wait() == 0 and not breaker.open and breaker.reason == ""


def test_a_trial_that_fails_doubles_the_pause_once() -> None:
    breaker, clock = opened()
    clock.now += PAUSE
    assert breaker.wait() == 0
    for _ in range(20):  # the trial, and what was on its way since before
        breaker.failed("still down")
    assert breaker.wait() == 2 * PAUSE
    for _ in range(20):
        clock.now += LONGEST
        breaker.wait()
        breaker.failed("still down")
    assert breaker.wait() == LONGEST


def test_a_trial_that_nobody_reports_blocks_nothing() -> None:
    breaker, clock = opened()
    clock.now += PAUSE
    assert breaker.wait() == 0
    clock.now += PAUSE
    assert breaker.wait() == 0


def test_a_server_that_says_how_long_is_left_alone_so_long() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed("too many requests", 60)
    assert breaker.wait() == 60
    breaker.failed("too many requests", 10 * LONGEST)
    assert breaker.wait() == LONGEST
