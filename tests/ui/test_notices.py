"""Lists that are shown anew."""

from __future__ import annotations

from ui.pages.notices import relisted

CHOICES = [("One", "1"), ("Two", "2")]


def test_what_is_chosen_is_left_alone() -> None:
    """Without a value, so that not even a later choice is undone."""
    for chosen in ("1", None, ["2"], []):
        assert "value" not in relisted(CHOICES, chosen), chosen


def test_what_cannot_be_chosen_any_more_is_not_chosen() -> None:
    assert relisted(CHOICES, "3")["value"] is None
    assert relisted(CHOICES, ["3", "2"])["value"] == ["2"]
    assert relisted([], ["1"])["value"] == []
