"""The answers. Each changes the state in one statement that names the state it leaves; its row count is the answer."""

from favorites.dispatch.answers.accepting import accept, decline, extend
from favorites.dispatch.answers.assigning import assign
from favorites.dispatch.answers.delivering import deliver
from favorites.dispatch.answers.ending import cancel, complete, start
from favorites.dispatch.answers.prolonging import prolong
from favorites.dispatch.answers.reopening import open_to_everyone, release

__all__ = [
    "accept",
    "assign",
    "cancel",
    "complete",
    "decline",
    "deliver",
    "extend",
    "open_to_everyone",
    "prolong",
    "release",
    "start",
]
