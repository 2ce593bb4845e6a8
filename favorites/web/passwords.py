"""Which passwords are refused: too short, guessed first by everyone, or made of what is known of the person."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from flask_security import PasswordUtil

SHORTEST, LONGEST = 8, 200
# Whoever types along the keyboard or the alphabet, either way round.
ROWS = (
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qazwsxedcrfv",
    "1q2w3e4r5t6y7u8i9o0p",
)
OURS = {"bookagain", "mechanic", "mechanics", "favorite", "favorites", "customer"}
LOOKALIKES = str.maketrans("013457@$!", "oieastasi")


class Passwords(PasswordUtil):
    """Length and guessability only: no rules of composition, anything can be typed or pasted."""

    def normalize(self, password: str) -> str:
        """As typed on any keyboard. One character too many tells enough: the hash fails for those of some thousand."""
        return str(super().normalize(password))[: LONGEST + 1]

    def validate(self, password: str, is_register: bool, **known: Any) -> tuple[list[str] | None, str]:
        """The sentences that speak against it (None: it is fine) and the password as it is to be hashed.

        `known`: the form's texts at sign-up, else `user`.
        """
        normal = self.normalize(password)
        sentence = why_refused(normal, _words_about(known))
        return ([sentence] if sentence else None), normal


def why_refused(password: str, about: set[str]) -> str:
    """One sentence, or an empty string. `about`: words of the person, in lower case."""
    if len(password) < SHORTEST:
        return f"Use {SHORTEST} characters or more; 15 make a strong one."
    if len(password) > LONGEST:
        return f"Use {LONGEST} characters or fewer."
    if _is_pattern(password.lower()) or _stems(password.lower()) & (_common() | OURS | about):
        return "This password is easy to guess. Three or four words that do not belong together are a good one."
    return ""


def _is_pattern(password: str) -> bool:
    """A row of keys, or one short piece again and again."""
    rows = ROWS + tuple(row[::-1] for row in ROWS)
    return re.fullmatch(r"(.{1,4}?)\1+.{0,3}", password) is not None or any(password in row * 2 for row in rows)


def _stems(password: str) -> set[str]:
    """The password without what is put around a word: digits and signs; as it stands and with look-alikes read."""
    read = {password, password.translate(LOOKALIKES)}
    return {password} | {re.sub(r"^[\W\d_]+|[\W\d_]+$", "", one) for one in read} | {re.sub(r"[\W_]+", "", password)}


def _words_about(known: dict[str, Any]) -> set[str]:
    user = known.pop("user", None)
    texts = [str(text) for text in known.values()] + ([user.email] if user else [])
    words = {word for text in texts for word in re.split(r"[\W_]+", text.lower()) if len(word) > 3}
    return words | {text.lower() for text in texts}


@cache
def _common() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text().split())
