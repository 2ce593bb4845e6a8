"""Mistakes in the answers: accept, decline, cancel, complete, release, and asking everyone after all."""

from tests.mutants.mutation import Mutation

MUTATIONS = [
    Mutation(
        "dispatch/locks.py",
        "where(Mechanic.id == MECHANIC).with_for_update(read=True)",
        "where(Mechanic.id == MECHANIC)",
        ("answers::rule_9_a_suspension_that_came_first_is_waited_for",),
    ),
    Mutation(
        "db.py",
        "func.clock_timestamp(type_",
        "func.now(type_",
        ("answers::rule_15_an_accept_that_waited_is_stamped_as_it_happened",),
    ),
    Mutation(
        "dispatch/answers/accepting.py",
        "open_to(MECHANIC), is_free(MECHANIC))",
        "is_free(MECHANIC))",
        ("accept::x3_two_accept_at_once_and_exactly_one_wins",),
    ),
    Mutation(
        "dispatch/verb.py",
        '"session_requests_one_active_per_mechanic": errors.HasActiveSession,',
        "",
        ("accept::x3_one_mechanic_accepts_two_at_once_and_one_wins",),
    ),
    Mutation(
        "dispatch/answers/accepting.py",
        "if row.mechanic_id == mechanic_id and row.status in (Status.ACCEPTED, Status.COMPLETED):",
        "if False:",
        ("accept::x3_a_repeat_by_the_winner_is_a_success_with_one_effect",),
    ),
    Mutation(
        "dispatch/answers/accepting.py",
        "if not row.is_free:",
        "if False:",
        ("accept::x4_a_mechanic_on_a_job_is_refused",),
    ),
    Mutation(
        "dispatch/answers/accepting.py",
        "    tell.customer(Kind.REQUEST_ACCEPTED, mechanic_id=str(mechanic_id))\n",
        "",
        ("accept::x1_the_preferred_mechanic_accepts_in_the_window",),
    ),
    Mutation(
        "dispatch/answers/common.py",
        "if row.everyone_was_asked:",
        "if True:",
        ("accept::x1_the_preferred_mechanic_accepts_in_the_window",),
    ),
    Mutation(
        "dispatch/offering.py",
        ', "expires_at": lifetime_from_now()}',
        "}",
        ("fallback::b3_the_fallback_is_recorded_and_the_priority_facts_stay",),
    ),
    Mutation(
        "dispatch/answers/accepting.py",
        "window_is_open, is_preferred(mechanic_id))",
        "window_is_open)",
        ("priority::r13_inside_the_window_others_neither_see_nor_accept_it",),
    ),
    Mutation(
        "dispatch/answers/accepting.py",
        "declined_at=clock(), **fallback_values",
        "**fallback_values",
        ("fallback::b9_a_mechanic_who_declined_is_out_of_the_race",),
    ),
    Mutation(
        "dispatch/answers/accepting.py",
        '    tell.mechanic(Kind.REQUEST_WITHDRAWN, mechanic_id, reason="declined")\n',
        "",
        ("fallback::b9_a_mechanic_who_declined_is_out_of_the_race",),
    ),
    Mutation(
        "dispatch/answers/ending.py",
        ", is_open, ~(is_accepted & has_started))",
        ", is_open)",
        ("accept::rule_11_after_the_start_it_can_only_be_completed",),
    ),
    Mutation(
        "dispatch/answers/ending.py",
        "    if row.session_id:\n",
        "    if False:\n",
        ("accept::rule_11_cancelling_withdraws_every_card_and_returns_the_credit",),
    ),
    Mutation(
        "dispatch/answers/ending.py",
        "tell_those_who_saw(tell, row, Kind.REQUEST_CANCELLED)",
        "pass",
        ("accept::rule_11_cancelling_withdraws_every_card_and_returns_the_credit",),
    ),
    Mutation(
        "dispatch/answers/ending.py",
        'due = [] if actor.kind != "customer" else [_minutes_have_passed()]',
        "due: list[ColumnElement[bool]] = []",
        ("accept::rule_12_the_customer_completes_after_the_plans_minutes",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        "        released_from=func.array_append(SessionRequest.released_from, SessionRequest.mechanic_id),\n",
        "",
        ("accept::x2_unless_the_mechanic_releases_it",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        "is_accepted, ~has_started).subquery()",
        "is_accepted).subquery()",
        ("accept::rule_11_after_the_start_it_can_only_be_completed",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        "        expires_at=lifetime_from_now(),\n        released_from",
        "        released_from",
        ("answers::rule_12_a_released_one_has_a_fresh_lifetime",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        "        tell.mechanic(Kind.REQUEST_WITHDRAWN, row.taken_from, reason=FallbackReason.RELEASED.value)\n",
        "",
        ("accept::x2_unless_the_mechanic_releases_it",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        'late = [] if actor.kind == "admin" else [SessionRequest.accepted_at <= clock() - grace()]',
        "late: list[ColumnElement[bool]] = []",
        ("accept::rule_12_ask_everyone_again_only_after_the_grace",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        "where(*its, window_is_open).values",
        "where(*its).values",
        ("answers::rule_7_asking_everyone_twice_has_one_effect",),
    ),
    Mutation(
        "dispatch/answers/reopening.py",
        "expires_at=func.greatest(SessionRequest.expires_at, lifetime_from_now()),",
        "expires_at=SessionRequest.expires_at,",
        ("answers::rule_1_opening_a_workshops_request_gives_it_a_fresh_lifetime",),
    ),
    Mutation(
        "dispatch/people.py",
        "    leave_windows(session, [its, is_preferred(mechanic_id)], FallbackReason.UNAVAILABLE, actor)\n",
        "",
        ("fallback::rule_7_a_suspended_preferred_mechanic_is_left_at_once",),
    ),
    Mutation(
        "dispatch/people.py",
        "    take_back(session, [its, held], actor)\n",
        "",
        ("answers::rule_12_suspending_the_mechanic_on_the_way_asks_everyone_else",),
    ),
    Mutation(
        "dispatch/money.py",
        ".where(_balance(consultation.customer_id) >= price)",
        "",
        ("checkout::too_few_credits_are_told_with_the_way_out",),
    ),
]
