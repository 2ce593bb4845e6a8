"""What is pushed to a browser, and what becomes of it."""

import json
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import structlog
from sqlalchemy.orm import Session

from favorites.dispatch import push
from favorites.dispatch.push import Sending
from favorites.models.consultation import in_one_line
from favorites.queries.sentences import JOB_GIVEN, OFFER_IS_OVER, offer_facts, offer_title
from favorites.webpush import services

log = structlog.get_logger(__name__)

# Seconds in which a device that was away is still told that an offer is over; one that never heard of it is not.
CLOSE_TTL = 3600

Outcome = Callable[[Session], None]


def tell(sending: Sending) -> Outcome:
    """Sends it; what is to be written down of it. Raises nothing."""
    try:
        return partial(_outcome(sending), sending=sending)
    except Exception:  # whatever it is, it is no better the next time
        log.exception("[Push] Cannot be sent", session_request=sending.key.session_request_id)
        return partial(push.give_up, sending=sending)


def _outcome(sending: Sending) -> Callable[..., None]:
    if sending.endpoint is None or sending.is_void:
        return push.forget
    try:
        answer = services.send(sending.endpoint, *sending.keys, *_message(sending))
    except OSError as error:  # the service does not answer, or not in time
        _say(sending, type(error).__name__)
        return push.try_later
    except services.Refused as refusal:
        _say(sending, str(refusal))
        return partial(push.forget, is_gone=True)
    _say(sending, answer.status)
    if answer.is_taken:
        return push.is_told
    if answer.is_gone:
        return partial(push.forget, is_gone=True)
    return partial(push.try_later, pause=answer.pause) if answer.is_for_later else push.give_up


def _message(sending: Sending) -> tuple[str, dict[str, str]]:
    """The text, and the headers of RFC 8030: for how long, in whose place (32 characters at most), how urgent."""
    id_ = sending.key.session_request_id
    told = {"id": str(id_), "url": f"/mechanic/requests/{id_}"}
    if sending.is_close:
        headers = {"TTL": str(CLOSE_TTL), "Topic": id_.hex, "Urgency": "normal"}
        return json.dumps({"title": OFFER_IS_OVER, **told}), headers
    facts = offer_facts(in_one_line(*sending.vehicle), sending.plan or "")
    until = None if sending.is_job else sending.until and sending.until.isoformat()
    first_name = sending.first_name or ""
    title = JOB_GIVEN.format(customer=first_name) if sending.is_job else offer_title(first_name)
    words = {"title": title, "body": facts, "until": until}
    headers = {"TTL": str(max(1, int(sending.seconds_left))), "Topic": id_.hex, "Urgency": "high"}
    return json.dumps({**words, **told}), headers


def _say(sending: Sending, answer: object) -> None:
    what = "[Push] Offer closed" if sending.is_close else "[Push] Offer sent"
    service = urlsplit(sending.endpoint or "").netloc  # the rest of the address is a secret
    log.info(what, session_request=sending.key.session_request_id, service=service, answer=answer, tries=sending.tries)
