"""Every sentence about a session request stands here once: pages, streams, notifications and mails say the same."""

from favorites.models import FallbackReason, Kind
from favorites.models.money import RefundReason
from favorites.models.owner_event import OwnerKind, Reason
from favorites.models.people import FORMER_MECHANIC

YOU = "You"
# Whose name the reader does not learn, or nobody knows any more; as a sentence begins with it.
NAMELESS = ANOTHER, FORMER, YOURS = "Another mechanic", FORMER_MECHANIC, "Your mechanic"
EVERYONE = "Everyone was asked"
OF_A_WORKSHOP = {
    "workshop": "The mechanics of {workshop} were asked",
    "head_start": "The mechanics of {workshop} were asked first",
}
HEAD_START_OUTLOOK = "The mechanics of {workshop} are asked first, then everyone at {at}."
# Whatever the cause: what a mechanic does when they are not asked is theirs to tell.
NOT_NOW = "{first} is not taking first offers right now, so everyone was asked"
FOR_ALL = OF_A_WORKSHOP | {"quiet_hours": "Nobody is asked first at this hour, so everyone was asked"}
ASKED_AT_ONCE = FOR_ALL | dict.fromkeys(("not_taking_offers", "recently_asked", "mechanic_not_approved"), NOT_NOW)
ASKED_AT_ONCE_FOR_THE_OWNER = FOR_ALL | {
    "flag_off": "Priority is switched off, so everyone was asked",
    "not_taking_offers": "{first} was not taking first offers, so everyone was asked",
    "recently_asked": "{first} was asked by {customer} not long ago, so everyone was asked",
    "mechanic_not_approved": "{first} was not approved, so everyone was asked",
    "mechanic_not_found": "There was no such mechanic, so everyone was asked",
    "not_a_favorite": "{first} was no favorite of {customer}’s, so everyone was asked",
}
ASKED_AFTER: dict[str, str] = {
    FallbackReason.NO_RESPONSE: "{first} did not answer in time, so everyone was asked",
    FallbackReason.CUSTOMER_OPENED: "{customer} asked everyone",
    FallbackReason.UNAVAILABLE: "{first} became unavailable, so everyone was asked",
    FallbackReason.ERROR: "{first} could not be reached, so everyone was asked",
    "head_start_over": "Nobody of {workshop} took it at once, so everyone was asked",
    "workshop_closed": "{workshop} has closed, so everyone was asked",
}
ASSIGNED = "{who} {was} assigned by the owner"
OPENED_BY_THE_OWNER = "The owner asked everyone"
ASKED_AGAIN = {
    "customer": "{customer} asked everyone again",
    "mechanic": "{who} gave it back, so everyone else was asked",
    "admin": "{who} became unavailable, so everyone else was asked",
}
SENTENCES = {
    Kind.REQUEST_OFFERED: "{who} {was} asked first",
    Kind.REQUEST_DECLINED: "{who} declined",
    Kind.REQUEST_ACCEPTED: "{who} accepted",
    Kind.REQUEST_STARTED: "The consultation started",
    Kind.REQUEST_COMPLETED: "The consultation was completed",
    Kind.REQUEST_EXPIRED: "Nobody took it in time",
    Kind.REQUEST_DELIVERED: "It reached {whose} screen",
    Kind.REQUEST_EXTENDED: "{who} asked for 5 more minutes",
    Kind.REQUEST_PROLONGED: "{customer} decided to wait longer",
}
# What a mail says next; only what is worth one is told by mail.
MAIL_NEXT = {
    Kind.REQUEST_ACCEPTED: "Open the consultation to see how to reach each other:",
    Kind.REQUEST_EXPIRED: "We are sorry. What it cost is given back; you can ask again:",
}
REFUSED_BECAUSE = {
    "experience": "You have not yet worked long enough as a mechanic.",
    "area": "There is no work for you where you are right now.",
    "incomplete": "Your application does not say enough about you.",
    "other": "",
}
SUSPENDED_BECAUSE = {
    "missed": "You accepted session requests and did not start them.",
    "complaint": "A customer has complained, and it is being looked into.",
    "pause": "You asked for a pause.",
    "other": "",
}
# What the owner reads of what was done to a mechanic, workshop or customer; `{why}`: of JUDGED_BECAUSE.
JUDGED_BECAUSE = {
    "experience": "too little experience",
    "area": "no work in their area",
    "incomplete": "the application says too little",
    "missed": "accepted and did not start",
    "complaint": "a complaint",
    "pause": "they asked for a pause",
    "other": "another reason",
}
ACTS = {
    OwnerKind.MECHANIC_APPROVED: "Approved",
    OwnerKind.MECHANIC_REFUSED: "Refused: {why}",
    OwnerKind.MECHANIC_SUSPENDED: "Suspended: {why}",
    OwnerKind.MECHANIC_RESTORED: "Restored",
    OwnerKind.WORKSHOP_ADDED: "Added",
    OwnerKind.WORKSHOP_CHANGED: "Changed",
    OwnerKind.WORKSHOP_JOINED: "Joined {workshop}",
    OwnerKind.CREDITS_GRANTED: "{credits} credits granted",
    OwnerKind.CREDITS_CORRECTED: "Corrected by {credits} credits",
    OwnerKind.CREDITS_REFUNDED: "{credits} credits given back",
    OwnerKind.PAYMENT_REFUNDED: "Payment given back",
    OwnerKind.DATA_EXPORTED: "Data exported",
    OwnerKind.PERSON_ERASED: "Erased",
}
INDEPENDENT = "Made independent"
MISSED = {
    "opened": "{customer} asked everyone before you answered",
    "lapsed": "You did not answer in time",
    "cancelled": "{customer} cancelled it before you answered",
    "assigned": "The owner gave it to another mechanic",
}
# Why the owner moved a session request: a key of `Reason`.
REASONS = {
    Reason.WAITS_TOO_LONG: "It waits too long",
    Reason.CUSTOMER_ASKED: "The customer asked for it",
    Reason.MECHANIC_ASKED: "The mechanic asked for it",
    Reason.NO_SHOW: "Somebody did not come",
    Reason.BY_MISTAKE: "It came to this by mistake",
    Reason.OTHER: "Another reason",
}
# Why a payment goes back, as its customer reads it.
GOES_BACK_BECAUSE = {
    RefundReason.CANCELLED: "The session request was cancelled before it started.",
    RefundReason.EXPIRED: "Nobody could take it in time.",
    RefundReason.OPEN_REQUEST: "You had another open session request, and there can be one at a time.",
    RefundReason.ALREADY_PAID: "It was paid for already.",
    RefundReason.NOT_BOOKABLE: "It could not be booked any more.",
    RefundReason.AMOUNT_DIFFERS: "The amount that arrived is not the one that was asked for.",
    RefundReason.CURRENCY_DIFFERS: "The currency that arrived is not the one that was asked for.",
    RefundReason.OWNER: "The owner of this site gives it back to you.",
    RefundReason.BY_PROVIDER: "The owner of this site gives it back to you.",
}
# The same, as the owner reads it.
WENT_BACK_BECAUSE = {
    RefundReason.CANCELLED: "It was cancelled",
    RefundReason.EXPIRED: "Nobody took it in time",
    RefundReason.OPEN_REQUEST: "Another session request of theirs was open",
    RefundReason.ALREADY_PAID: "It was paid already",
    RefundReason.NOT_BOOKABLE: "It could not be booked any more",
    RefundReason.AMOUNT_DIFFERS: "Another amount was paid than was asked",
    RefundReason.CURRENCY_DIFFERS: "It was paid in another currency than was asked",
    RefundReason.OWNER: "The owner gave it back",
    RefundReason.BY_PROVIDER: "It was given back at the provider",
}
# Why the owner was told of one.
ALARMS = {"rescue": "Nobody has taken it", "nobody_on_shift": "Nobody who could take it is on shift"}
CANCELLED = {"customer": "{customer} cancelled it", "admin": "The owner cancelled it"}


