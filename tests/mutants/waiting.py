"""Mistakes in what the waiting page tells and offers."""

from tests.mutants.mutation import Mutation

MUTATIONS = [
    Mutation(
        "dispatch/answers/delivering.py",
        "        is_preferred(mechanic_id),\n",
        "",
        ("waiting_truth::only_who_was_asked_first_can_say_that_it_is_on_their_screen",),
    ),
    Mutation(
        "dispatch/answers/delivering.py",
        "        window_is_open,\n",
        "",
        ("waiting_truth::only_who_was_asked_first_can_say_that_it_is_on_their_screen",),
    ),
    Mutation(
        "dispatch/answers/delivering.py",
        "        SessionRequest.delivered_at.is_(None),\n",
        "",
        ("waiting_truth::the_page_says_since_when_the_offer_is_on_the_mechanics_screen",),
    ),
    Mutation(
        "dispatch/answers/prolonging.py",
        ", SessionRequest.prolonged_at.is_(None))",
        ")",
        ("waiting_truth::a_repeat_is_a_success_and_has_one_effect",),
    ),
    Mutation(
        "dispatch/answers/prolonging.py",
        "func.greatest(SessionRequest.expires_at, clock())",
        "SessionRequest.expires_at",
        ("waiting_truth::an_end_that_nobody_has_written_down_gets_a_whole_lifetime",),
    ),
    Mutation(
        "dispatch/answers/prolonging.py",
        "    return tell_those_who_saw(tell, row, Kind.REQUEST_PROLONGED)",
        "    return None",
        ("waiting_truth::who_can_see_it_hears_that_its_clock_moves",),
    ),
    Mutation(
        "web/delivery.py",
        "csrf.exempt(delivered)",
        "",
        ("waiting_truth::a_service_worker_needs_no_token_and_another_site_gets_nowhere[foreign0]",),
    ),
    Mutation(
        "queries/waiting.py",
        "and not row.delivered_at else None",
        "else None",
        ("waiting_truth::after_30_seconds_without_a_device_the_way_out_is_the_loud_button",),
    ),
    Mutation(
        "queries/waiting.py",
        "is None or self.session_request.prolonged_at is not None:",
        "is None:",
        ("waiting_truth::wait_longer_is_offered_in_the_last_third_and_once",),
    ),
    Mutation(
        "models/session_request.py",
        "can_answer: ColumnElement[bool] = and_(can_help, ~said_no(Mechanic.id))",
        "can_answer: ColumnElement[bool] = can_help",
        ("waiting_truth::why_everyone_is_asked",),
    ),
    Mutation(
        "queries/asked.py",
        "count().filter(is_present), func",
        "count(), func",
        ("waiting_truth::how_many_are_asked_and_whether_anybody_is_there",),
    ),
    Mutation(
        "queries/timeline.py",
        "ANOTHER, OF_A_WORKSHOP)",
        "ANOTHER, ASKED_AT_ONCE)",
        ("waiting_truth::a_favorite_who_is_not_asked_first_is_told_of_without_the_cause",),
    ),
]
