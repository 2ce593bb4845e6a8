"""Mistakes in what may be seen: the conditions everybody shares, pages, presence, and the events as they are told."""

from tests.mutants.mutation import Mutation

SESSION_REQUEST = "models/session_request.py"

MUTATIONS = [
    Mutation(
        SESSION_REQUEST,
        "is_pending, window_not_announced_over, SessionRequest.priority_expires_at > clock()",
        "is_pending, window_not_announced_over",
        ("answers::rule_6_the_clock_ends_the_window_for_the_preferred_mechanic_too",),
    ),
    Mutation(
        SESSION_REQUEST,
        "is_pending, window_not_announced_over, SessionRequest",
        "window_not_announced_over, SessionRequest",
        ("answers::rule_8_what_was_cancelled_inside_its_window_cannot_be_declined",),
    ),
    Mutation(
        SESSION_REQUEST,
        "    SessionRequest.priority_expires_at <= waited_until,\n)",
        ")",
        ("fallback::b9_nadia_may_accept_when_the_window_is_over_and_no_poller_runs",),
    ),
    Mutation(
        SESSION_REQUEST,
        "SessionRequest.accepted_at, SessionRequest.closed_at, clock())",
        "SessionRequest.closed_at, clock())",
        ("accept::rule_9_what_was_taken_inside_its_window_answers_others_like_a_missing_one",),
    ),
    Mutation(
        SESSION_REQUEST,
        "SessionRequest.accepted_at, SessionRequest.closed_at, clock())",
        "SessionRequest.accepted_at, clock())",
        ("accept::rule_9_what_was_cancelled_inside_its_window_answers_others_like_a_missing_one",),
    ),
    Mutation(
        SESSION_REQUEST,
        "SessionRequest.preferred_mechanic_id.is_not_distinct_from(mechanic_id)",
        "SessionRequest.preferred_mechanic_id == mechanic_id",
        ("answers::rule_9_who_declined_and_is_deleted_hides_it_from_nobody",),
    ),
    Mutation(
        SESSION_REQUEST,
        "return or_(declined, _given(mechanic_id) == func.any(SessionRequest.released_from))",
        "return declined",
        ("accept::x2_unless_the_mechanic_releases_it",),
    ),
    Mutation(
        SESSION_REQUEST,
        "return or_(declined, _given(mechanic_id) == func.any(SessionRequest.released_from))",
        "return _given(mechanic_id) == func.any(SessionRequest.released_from)",
        ("fallback::b9_a_mechanic_who_declined_is_out_of_the_race",),
    ),
    Mutation(
        SESSION_REQUEST,
        "or_(workshop_is_not_alone, SessionRequest.workshop_id == Mechanic.workshop_id)",
        "SessionRequest.id == SessionRequest.id",
        ("fallback::rule_1_a_workshop_alone_is_asked_until_the_customer_opens_it",),
    ),
    Mutation(
        SESSION_REQUEST,
        "or_(~head_start_not_announced_over, SessionRequest.workshop_until <= waited_until)",
        "~head_start_not_announced_over",
        ("hybrid::rule_6_the_clock_ends_the_head_start_even_if_nobody_polls",),
    ),
    Mutation(
        SESSION_REQUEST,
        "or_(~head_start_not_announced_over, SessionRequest.workshop_until <= waited_until)",
        "or_(~head_start_not_announced_over, SessionRequest.workshop_until <= clock())",
        ("hybrid::what_was_taken_in_its_head_start_answers_others_like_a_missing_one",),
    ),
    Mutation(
        SESSION_REQUEST,
        "or_(is_preferred(mechanic_id), everyone_was_asked, SessionRequest.mechanic_id == mechanic_id)",
        "or_(everyone_was_asked, SessionRequest.mechanic_id == mechanic_id)",
        ("accept::rule_9_what_was_cancelled_inside_its_window_answers_others_like_a_missing_one",),
    ),
    Mutation(
        SESSION_REQUEST,
        "or_(is_preferred(mechanic_id), everyone_was_asked, SessionRequest.mechanic_id == mechanic_id)",
        "or_(is_preferred(mechanic_id), SessionRequest.mechanic_id == mechanic_id)",
        ("accept::rule_9_every_refusal_has_its_code",),
    ),
    Mutation(
        SESSION_REQUEST,
        "asked = or_(everyone_was_asked, is_preferred(mechanic_id))",
        "asked = everyone_was_asked",
        ("accept::x1_the_preferred_mechanic_accepts_in_the_window",),
    ),
    Mutation(
        SESSION_REQUEST,
        "and_(is_pending, asked, ~said_no(mechanic_id), is_asked(mechanic_id))",
        "and_(is_pending, ~said_no(mechanic_id), is_asked(mechanic_id))",
        ("priority::r13_inside_the_window_others_neither_see_nor_accept_it",),
    ),
    Mutation(
        SESSION_REQUEST,
        "and_(is_pending, asked, ~said_no(mechanic_id), is_asked(mechanic_id))",
        "and_(asked, ~said_no(mechanic_id), is_asked(mechanic_id))",
        ("accept::x3_two_accept_at_once_and_exactly_one_wins",),
    ),
    Mutation(
        SESSION_REQUEST,
        "_another.mechanic_id == mechanic_id, _another.status == Status.ACCEPTED)",
        "_another.mechanic_id == mechanic_id)",
        ("answers::x4_a_job_that_is_over_leaves_the_mechanic_free",),
    ),
    Mutation(
        "queries/mechanic.py",
        "where(is_open, or_(and_(is_accepted, _THEIRS), open_to(MECHANIC)))",
        "where(is_open)",
        ("priority::r13_inside_the_window_others_neither_see_nor_accept_it",),
    ),
    Mutation(
        "queries/mechanic.py",
        'where(SessionRequest.id == bindparam("request"), or_(_THEIRS, was_asked(MECHANIC)))',
        'where(SessionRequest.id == bindparam("request"))',
        ("priority::r13_inside_the_window_others_neither_see_nor_accept_it",),
    ),
    Mutation(
        "queries/waiting.py",
        "SessionRequest.id == request_id, SessionRequest.customer_id == customer_id)",
        "SessionRequest.id == request_id)",
        ("priority::r13_inside_the_window_others_neither_see_nor_accept_it",),
    ),
    Mutation(
        "models/attention.py",
        "Mechanic.shift_started_at.is_not(None), ",
        "",
        ("status_api::a7_who_is_away_was_last_seen_when_the_database_says",),
    ),
    Mutation(
        "models/attention.py",
        "timedelta(seconds=30)",
        "timedelta(seconds=60)",
        ("status_api::a7_who_is_away_was_last_seen_when_the_database_says",),
    ),
    Mutation(
        "queries/events.py",
        '"customer_first_name": row.first_name',
        '"customer_first_name": wish.customer_name',
        ("priority::r4_nothing_that_identifies_the_customer_but_the_first_name",),
    ),
    Mutation(
        "queries/events.py",
        '"expires_at": wish.priority_expires_at.isoformat(),',
        '"expires_at": wish.priority_notified_at.isoformat(),',
        ("priority::r4_payload_and_message",),
    ),
    Mutation(
        "queries/events.py",
        "if row.SessionRequest.status != Status.PENDING:",
        "if False:",
        ("replay::rule_5_a_feed_that_is_late_offers_nothing_that_is_taken",),
    ),
    Mutation(
        "queries/events.py",
        "return [*wish.released_from, *declined, *(row.know_already or [])]",
        "return [*wish.released_from, *(row.know_already or [])]",
        ("fallback::b9_a_mechanic_who_declined_is_out_of_the_race",),
    ),
    Mutation(
        "queries/events.py",
        "return [*wish.released_from, *declined, *(row.know_already or [])]",
        "return declined",
        ("accept::x2_unless_the_mechanic_releases_it",),
    ),
    Mutation(
        "queries/events.py",
        "and_(RequestEvent.audience == Audience.MECHANIC, RequestEvent.mechanic_id == mechanic_id)",
        "RequestEvent.audience == Audience.MECHANIC",
        ("replay::rule_5_inside_the_window_only_the_preferred_mechanic_has_missed_it",),
    ),
    Mutation(
        "queries/events.py",
        "and_(RequestEvent.audience == Audience.WORKSHOP, RequestEvent.workshop_id == workshop_id)",
        "RequestEvent.audience == Audience.WORKSHOP",
        ("replay::rule_5_a_workshops_news_are_its_own",),
    ),
    Mutation(
        "queries/events.py",
        "theirs, visible, ~and_(to_all",
        "theirs, ~and_(to_all",
        ("replay::rule_5_what_is_taken_is_not_offered_on_replay",),
    ),
    Mutation(
        "queries/events.py",
        "theirs, visible, ~and_(to_all, said_no(mechanic_id)))",
        "theirs, visible)",
        ("replay::rule_5_whom_it_was_taken_back_from_hears_only_that",),
    ),
    Mutation(
        "queries/events.py",
        "theirs = (RequestEvent.session_request_id == request_id, RequestEvent.audience == Audience.CUSTOMER)",
        "theirs = (RequestEvent.session_request_id == request_id,)",
        ("replay::rule_5_the_customer_is_told_what_is_for_the_customer",),
    ),
    Mutation(
        "queries/events.py",
        "SessionRequest.id == request_id, SessionRequest.customer_id == customer_id)",
        "SessionRequest.id == request_id)",
        ("priority::r3_another_customer_cannot_listen",),
    ),
]
