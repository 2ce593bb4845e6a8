"""The answers. Each changes the state in one statement that names the state it leaves; its row count is the answer."""

from favorites.dispatch.answers.accepting import accept, decline
from favorites.dispatch.answers.ending import cancel, complete, start
from favorites.dispatch.answers.reopening import open_to_everyone, release

__all__ = ["accept", "cancel", "complete", "decline", "open_to_everyone", "release", "start"]
