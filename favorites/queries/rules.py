"""By which rule of the product something was decided, in a sentence with the rule's number."""

from collections.abc import Mapping
from typing import Any

RULES = {
    "priority": "Rule 1: priority applies, so the favorite alone is asked. Rule 4: the window is frozen on the row.",
    "accept": "Rule 9: the first to accept has it, one winner.",
    "assign": "Rule 9, by the owner: who can take it and has no other job. Nobody else is asked.",
    "decline": "Rule 7: a decline asks everyone at once.",
    "extend": "Rule 4: the window is longer by 5 minutes, once.",
    "lapse": "Rule 6: the clock ends the window. Rule 7: then everyone is asked.",
    "fallback": "Rule 7: it leaves the favorite, once, and everyone is asked.",
    "open": "Rule 1: a workshop alone is asked until everyone is asked instead.",
    "release": "Rule 12: it is taken back before the start; who it was taken from is not asked again.",
    "prolong": "Rule 10: the lifetime is made longer, once.",
    "expiry": "Rule 10: nobody took it within its lifetime.",
    "cancel": "Rule 11: before the start it can be cancelled, and what it cost is given back.",
    "started": "Rule 12: from the start on it can only be completed.",
    "completed": "Rule 12: its mechanic or the owner completes it, or the customer after the plan’s minutes.",
    "unattended": "Asked for too long, or nobody is on shift: the owner is told, once.",
    "delivered": "The first device that says so is the one that counts.",
}
ROUTING = {
    "flag_off": "Rule 2: priority is switched off, so everyone is asked at once.",
    "no_preference": "Rule 1: no favorite was chosen, so everyone is asked at once.",
    "broadcast": "Rule 1: everyone was to be asked, so everyone is.",
    "workshop": "Rule 1: a workshop comes before a favorite and everyone.",
    "mechanic_not_found": "Rule 3: an unknown mechanic fails no booking; everyone is asked.",
    "mechanic_not_approved": "Rule 1: only an approved favorite is asked first.",
    "not_a_favorite": "Rule 1: only one of the customer’s favorites is asked first.",
    "recently_asked": "Rule 17: who declined, or let two lapse, is not asked first again for a while.",
    "not_taking_offers": "Rule 17: who takes no first offers now is not asked first.",
    "error": "Rule 7: an error while offering asks everyone at once.",
}


def rule_of(payload: Mapping[str, Any]) -> str | None:
    """The rule that the first event of a transition names; None where it names none."""
    rule = str(payload.get("rule", ""))
    if rule == "routing":
        return ROUTING.get(str(payload.get("reason", "")), ROUTING["broadcast"])
    return RULES.get(rule)
