"""How a session request is answered: accept, decline, extend, cancel, release, open, start, complete, wait longer."""

from collections import Counter

from tests.model.wish import LIFETIME, No, Wish

GRACE, TALK, PRICE = 10, 30, 3  # minutes, minutes, credits
LONGEST, MORE = 120, 5  # minutes of a window, and of its one extension
OLGA = "olga"
CLOSED = {"accepted": "TAKEN", "completed": "TAKEN", "cancelled": "CANCELLED", "expired": "EXPIRED"}


class Answers:
    """All people and session requests; `now` in minutes. A verb that must be refused raises `No` with the code."""

    def __init__(self, customers: tuple[str, ...], mechanics: tuple[str, ...], credits: int) -> None:
        self.now, self.flag, self.window = 0, True, 10
        self.status = dict.fromkeys(mechanics, "approved")
        self.in_workshop = {"rita"}
        self.has_head_start = False  # the workshop
        self.unwilling: set[str] = set()  # to be asked first
        self.back = dict.fromkeys(mechanics, 0)  # how many wishes there were when they last came back
        self.favorites: set[tuple[str, str]] = set()
        self.wishes: list[Wish] = []
        self.credits = Counter(dict.fromkeys(customers, credits))

    def may_take(self, wish: Wish, who: str) -> bool:
        """Eligible now, whether or not they are on a job (rules 5, 6, 9)."""
        asked = wish.is_everyones(self.now) or wish.preferred == who
        return wish.status == "pending" and asked and not wish.said_no(who) and self._is_asked(wish, who)

    def _is_asked(self, wish: Wish, who: str) -> bool:
        is_theirs = not wish.is_workshops(self.now) or who in self.in_workshop
        return self.status.get(who) == "approved" and is_theirs

    def _is_free(self, who: str) -> bool:
        return not any(wish.mechanic == who and wish.status == "accepted" for wish in self.wishes)

    def _was_asked(self, wish: Wish, who: str) -> bool:
        ever = wish.is_everyones(self.now) or who in (wish.preferred, wish.mechanic)
        return ever and self._is_asked(wish, who)

    def accept(self, wish: Wish, who: str) -> None:
        """Rule 9."""
        if self.status.get(who) != "approved":
            raise No("NOT_ALLOWED")
        if self.may_take(wish, who) and self._is_free(who):
            wish.status, wish.mechanic, wish.accepted = "accepted", who, self.now
            wish.told.append("request_accepted")
        elif not self._was_asked(wish, who):
            raise No("NOT_FOUND")
        elif not (wish.mechanic == who and wish.status in ("accepted", "completed")):
            raise No(CLOSED.get(wish.status) or ("DECLINED" if wish.said_no(who) else "MECHANIC_HAS_ACTIVE_SESSION"))

    def decline(self, wish: Wish, who: str) -> None:
        """Rules 7 and 9."""
        if self.status.get(who) != "approved":
            raise No("NOT_ALLOWED")
        if wish.is_in_window(self.now) and wish.preferred == who:
            wish.declined = self.now
            self._fall_back(wish, "preferred_mechanic_declined", told="request_declined")
        elif wish.preferred != who or not self._was_asked(wish, who):
            raise No("NOT_FOUND")
        elif wish.declined is None:
            raise No(CLOSED.get(wish.status, "NOT_OFFERED"))

    def extend(self, wish: Wish, who: str) -> None:
        """Rule 4's one exception."""
        if self.status.get(who) != "approved":
            raise No("NOT_ALLOWED")
        if wish.preferred != who or not self._was_asked(wish, who):
            raise No("NOT_FOUND")
        if not wish.is_in_window(self.now):
            raise No("DECLINED" if wish.declined is not None else CLOSED.get(wish.status, "NOT_OFFERED"))
        if wish.extended is None and wish.window > LONGEST - MORE:
            raise No("WINDOW_IS_FULL")
        if wish.extended is None:
            wish.extended, wish.window = self.now, wish.window + MORE
            wish.told.append("request_extended")

    def cancel(self, wish: Wish, who: str) -> None:
        """Rule 11."""
        self._theirs(wish, who)
        if wish.status == "pending" or (wish.status == "accepted" and not wish.has_started):
            self._close(wish, "cancelled")
        elif wish.status != "cancelled":
            raise No({"accepted": "STARTED", "expired": "EXPIRED"}.get(wish.status, "OVER"))

    def release(self, wish: Wish, who: str) -> None:
        """Rule 12."""
        if who not in (OLGA, wish.mechanic, *wish.taken_from):
            raise No("NOT_FOUND")
        if wish.status == "accepted" and who in (OLGA, wish.mechanic) and not wish.has_started:
            self._take_back(wish)
        elif who not in wish.taken_from and wish.status != "pending":
            raise No("STARTED" if wish.status == "accepted" else "OVER")

    def open(self, wish: Wish, who: str) -> None:
        """Rules 1, 7 and 12: *Ask everyone now*, *Ask everyone again*."""
        self._theirs(wish, who)
        is_late = who == OLGA or (wish.accepted is not None and wish.accepted <= self.now - GRACE)
        if wish.is_in_window(self.now):
            self._fall_back(wish, "customer_opened")
        elif wish.status == "pending" and wish.is_workshops(self.now):
            wish.routing, wish.expires = "broadcast", max(wish.expires or 0, self.now + LIFETIME)
            wish.ends_head_start(self.now)
            wish.told.append("request_broadcast")
        elif wish.status == "accepted" and is_late and not wish.has_started:
            self._take_back(wish)
        elif wish.status == "accepted":
            raise No("STARTED" if wish.has_started else "TOO_EARLY")
        elif wish.status != "pending":
            raise No({"cancelled": "CANCELLED", "expired": "EXPIRED"}.get(wish.status, "OVER"))

    def prolong(self, wish: Wish, who: str) -> None:
        """One lifetime more, once."""
        if wish.customer != who:
            raise No("NOT_FOUND")
        if wish.status != "pending":
            raise No({"accepted": "ACCEPTED", "completed": "OVER"}.get(wish.status, wish.status.upper()))
        if wish.prolonged is not None:
            return
        if wish.expires is None:
            raise No("NO_TIME_RUNS")
        wish.expires, wish.prolonged = max(wish.expires, self.now) + LIFETIME, self.now
        wish.told.append("request_prolonged")

    def start(self, wish: Wish, who: str) -> None:
        """By who has it."""
        if wish.mechanic != who:
            raise No("NOT_FOUND")
        if wish.status != "accepted":
            raise No("OVER")
        if not wish.has_started:
            wish.started = self.now
            wish.told.append("request_started")

    def complete(self, wish: Wish, who: str) -> None:
        """Rule 12's end."""
        if who not in (OLGA, wish.mechanic, wish.customer):
            raise No("NOT_FOUND")
        if wish.status not in ("accepted", "completed"):
            raise No("OVER")
        if wish.status == "completed":
            return
        if wish.started is None or (who == wish.customer and wish.started + TALK > self.now):
            raise No("TOO_EARLY" if wish.has_started else "NOT_STARTED")
        wish.status, wish.closed = "completed", self.now
        wish.told.append("request_completed")

    def _fall_back(self, wish: Wish, reason: str, told: str = "request_broadcast", lifetime: bool = True) -> None:
        wish.reason, wish.left = reason, self.now
        wish.expires = self.now + LIFETIME if lifetime else wish.expires
        wish.told.append(told)

    def _take_back(self, wish: Wish) -> None:
        assert wish.mechanic
        wish.taken_from.append(wish.mechanic)
        if wish.is_silent:
            wish.reason, wish.left = "released", self.now
        wish.ends_head_start(self.now)
        wish.status, wish.mechanic, wish.accepted, wish.expires = "pending", None, None, self.now + LIFETIME
        wish.told.append("request_withdrawn")

    def _close(self, wish: Wish, status: str) -> None:
        wish.status, wish.closed = status, self.now
        wish.told.append(f"request_{status}")
        self.credits[wish.customer] += PRICE

    def _theirs(self, wish: Wish, who: str) -> None:
        if who not in (OLGA, wish.customer):
            raise No("NOT_FOUND")
