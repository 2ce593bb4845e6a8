"""K33–K40: what befalls people and settings while somebody waits; and who may do, see and hear what (V9, V23–V25)."""

from tests.faults.registry import fault
from tests.faults.suite import by_tests

DELETION, PEOPLE, STREAMS = "tests/test_deletion.py", "tests/test_people_faults.py", "tests/test_stream_ends.py"


def _k(number: int) -> list[str]:
    """The tests of that fault."""
    return [PEOPLE, "-k", f"k{number}"]


fault(
    "K33",
    "The preferred mechanic is deleted inside the window: by SQL, by the account, while others cancel",
    "Broadcast in the same commit, the customer told, the other columns as they were, no deadlock",
    times=10,
)(by_tests(DELETION))
fault(
    "K34",
    "The preferred mechanic is suspended inside the window, with the board open",
    "Everyone is asked; the stream ends within 5 s; accept is refused with 403, another's wins",
    times=20,
)(by_tests(STREAMS, "-k", "k34"))
fault(
    "K35",
    "The favorite is removed inside the window, by the customer or by the mechanic",
    "The window is as it was: the preferred mechanic alone may accept",
    times=20,
)(by_tests(*_k(35)))
fault(
    "K36",
    "The flag goes off, on and off again inside the window",
    "Open windows run to their end and lapse; who books then is not asked first",
    times=20,
)(by_tests(*_k(36)))
fault(
    "K37",
    "Another window length inside the window (1, 60); one that makes no sense (0, −5, 121, NULL, 2^31 − 1, 2^31)",
    "Open windows are as they were; the table refuses the rest",
    times=20,
)(by_tests(*_k(37)))
fault(
    "K38",
    "A workshop and a favorite at once; the workshop is deleted; its mechanic moves to another",
    "The workshop comes first, no window; who may accept is looked at when they do; nobody waits for ever",
    times=20,
)(by_tests(*_k(38)))
fault(
    "K39",
    "There is no approved mechanic",
    "It expires at its time, the customer is told, the credits are back",
    times=20,
)(by_tests(*_k(39)))
fault(
    "K40",
    "The account of a mechanic on the way is deleted",
    "Refused while the job is theirs; suspended first, the job goes to everyone and the account may go",
    times=20,
)(by_tests(*_k(40)))
fault(
    "K44",
    "A push service answers 429, 500 or 503 nine times, 307, 400, 401, 403 or 413, or nothing; a sender dies",
    "Five tries and no more; nobody else is late; what a dead sender held is sent by another",
    times=5,
)(
    by_tests(
        *(
            f"tests/test_push.py::test_{name}"
            for name in (
                "a_service_that_is_unwell_is_asked_again_and_not_for_ever",
                "it_is_asked_again_when_it_says_and_then_takes_it",
                "what_is_refused_or_led_elsewhere_is_not_sent_again",
                "one_that_hangs_delays_nobody_else",
                "what_a_killed_sender_has_taken_is_sent_by_another_when_its_time_is_up",
            )
        )
    )
)
fault(
    "V23",
    "Every route, by everybody, in every state, as page and as JSON, with own, foreign, random and deleted ids",
    "Each answers as tests/rights.toml says; reads and refusals change no row; foreign is like missing, by the letter",
    times=1,
)(by_tests("tests/test_rights.py", RIGHTS="all"))
fault(
    "V24",
    "Canaries in every field; all that others can fetch, be refused with, or hear",
    "No canary, no id, no count inside the window; a first name, a car and a concern before the acceptance",
    times=5,
)(by_tests("tests/test_canaries.py"))
fault(
    "V25",
    "Signing out, a changed password, a suspension, with streams open; and with every NOTIFY lost",
    "Each stream is closed within 5 s, the others stay, the next try is 401",
    times=200,
)(by_tests(STREAMS, "-k", "v25", each=10))
