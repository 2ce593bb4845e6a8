"""A backup of a while ago is restored beside and put in place, under a server that runs or one that starts."""

from pathlib import Path

from favorites import postgres
from favorites.backups import making, restoring
from tests.ears import Ear
from tests.faults.doors import definite
from tests.faults.ground import Ground, back, ground
from tests.faults.registry import fault
from tests.faults.scenes import END_WINDOW, Case, Stage, done
from tests.faults.suite import by_tests
from tests.server import until

SPARE = 30.0  # seconds
NEWEST = "SELECT max(id) FROM request_events"
# The window ends five seconds from now, when the backup has been made and is being restored.
ENDS_SOON = END_WINDOW.replace("interval '10 minutes'", "interval '9 minutes 55 seconds'")


def dump(here: Ground, file: Path) -> None:
    """What `flask backup` does, while the server runs."""
    making.make(here.url, file, here.home, check=False)


def restore(here: Ground, file: Path) -> None:
    """What `flask restore --in-use` does: it takes the place of what is there, whoever is connected to it."""
    here.town.close()
    restoring.put_back(here.url, file, here.home, in_use=True)
    file.unlink()


@fault(
    "K62",
    "A backup is restored, under a server that runs and under a new one: events, answers and bookings are gone",
    "windows that ended meanwhile are announced once; who knows later events gets a reset; all goes on",
    4,
    unless="" if (postgres.binaries() / "pg_dump").exists() else "there is no pg_dump beside PostgreSQL",
)
def backup(times: int) -> int:
    with ground() as here:
        for turn in range(times):
            with here.server(CRASH_AT="") as server:
                play(Stage(here, server), runs=turn % 2 == 0)
        here.check()
        return len(here.violations)


def play(stage: Stage, *, runs: bool) -> None:
    """Once, under a server that runs, or while its worker stands still and dies."""
    here, town, claim = stage.ground, stage.town, stage.ground.claim
    lapsing, taken, later = Case(stage).asked(), Case(stage).asked(), Case(stage)
    town.sql(ENDS_SOON, lapsing.request_id)
    dump(here, here.home / "backup")
    done(stage.http.does(taken.marco, "accept", taken.request_id))
    later.asked()
    cursor = town.one(NEWEST)
    board = Ear(stage.server.port, "/mechanic/events", taken.marco.cookie, cursor)
    if runs:
        restore(here, here.home / "backup")
        until(lambda: _heard(board, "reset"), "the open stream is told to read anew", SPARE)
    else:
        stage.server.workers()[0].suspend()
        restore(here, here.home / "backup")
        stage.server.workers()[0].kill()
    back(stage.server)
    again = Ear(stage.server.port, "/mechanic/events", taken.marco.cookie, cursor)
    again.until("reset")
    until(lambda: lapsing.by_rule("lapse"), "the window that ended meanwhile is announced", SPARE)
    claim(lapsing.by_rule("lapse") == 1, "announced more than once")
    claim(later.find_request() == 0, "made after the backup, and still there")
    done(definite(lambda: stage.http.does(taken.marco, "accept", taken.request_id)))
    again.until("request_accepted")
    claim(taken.events("request_accepted") == 1, "accepted more than once")
    for ear in (board, again):
        ear.close()
    for case in (lapsing, taken):
        case.leave()


def _heard(ear: Ear, event: str) -> bool:
    ear.drain()
    return any(heard.event == event for heard in ear.all)


fault(
    "V20",
    "GET, HEAD and OPTIONS on every route, by everybody, in every state; HEAD and other methods, too",
    "No row is changed by reading",
    1,
)(
    by_tests(
        "tests/test_hostile_input.py::test_nothing_is_changed_by_reading",
        "tests/test_rights.py::test_v20_head_and_options_have_no_effect_and_other_methods_are_none",
    )
)
fault(
    "V26",
    "Any bytes in any field, header, address and body: NUL, half surrogates, scripts, SQL, deep JSON, line breaks",
    "No 5xx, no traceback, no page with a script of theirs, no line of their own in the log",
    1,
)(
    by_tests(
        "tests/test_hostile_forms.py",
        "tests/test_hostile_input.py",
        "tests/test_start.py::test_no_value_makes_a_line_of_its_own",
    )
)
fault(
    "V32",
    "Migrated twice, and down to each revision and to nothing and up again",
    "The same catalogue: columns, defaults, indexes, constraints, comments, triggers, functions; no row is lost",
    1,
)(
    by_tests(
        "tests/test_catalogue.py",
        "tests/test_schema.py::test_d8_down_below_phase_4_and_up_again_keeps_every_row",
        "tests/test_phase_4.py",
        "tests/test_upgrade.py::test_v32_no_request_fails_while_the_next_version_migrates_under_the_former_one",
    )
)
