"""What the owner looks for, as the address has it; nothing in it can be wrong enough to fail."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from favorites.queries.owner_board import CLOSED, Looked
from favorites.web.choice import printable
from favorites.web.reader import reader_zone

STAGES = (
    ("", "Everything open"),
    ("alarm", "Needs you"),
    ("priority", "A favorite is asked first"),
    ("workshop", "A workshop is asked"),
    ("broadcast", "Everyone is asked"),
    ("accepted", "Accepted"),
    ("started", "Started"),
    *((status, status.capitalize()) for status in CLOSED),
)
NAMES = ("stage", "plan", "workshop", "mechanic", "urgent", "q", "since", "until")
LAST_PAGE = 10_000


def looked(args: Mapping[str, str]) -> Looked:
    """Days are the reader's own, the last one included."""
    stage = args.get("stage", "")
    return Looked(
        stage=stage if stage and stage in dict(STAGES) else None,
        plan=printable(args.get("plan")),
        workshop=_id(args.get("workshop")),
        mechanic=_id(args.get("mechanic")),
        urgent=args.get("urgent") == "1",
        name=printable(args.get("q")),
        since=_midnight(args.get("since")),
        until=_midnight(args.get("until"), 1),
        page=_page(args.get("page", "")),
    )


def carried(args: Mapping[str, str]) -> dict[str, str]:
    """What of the address says what is looked for, without the page."""
    return {name: text for name in NAMES if (text := printable(args.get(name)))}


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _midnight(text: str | None, days: int = 0) -> datetime | None:
    try:
        day = date.fromisoformat(text or "") + timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=reader_zone()) if day.year > 1 else None
    except (ValueError, OverflowError):
        return None


def _page(text: str) -> int:
    return min(max(1, int(text)), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 9 else 1
