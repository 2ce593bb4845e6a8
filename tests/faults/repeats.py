"""The same thing sent many times, and a worker that runs out of memory."""

import resource
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import psutil

from tests.faults.crashes import stage
from tests.faults.doors import OK, REFUSED, Answer, Http, definite
from tests.faults.ground import back
from tests.faults.registry import fault
from tests.faults.scenes import Case, Stage

AT_ONCE = 20
LIMITED = Answer(REFUSED, "TOO_MANY_REQUESTS")  # a customer may start ten intakes an hour


@fault(
    "K41", "20 parallel posts with one key: the intake, the checkout, the accept", "one of each, the same answer", 10
)
def doubled(times: int) -> int:
    with stage() as here, ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(times):
            twenty_times(here, threads)
        here.ground.check()
        return len(here.ground.violations)


def twenty_times(here: Stage, threads: ThreadPoolExecutor) -> None:
    """One intake, one agreement, one checkout, one accept: each sent by twenty at once."""
    case, door, claim = Case(here), here.http, here.ground.claim

    def all_the_same(what: str, call: partial[Answer]) -> None:
        answers = set(threads.map(lambda _: call(), range(AT_ONCE))) - {LIMITED}
        claim(len(answers) == 1 and all(answer.outcome == OK for answer in answers), f"{what}: answered {answers}")

    all_the_same("intake", partial(door.intake, case.ana, case.key, case.marco))
    claim(case.find_consultation() == 1, "a form made two consultations")
    all_the_same("waiver", partial(door.waiver, case.ana, case.consultation_id))
    all_the_same("checkout", partial(door.pay, case.ana, case.consultation_id))
    facts = (case.find_request(), case.ledger("spend"), case.events("request_offered"))
    claim(facts == (1, 1, 1), f"requests, payments, offers: {facts}")
    all_the_same("accept", partial(door.does, case.marco, "accept", case.request_id))
    claim(case.events("request_accepted") == 1, "accepted more than once")
    case.leave()


@fault("K65", "a worker out of memory (its address space ends where it is), then killed as the kernel does", "as K1", 5)
def out_of_memory(times: int) -> int:
    with stage() as here, ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(times):
            _without_memory(here, threads)
        here.ground.check()
        return len(here.ground.violations)


def _without_memory(here: Stage, threads: ThreadPoolExecutor) -> None:
    cases = [Case(here).signed() for _ in range(AT_ONCE)]
    (worker,) = here.server.workers()
    resource.prlimit(worker.pid, resource.RLIMIT_AS, (worker.memory_info().vms,) * 2)
    pay = [partial(Http(lambda: here.server.port).pay, case.ana, case.consultation_id) for case in cases]
    first = [threads.submit(call) for call in pay]
    for answer in first[: AT_ONCE // 2]:
        answer.exception(60)
    with suppress(psutil.NoSuchProcess):  # it may have ended by itself
        worker.kill()
    back(here.server)
    for case, call in zip(cases, pay, strict=True):
        answer = definite(call)
        here.ground.claim(answer.outcome == OK, f"after the kill the checkout was answered {answer}")
        facts = (case.find_request(), case.ledger("spend"), case.events("request_offered"))
        here.ground.claim(facts == (1, 1, 1), f"requests, payments, offers: {facts}")
        case.leave()
