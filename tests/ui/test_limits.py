"""How often: a sliding window per key."""

from __future__ import annotations

from ui.limits import Limit


def test_a_window_slides() -> None:
    now = [0.0]
    limit = Limit(2, 60, lambda: now[0])
    assert [limit.wait("a"), limit.wait("a")] == [0, 0]
    assert limit.wait("a") == 60
    assert limit.wait("b") == 0
    now[0] = 59.5
    assert limit.wait("a") == 1
    now[0] = 60.0
    assert limit.wait("a") == 0


def test_waiting_costs_nothing_and_forgetting_helps() -> None:
    now = [0.0]
    limit = Limit(1, 10, lambda: now[0])
    assert limit.wait("a") == 0
    for _ in range(50):
        assert limit.wait("a") == 10
    limit.forget("a")
    assert limit.wait("a") == 0


def test_a_limit_of_zero_allows_nothing() -> None:
    assert Limit(0, 60).wait("a") == 60