def who_is_asked(minutes: int | None) -> str:
    """Whom the link of a workshop asks, within a sentence; `minutes`: of its head start, None where it has none."""
    if minutes is None:
        return "its own mechanics are asked"
    return (
        f"its own mechanics are asked first, and {'1 minute' if minutes == 1 else f'{minutes} minutes'} later everyone"
    )


def filled(text: str, who: str, customer: str, **names: str) -> str:
    """One of the texts above with the names that this reader knows."""
    grammar = {"was": "were" if who == YOU else "was", "whose": _whose(who)}
    return text.format_map({"who": who, "customer": customer, **grammar, **names})


def _whose(who: str) -> str:
    """In the middle of a sentence."""
    if who == YOU:
        return "your"
    return f"{who[0].lower() + who[1:] if who in NAMELESS else who}’s"


def offer_message(first_name: str, minutes: int) -> str:
    """What the preferred mechanic reads first, on the stream, on the board and in a notification."""
    return f"{offer_title(first_name)} You have {minutes} minutes priority access."


def offer_title(first_name: str) -> str:
    """The head of a notification that may come late, so without the minutes."""
    return f"{first_name} specifically requested you!"


def offer_facts(vehicle: str, plan: str) -> str:
    """The line below it, to which the device adds the deadline by its own clock."""
    return " · ".join(filter(None, (vehicle, plan)))


JOB_GIVEN = "The owner gave you the job for {customer}"  # the head of a notification
OFFER_IS_OVER = "This offer is over"  # what some browsers show for a moment while they take its notification away
