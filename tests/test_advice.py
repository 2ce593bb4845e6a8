"""What a shorter window would have cost and saved, in words."""

from collections import Counter

import pytest

from favorites.queries.analytics.advice import Habits, advise


def habits(accepts: dict[int, int], lapses: dict[int, int] | None = None, window: int = 10) -> Habits:
    windows = Counter({window: sum(accepts.values())})
    windows.update(lapses or {})
    return Habits(Counter(accepts), Counter(lapses or {}), windows)


@pytest.mark.parametrize(
    ("did", "sentence"),
    [
        (
            habits({2: 30, 4: 9, 8: 1}, {10: 4}),
            "9 of 10 of Marco’s accepts come within 4 minutes: 5 instead of 10 would have lost 1 in 40 and saved"
            " customers 5 minutes each.",
        ),
        (
            habits({1: 20}, {10: 1, 15: 1}),
            "9 of 10 of Marco’s accepts come within 1 minute: 1 instead of 10 would have lost none and saved customers"
            " 11.5 minutes each.",
        ),
        (
            habits({3: 27, 6: 1, 7: 2}),
            "9 of 10 of Marco’s accepts come within 3 minutes: 3 instead of 10 would have lost 1 in 10 and saved"
            " nothing, as none ran out.",
        ),
        (
            habits({9: 40}, {10: 9}),
            "9 of 10 of Marco’s accepts come within 9 minutes: no window shorter than 10 would do.",
        ),
        (habits({2: 19}, {10: 9}), "Marco accepted 19 times first in this time; 20 accepts are needed to tell more."),
        (habits({2: 1}), "Marco accepted once first in this time; 20 accepts are needed to tell more."),
        (Habits(), "Marco accepted nothing first in this time; 20 accepts are needed to tell more."),
    ],
)
def test_the_sentence_says_what_the_numbers_say(did: Habits, sentence: str) -> None:
    assert advise(did).sentence("Marco") == sentence
