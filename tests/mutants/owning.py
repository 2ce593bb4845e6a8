"""Mistakes in a workshop's head start and in the owner's ledger."""

from tests.mutants.mutation import Mutation

MUTATIONS = [
    Mutation(
        "dispatch/due.py",
        "over = (is_pending, head_start_not_announced_over, SessionRequest.workshop_until <= func.now())",
        "over = (is_pending, head_start_not_announced_over)",
        ("hybrid::the_poll_comes_when_the_head_start_ends",),
    ),
    Mutation(
        "dispatch/fulfillment.py",
        "minutes=rules.request_lifetime_minutes) + ahead",
        "minutes=rules.request_lifetime_minutes)",
        ("hybrid::the_head_start_does_not_eat_the_time_that_everyone_has",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        "workshop_over_at=head_start_ends,\n        expires_at=lifetime_from_now(),",
        "expires_at=lifetime_from_now(),",
        ("hybrid::what_the_workshop_gives_back_is_asked_of_everyone_once",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        "func.greatest(SessionRequest.expires_at, lifetime_from_now())",
        "lifetime_from_now()",
        ("hybrid::who_waits_longer_and_then_asks_everyone_keeps_that_time",),
    ),
    Mutation(
        "queries/events.py",
        "*declined, *(row.know_already or [])]",
        "*declined]",
        ("hybrid::the_poll_announces_it_once_however_many_run_and_only_to_the_others",),
    ),
    Mutation(
        "queries/events.py",
        "or_(RequestEvent.workshop_id.is_(None), not_before)",
        "or_(RequestEvent.workshop_id.is_(None), RequestEvent.workshop_id.is_not(None))",
        ("hybrid::on_replay_each_is_told_what_they_were_told",),
    ),
    Mutation(
        "dispatch/facts.py",
        "held.where(Workshop.id == workshop_id, Workshop.is_active)",
        "held.where(Workshop.id == workshop_id)",
        ("workshops::who_told_their_intake_before_it_closed_is_asked_of_everyone",),
    ),
    Mutation(
        "dispatch/money.py",
        ".where(_balance(customer_id) + credits >= 0)",
        "",
        ("admin_people::a_balance_never_falls_below_zero_and_no_line_is_changed",),
    ),
    Mutation(
        "dispatch/money.py",
        "    lock_customer(session, customer_id)\n    values = (customer_id, ",
        "    values = (customer_id, ",
        ("admin_people::corrections_at_once_never_take_more_than_there_is",),
    ),
]
