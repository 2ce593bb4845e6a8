"""Every interleaving of every two verbs, by PostgreSQL's isolationtester: each ends as one of the two orders does."""

import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator

from tests.faults.ground import ground
from tests.faults.registry import fault
from tests.faults.statements import BEFORE, MARCO, NOTES, STAGES, VERBS, Step, captured, run
from tests.faults.suite import by_tests
from tests.faults.tools import path_of, unless

TOOL = "isolationtester"
PATIENCE = 300  # seconds for one pair
ON_THE_WAY = "accepted_has_a_mechanic"  # who deletes a mechanic on a job is refused
LOOK = f"""SELECT concat_ws(' | ', status, coalesce(fallback_reason, '-'), coalesce(right(mechanic_id::text, 1), '-'),
CASE WHEN priority_notified_at IS NULL OR fallback_reason IS NOT NULL OR priority_expires_at > clock_timestamp()
  THEN 'asked' ELSE 'not asked' END,
coalesce((SELECT status FROM mechanics WHERE id = '{MARCO}'), 'gone'),
(SELECT string_agg(step, ', ' ORDER BY id) FROM steps)) AS ended FROM session_requests"""
LEGAL = {
    ("pending", "pending"),
    ("pending", "accepted"),
    ("accepted", "pending"),
    ("pending", "cancelled"),
    ("accepted", "cancelled"),
    ("accepted", "accepted"),  # the owner gives it to another
    ("pending", "expired"),
}


def orders(one: list[Step], other: list[Step]) -> Iterator[tuple[str, ...]]:
    """Every interleaving that can be: who waits goes on after the other's commit only."""
    sides = {"a": [*one, None], "b": [*other, None]}  # None: the commit
    length = len(sides["a"]) + len(sides["b"])
    for turns_of_a in itertools.combinations(range(length), len(sides["a"])):
        order = tuple("a" if turn in turns_of_a else "b" for turn in range(length))
        if _can_be(order, sides):
            turns = {"a": itertools.count(1), "b": itertools.count(1)}
            yield tuple(f"{side}{next(turns[side])}" for side in order)


def _can_be(order: tuple[str, ...], sides: dict[str, list[Step | None]]) -> bool:
    left, held, waiting = {side: iter(steps) for side, steps in sides.items()}, dict[str, dict[str, bool]](), set[str]()
    for side in order:
        if side in waiting:
            return False
        step = next(left[side])
        if step is None:
            held.pop(side, None)
            waiting.clear()
            continue
        theirs = held.get("b" if side == "a" else "a", {})
        is_held = any(row in theirs and not (shared and theirs[row]) for row, shared in step.takes.items())
        if is_held and step.waits:
            waiting.add(side)
        if not is_held or step.waits:
            held.setdefault(side, {}).update(step.takes)
    return True


def specification(stage: str, one: list[Step], other: list[Step], sweeps: list[Step]) -> str:
    """The two sessions, one that does at the end what is due and looks, and every order."""
    return "\n".join(
        [
            f"setup {{ {BEFORE} {STAGES[stage]} }}",
            _session("a", one),
            _session("b", other),
            "session z",
            *(f"step z{number} {{ {step.sql} }}" for number, step in enumerate(sweeps, 1)),
            f"step look {{ {LOOK} }}",
            *(f"permutation {' '.join(order)} z1 z2 look" for order in orders(one, other)),
        ]
    )


def _session(name: str, steps: list[Step]) -> str:
    texts = [*(step.sql for step in steps), "COMMIT"]
    return "\n".join(
        [f"session {name}", "setup { BEGIN; }", *(f"step {name}{n} {{ {text} }}" for n, text in enumerate(texts, 1))]
    )


def ends(url: str, text: str) -> dict[str, str]:
    """What each order ended with. Raises `AssertionError` for an error of the tool or in a statement."""
    told = subprocess.run(
        [str(path_of(TOOL)), url], input=text, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert told.returncode == 0, told.stderr
    errors = [line for line in told.stdout.splitlines() if line.startswith("ERROR") and ON_THE_WAY not in line]
    assert not errors, told.stdout
    blocks = told.stdout.split("starting permutation: ")[1:]
    return {block.partition("\n")[0]: block.rstrip().splitlines()[-2].strip() for block in blocks}


def wrong(url: str, stage: str, one: str, other: str, verbs: dict[str, list[Step]]) -> tuple[int, list[str]]:
    """How many orders of these two there are, and those that end as neither serial order, or by an illegal step."""
    ended = ends(url, specification(stage, verbs[one], verbs[other], verbs["sweep"] + verbs["expiry"]))
    serial = {end for order, end in ended.items() if re.fullmatch(r"(a\d ?)+(b\d ?)+z.*|(b\d ?)+(a\d ?)+z.*", order)}
    assert serial, ended
    bad = [f"{one}, {other} {stage}: {order} ends {end}" for order, end in ended.items() if end not in serial]
    return len(ended), bad + [f"{one}, {other} {stage}: {end}" for end in {*ended.values()} if not _is_legal(end)]


def _is_legal(end: str) -> bool:
    """One winner at a time, one end, one fallback, nobody left neither."""
    status, _, mechanic, asked, _, *steps = end.split(" | ")
    taken = [step.split() for step in ", ".join(steps).split(", ") if step]
    ways = [(was, is_) for was, _, is_, _ in taken]
    fallbacks = [is_ for _, was, _, is_ in taken if was != is_]
    return (
        set(ways) <= LEGAL
        and len(fallbacks) <= 1
        and (status != "accepted" or mechanic != "-")
        and (status != "pending" or (mechanic == "-" and asked == "asked"))
    )


@fault(
    "V12",
    "isolationtester: every interleaving of every pair of accept (two mechanics), decline, cancel, release, open,"
    " sweep, expiry, suspension and deletion, in four states",
    "each ends as one of the two serial orders does: one winner, one end, one fallback, nobody left neither",
    1,
    unless(TOOL),
)
def all_pairs(times: int) -> int:
    with ground() as here:
        here.migrate()
        for _ in range(times):
            number = play(here.url, STAGES, here.claim)
        print(f"V12: {number} interleavings", file=sys.stderr)
        return len(here.violations)


def play(
    url: str,
    stages: Collection[str],
    claim: Callable[[object, str], None],
    first: Collection[str] = (*VERBS, "deletion"),
) -> int:
    """Every pair in these stages, those that one of `first` is of; how many orders."""
    run(url, NOTES)
    verbs = captured(url)
    played = 0
    for stage, (one, other) in itertools.product(stages, itertools.combinations_with_replacement(verbs, 2)):
        if not {one, other} & {*first}:
            continue
        number, bad = wrong(url, stage, one, other, verbs)
        played += number
        for what in bad:
            claim(False, what)
    return played


@fault(
    "M1",
    "50 random steps of the state machine against real SQL: every verb, time, sweeps, people, flag, window, deaths",
    "each answer, row, credit and board is as a model of the rules says; at each run's end every invariant",
    1000,
)
def at_random(times: int) -> int:
    return by_tests("tests/test_model.py", MODEL=str(times))(1)
