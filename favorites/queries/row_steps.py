"""What the row of a session request alone still tells, where its events are not kept."""

from collections.abc import Iterator
from datetime import datetime

from favorites.models import SessionRequest
from favorites.queries.owner_board import Row

COLUMNS = {
    "created_at": "{customer} asked",
    "priority_notified_at": "{first} was asked first",
    "delivered_at": "It reached {first}’s screen",
    "extended_at": "{first} took 5 more minutes",
    "declined_at": "{first} declined",
    "fallback_broadcast_at": "Everyone was asked ({reason})",
    "reopened_at": "Everyone was asked anew",
    "prolonged_at": "{customer} decided to wait longer",
    "unattended_at": "The owner was told that nobody takes it",
    "accepted_at": "{who} accepted",
    "closed_at": "It was {status}",
}


def row_steps(row: Row) -> list[tuple[datetime, str]]:
    """When, and what, oldest first; of two in one statement, as `COLUMNS` has them."""
    return sorted(_steps(row.request, row), key=lambda step: step[0])


def _steps(request: SessionRequest, row: Row) -> Iterator[tuple[datetime, str]]:
    names = {
        "customer": row.customer.first_name,
        "first": row.preferred or "A former mechanic",
        "who": row.mechanic or "A former mechanic",
        "reason": (request.fallback_reason or "").replace("_", " "),
        "status": request.status,
    }
    for column, text in COLUMNS.items():
        if at := getattr(request, column):
            if column == "fallback_broadcast_at" and request.declined_at:
                at = max(at, request.declined_at)  # of one statement, which took its own clock for each
            is_gift = column == "accepted_at" and request.assigned_at
            yield at, ("{who} was assigned by the owner" if is_gift else text).format_map(names)
