"""Mistakes in the sweep: what falls back, what expires, once and in time."""

from tests.mutants.mutation import Mutation

MUTATIONS = [
    Mutation(
        "dispatch/due.py",
        "            SessionRequest.priority_expires_at <= func.now(),\n",
        "",
        ("priority::r8_offline_but_approved_is_notified_and_has_the_full_window",),
    ),
    Mutation(
        "dispatch/due.py",
        "            is_pending,\n            window_not_announced_over,\n",
        "            window_not_announced_over,\n",
        ("fallback::b5_accepted_before_nothing_is_sent", "fallback::b7_cancelled_or_expired_meanwhile_nothing_is_sent"),
    ),
    Mutation(
        "dispatch/due.py",
        "            is_pending,\n            window_not_announced_over,\n",
        "            is_pending,\n",
        ("fallback::b8_an_error_in_the_middle_leaves_it_to_the_next_poll_once",),
    ),
    Mutation(
        "dispatch/due.py",
        ".with_for_update(key_share=True, skip_locked=True)\n    )",
        ")",
        ("fallback::b6_at_most_once_also_with_several_pollers",),
    ),
    Mutation(
        "dispatch/due.py",
        ".with_for_update(key_share=True, skip_locked=True)\n    )",
        ".with_for_update(key_share=True)\n    )",
        ("fallback::b13_a_row_held_by_a_slow_accept_delays_no_other",),
    ),
    Mutation(
        "dispatch/fallback.py",
        "    for row in rows:\n        _announce(session, row)\n",
        "",
        ("fallback::b1_when_nobody_answers_everyone_hears_of_it_as_the_window_ends",),
    ),
    Mutation(
        "dispatch/fallback.py",
        "reason.value, TOLD[reason])",
        "reason.value, reason.value)",
        ("fallback::b4_the_payload_says_priority_timeout_and_has_the_request",),
    ),
    Mutation(
        "dispatch/fallback.py",
        "fallback_values(FallbackReason.NO_RESPONSE)",
        "fallback_values(FallbackReason.UNAVAILABLE)",
        ("fallback::b3_the_fallback_is_recorded_and_the_priority_facts_stay",),
    ),
    Mutation(
        "dispatch/due.py",
        "(window_not_announced_over, None),",
        "(window_not_announced_over, SessionRequest.created_at),",
        ("answers::rule_10_a_window_longer_than_the_lifetime_is_not_eaten",),
    ),
    Mutation(
        "dispatch/due.py",
        "func.coalesce(SessionRequest.fallback_broadcast_at, SessionRequest.created_at)",
        "SessionRequest.fallback_broadcast_at",
        ("fallback::rule_10_a_row_inserted_by_hand_counts_from_its_creation",),
    ),
    Mutation(
        "dispatch/due.py",
        "where(is_pending, _is_stale())",
        "where(_is_stale())",
        ("answers::rule_10_what_was_accepted_never_expires",),
    ),
    Mutation(
        "dispatch/fallback.py",
        "    money.give_back(session, [row.session_id for row in rows if row.session_id], RefundReason.EXPIRED)\n",
        "",
        ("fallback::rule_10_nobody_takes_it_it_expires_and_gives_the_credit_back",),
    ),
    Mutation(
        "dispatch/fallback.py",
        "        tell.customer(Kind.REQUEST_EXPIRED)\n",
        "",
        ("fallback::rule_10_nobody_takes_it_it_expires_and_gives_the_credit_back",),
    ),
    Mutation(
        "dispatch/fallback.py",
        "        tell_those_who_saw(tell, row, Kind.REQUEST_EXPIRED)\n",
        "",
        ("fallback::rule_10_nobody_takes_it_it_expires_and_gives_the_credit_back",),
    ),
    Mutation(
        "dispatch/due.py",
        "func.least(window.c.at, ahead.c.at, expiry.c.at, alarm.c.at)",
        "func.least(expiry.c.at, alarm.c.at)",
        ("scheduler::a_window_s_end_is_announced_on_time",),
    ),
    Mutation(
        "dispatch/fallback.py",
        "        poison.raise_if_away(error)\n        log.warning",
        "        raise\n        log.warning",
        ("poison::k12_a_time_that_python_does_not_know_stops_nobody",),
    ),
    Mutation(
        "dispatch/due.py",
        "wanted = [] if is_aside else [poison.is_well()]",
        "wanted: list[ColumnElement[bool]] = []",
        ("poison::k12_a_row_that_cannot_be_written_at_all_is_named_and_the_others_go_on",),
    ),
    Mutation(
        "dispatch/due.py",
        "or_(poison.is_well(), at > func.now())",
        "True",
        ("poison::k12_a_row_that_cannot_be_written_at_all_is_named_and_the_others_go_on",),
    ),
    Mutation(
        "dispatch/poison.py",
        "if _code(error) not in WAITED:",
        "if True:",
        ("poison::k12_a_row_that_somebody_holds_is_no_poison_and_holds_up_no_other",),
    ),
    Mutation(
        "dispatch/plainly.py",
        "        money.give_back(session, [row.session_id] if row.session_id else [], RefundReason.EXPIRED)\n",
        "",
        ("poison::k12_an_expiry_on_which_the_sweep_fails",),
    ),
]
