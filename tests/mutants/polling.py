"""Mistakes in the ticker and in who leads."""

from tests.mutants.mutation import Mutation

MUTATIONS = [
    Mutation(
        "scheduler.py",
        '"misfire_grace_time": None',
        '"misfire_grace_time": 1',
        ("scheduler::a_late_poll_is_not_dropped",),
    ),
    Mutation(
        "scheduler.py",
        "self._armed = min(self._armed or at, at)",
        "self._armed = at",
        ("scheduler::a_wake_brings_the_poll_forward_and_never_back",),
    ),
    Mutation(
        "scheduler.py",
        "times = (self._armed, due, datetime",
        "times = (due, datetime",
        ("scheduler::a_wake_during_a_poll_is_not_lost",),
    ),
    Mutation(
        "scheduler.py",
        "times = (self._armed, due, datetime",
        "times = (self._armed, datetime",
        ("scheduler::it_polls_at_once_and_again_when_something_falls_due",),
    ),
    Mutation(
        "scheduler.py",
        "if not (self.is_leader or engine.has_stopped(session)):",
        "if False:",
        ("scheduler::who_does_not_lead_does_not_poll_and_takes_over_when_the_leader_stops",),
    ),
    Mutation(
        "scheduler.py",
        "return now + PAUSE if at <= now and due == tried else at",
        "return at",
        ("scheduler::what_cannot_be_done_yet_is_tried_with_pauses",),
    ),
    Mutation(
        "scheduler.py",
        "deadline - self._skew + MARGIN",
        "deadline + MARGIN",
        ("scheduler::our_clock_may_be_a_day_wrong",),
    ),
    Mutation(
        "scheduler.py",
        "            return datetime.now(UTC) + RETRY\n",
        "            return None\n",
        ("scheduler::a_database_that_is_away_is_told_once_and_tried_again",),
    ),
    Mutation(
        "scheduler.py",
        "Leadership(LOCK, self._now, self._watch_our_clock)",
        "Leadership(LOCK, lambda: None, self._watch_our_clock)",
        ("scheduler::who_does_not_lead_does_not_poll_and_takes_over_when_the_leader_stops",),
    ),
    Mutation(
        "scheduler.py",
        "(self.is_leader or engine.has_stopped(session))",
        "self.is_leader",
        ("scheduler::who_holds_the_lock_and_does_not_poll_is_not_waited_for",),
    ),
    Mutation(
        "scheduler.py",
        "if abs(self._our_clock - before) > STEP:",
        "if False:",
        ("scheduler::our_clock_may_be_set_while_we_wait",),
    ),
    Mutation(
        "queries/engine.py",
        "order_by(EngineBeat.id.desc())",
        "order_by(EngineBeat.at.desc())",
        ("filters::a_beat_from_before_the_clock_was_set_back_says_nothing",),
    ),
    Mutation(
        "heartbeat.py",
        "build_opener(_NoRedirect)",
        "build_opener()",
        ("heartbeat::a_watcher_who_is_unwell_is_told_of_once_and_not_followed_elsewhere",),
    ),
    Mutation(
        "leader.py",
        'cursor.execute("SELECT 1")\n                return',
        "return",
        ("scheduler::a_leader_that_lost_its_connection_leads_again",),
    ),
    Mutation(
        "leader.py",
        "SELECT pg_try_advisory_lock(hashtext(%s))",
        "SELECT hashtext(%s) IS NOT NULL",
        ("scheduler::who_does_not_lead_does_not_poll_and_takes_over_when_the_leader_stops",),
    ),
]
