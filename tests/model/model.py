"""The model: booking, the sweep, the owner's verbs, and time."""

from copy import deepcopy
from typing import Any

from tests.model.answers import PRICE, Answers
from tests.model.wish import HEAD_START, LIFETIME, No, Wish

COOLDOWN, DAY = 60, 24 * 60  # minutes
NO_RESPONSE, GONE = "preferred_mechanic_no_response", "preferred_mechanic_unavailable"
ANSWERS = ("accept", "decline", "extend", "cancel", "open", "release", "start", "complete", "prolong")


class Model(Answers):
    """Everything that can be done, by its name."""

    def book(self, customer: str, preferred: str | None, workshop: bool) -> str | None:
        """Rules 1, 3, 13 and 17; why it is broadcast, None when the favorite is asked first."""
        if any(wish.customer == customer and wish.status in ("pending", "accepted") for wish in self.wishes):
            raise No("CUSTOMER_HAS_OPEN_REQUEST")
        reason = self._why_broadcast(customer, preferred, workshop)
        wish = Wish(customer, self.now, self.window, workshop)
        if reason is None:
            wish.routing, wish.preferred, wish.notified = "priority_broadcast", preferred, self.now
        else:
            wish.routing, wish.expires = "workshop_only" if workshop else "broadcast", self.now + LIFETIME
        if reason == "head_start":
            wish.routing, wish.until = "hybrid", self.now + HEAD_START
            wish.expires = wish.until + LIFETIME
        wish.told.append("request_broadcast" if reason else "request_offered")
        self.wishes.append(wish)
        self.credits[customer] -= PRICE
        return reason

    def _why_broadcast(self, customer: str, preferred: str | None, workshop: bool) -> str | None:
        if workshop:
            return "head_start" if self.has_head_start else "workshop"
        if preferred is None:
            return "no_preference"
        if not self.flag:
            return "flag_off"
        if preferred not in self.status:
            return "mechanic_not_found"
        if self.status[preferred] != "approved":
            return "mechanic_not_approved"
        if (customer, preferred) not in self.favorites:
            return "not_a_favorite"
        if self._is_pestered(customer, preferred):
            return "recently_asked"
        return None if self._takes_offers(preferred) else "not_taking_offers"

    def _takes_offers(self, who: str) -> bool:
        has_another = any(wish.preferred == who and wish.is_in_window(self.now) for wish in self.wishes)
        return who not in self.unwilling and not has_another and not self._is_away(who)

    def _is_away(self, who: str) -> bool:
        since = [wish for wish in self.wishes[self.back[who] :] if wish.preferred == who and wish.notified is not None]
        answered = [
            wish.declined is not None or who in (wish.mechanic, *wish.taken_from)
            for wish in since
            if wish.declined is not None or who in (wish.mechanic, *wish.taken_from) or self._has_lapsed(wish)
        ]
        return len(answered) >= 2 and not any(answered[-2:])

    def _has_lapsed(self, wish: Wish) -> bool:
        return wish.ends_by(self.now) and wish.reason in (None, NO_RESPONSE)

    def _is_pestered(self, customer: str, preferred: str) -> bool:
        theirs = [wish for wish in self.wishes if (wish.customer, wish.preferred) == (customer, preferred)]
        lapses = [
            wish.notified + wish.window for wish in theirs if wish.notified is not None and self._has_lapsed(wish)
        ]
        lately = [end for end in lapses if end > self.now - DAY]
        declined = any(wish.declined is not None and wish.declined > self.now - COOLDOWN for wish in theirs)
        return declined or (len(lately) >= 2 and max(lately) > self.now - COOLDOWN)

    def sweep(self) -> None:
        """Rules 6, 8 and 10."""
        for wish in self.wishes:
            if wish.status == "pending" and wish.is_silent and wish.ends_by(self.now):
                self._fall_back(wish, NO_RESPONSE)
            if wish.status == "pending" and wish.over is None and wish.until is not None and wish.until <= self.now:
                wish.over = self.now
                wish.told.append("request_broadcast")
            end = wish.ends_at()
            if wish.status == "pending" and end is not None and end <= self.now:
                self._close(wish, "expired")

    def suspend(self, who: str) -> None:
        """Rules 7 and 12."""
        self._known(who)
        self.status[who] = "suspended"
        for wish in self.wishes:
            if wish.is_in_window(self.now) and wish.preferred == who:
                self._fall_back(wish, GONE)
            elif wish.status == "accepted" and wish.mechanic == who and not wish.has_started:
                self._take_back(wish)

    def approve(self, who: str) -> None:
        """Again."""
        self._known(who)
        self.status[who] = "approved"

    def delete(self, who: str) -> None:
        """By SQL: refused while a job is theirs; else everyone is asked at once."""
        if not self._is_free(who):
            raise No("ON_THE_WAY")
        self.status.pop(who, None)
        self.favorites = {pair for pair in self.favorites if pair[1] != who}
        for wish in self.wishes:
            wish.mechanic = None if wish.mechanic == who else wish.mechanic
            if wish.preferred == who:
                wish.preferred = None
                if wish.status == "pending" and wish.is_silent:
                    reason = NO_RESPONSE if wish.ends_by(self.now) else GONE
                    self._fall_back(wish, reason, lifetime=False)

    def passes(self, minutes: int) -> None:
        """Time."""
        self.now += minutes

    def flip(self, is_on: bool) -> None:
        """The feature flag."""
        self.flag = is_on

    def change_window(self, minutes: int) -> None:
        """For those who book from now on."""
        self.window = minutes

    def come_back(self, who: str) -> None:
        """After two offers that they did not answer."""
        self.back[who] = len(self.wishes)

    def wishes_offers(self, who: str, is_so: bool) -> None:
        """Consent to be asked first."""
        (self.unwilling.discard if is_so else self.unwilling.add)(who)

    def route(self, has_head_start: bool) -> None:
        """The workshop, for those who book from now on."""
        self.has_head_start = has_head_start

    def join(self, who: str, is_in: bool) -> None:
        """The workshop, or leave it."""
        self._known(who)
        (self.in_workshop.add if is_in else self.in_workshop.discard)(who)

    def likes(self, customer: str, who: str, is_one: bool) -> None:
        """A favorite, or no more."""
        if is_one:
            self._known(who)
        (self.favorites.add if is_one else self.favorites.discard)((customer, who))

    def board(self, who: str) -> tuple[int | None, set[int], set[int]]:
        """The job, the offers and the open requests that they see."""
        job = [n for n, wish in enumerate(self.wishes) if (wish.status, wish.mechanic) == ("accepted", who)]
        seen = {n for n, wish in enumerate(self.wishes) if self.may_take(wish, who)}
        offers = {n for n in seen if self.wishes[n].is_in_window(self.now)}
        return next(iter(job), None), offers, seen - offers

    def copy(self) -> "Model":
        """As it is now."""
        return deepcopy(self)

    def _known(self, who: str) -> None:
        if who not in self.status:
            raise No("NOT_FOUND")


def said(model: Model, verb: str, *values: Any) -> str:
    """What the model answers: "ok", with what it says, or the refusal's code."""
    if verb in ANSWERS:
        number, who = values
        values = (model.wishes[number], who)
    try:
        told = getattr(model, verb)(*values)
    except No as no:
        return str(no)
    return f"ok {told}" if told else "ok"
