"""Mistakes in who takes first offers now, and in the one extension."""

from tests.mutants.mutation import Mutation

FAIRNESS, ACCEPTING = "models/fairness.py", "dispatch/answers/accepting.py"

MUTATIONS = [
    Mutation(
        FAIRNESS,
        "or_(is_quiet(mechanic_id), is_away(mechanic_id), has_open_offer(mechanic_id))",
        "or_(is_quiet(mechanic_id), is_away(mechanic_id))",
        ("fairness::rule_1_one_offer_at_a_time",),
    ),
    Mutation(
        FAIRNESS,
        ", Mechanic.takes_favorites)",
        ")",
        ("fairness::rule_1_who_declined_to_be_asked_first_is_not_and_keeps_their_favorites",),
    ),
    Mutation(
        FAIRNESS,
        "func.timezone(User.time_zone, clock())",
        'func.timezone("UTC", clock())',
        ("fairness::rule_1_in_their_quiet_hours_nobody_is_asked_first",),
    ),
    Mutation(
        FAIRNESS,
        "else_=or_(_since, _until)",
        "else_=and_(_since, _until)",
        ("fairness::rule_1_in_their_quiet_hours_nobody_is_asked_first",),
    ),
    Mutation(
        FAIRNESS,
        ", SessionRequest.priority_notified_at > since)",
        ")",
        ("fairness::rule_1_after_two_unanswered_offers_they_are_away_until_they_say_so",),
    ),
    Mutation(
        FAIRNESS,
        "or_(SessionRequest.declined_at.is_not(None), was_accepted)",
        "SessionRequest.declined_at.is_not(None)",
        ("fairness::rule_1_who_accepted_late_has_answered",),
    ),
    Mutation(
        "dispatch/locks.py",
        "select(Mechanic.id).where(Mechanic.id == mechanic_id).with_for_update(key_share=True)",
        "select(Mechanic.id).where(Mechanic.id == mechanic_id)",
        ("fairness::rule_1_two_customers_at_the_same_moment_make_one_offer",),
    ),
    Mutation(
        "dispatch/people.py",
        "shift_started_at=clock(), back_at=clock()",
        "shift_started_at=clock()",
        ("fairness::rule_1_starting_the_shift_is_coming_back",),
    ),
    Mutation(
        ACCEPTING,
        "window_is_open, is_preferred(mechanic_id), can_be_extended",
        "is_preferred(mechanic_id), can_be_extended",
        ("extension::rule_4_no_extension_once_it_is_over_or_full",),
    ),
    Mutation(
        "models/session_request.py",
        "    SessionRequest.extended_at.is_(None), SessionRequest.priority",
        "    SessionRequest.priority",
        ("extension::rule_4_a_second_press_is_no_second_extension",),
    ),
    Mutation(
        "queries/events.py",
        "(asks or event.kind == Kind.REQUEST_EXTENDED)",
        "asks",
        ("extension::the_feed_tells_the_poller_of_the_new_end",),
    ),
]
