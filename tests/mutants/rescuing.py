"""Mistakes in what the owner gives away, hears and is alarmed about."""

from tests.mutants.mutation import Mutation

ASSIGNING, ATTENTION = "dispatch/answers/assigning.py", "models/attention.py"

MUTATIONS = [
    Mutation(
        ASSIGNING,
        "can = (is_asked(mechanic_id), ~said_no(mechanic_id), is_free(mechanic_id))",
        "can = (is_asked(mechanic_id), is_free(mechanic_id))",
        ("assign::who_declined_is_not_given_it",),
    ),
    Mutation(
        ASSIGNING,
        "elif not row.is_in_window and not row.taken_from:",
        "else:",
        ("assign::inside_a_window_it_may_be_given_to_who_was_asked_first",),
    ),
    Mutation(
        ASSIGNING,
        "~and_(is_accepted, has_started), ",
        "",
        ("assign::taken_from_one_it_is_given_to_another_who_begins",),
    ),
    Mutation(
        "queries/events.py",
        "return signal._replace(data=data, topics",
        "return signal._replace(topics",
        ("owner_board::owners_hear_that_something_happened_and_nothing_else",),
    ),
    Mutation(
        "dispatch/due.py",
        "is_pending, SessionRequest.unattended_at.is_(None), is_unattended()",
        "is_pending, is_unattended()",
        ("owner_board::the_owner_is_told_once_however_many_poll",),
    ),
    Mutation(
        ATTENTION,
        "    SessionRequest.reopened_at,\n",
        "",
        ("owner_board::a_window_is_no_broadcast_and_what_is_asked_anew_begins_anew",),
    ),
]
