"""Mistakes in what erasing somebody leaves behind, and in what they may take with them."""

from tests.mutants.mutation import Mutation

GONE = "privacy::nothing_that_says_who_a_customer_is_is_left_in_any_table"
AT_ONCE = "privacy::whoever_writes_at_the_same_moment_leaves_nothing"

MUTATIONS = [
    Mutation(
        "dispatch/booking.py",
        "    plan = plan.where(kept_customer(customer_id).is_not(None))\n",
        "",
        (f"{AT_ONCE}[True-intake]",),
    ),
    Mutation(
        "dispatch/booking.py",
        "            *theirs, kept_customer(Consultation.customer_id).is_not(None)\n",
        "            *theirs\n",
        (f"{AT_ONCE}[True-agreement]",),
    ),
    Mutation(
        "dispatch/locks.py",
        "held = select(Customer.id).where(Customer.id == customer_id, Customer.erased_at.is_(None))\n"
        "    if session.execute(",
        "held = select(Customer.id).where(Customer.id == customer_id)\n    if session.execute(",
        (f"{AT_ONCE}[True-car]",),
    ),
    Mutation(
        "dispatch/forgetting.py",
        "    session.execute(_emptied(Intake).where(Intake.session_id.in_(its)))\n",
        "",
        (GONE,),
    ),
    Mutation(
        "dispatch/forgetting.py",
        "    session.execute(update(RequestEvent).where(*words).values(payload=without))\n",
        "",
        (GONE,),
    ),
    Mutation("dispatch/privacy.py", "    _empty_notes(session, person)\n", "", (GONE,)),
    Mutation(
        "dispatch/forgetting.py",
        "    for table in (SignIn, Mail, SessionRead):",
        "    for table in (Mail, SessionRead):",
        ("privacy::they_are_signed_out_everywhere_at_once",),
    ),
    Mutation(
        "dispatch/privacy.py",
        "        leave_windows(session, its, FallbackReason.UNAVAILABLE, actor)\n",
        "",
        ("privacy::a_mechanic_s_open_offer_falls_back_as_when_they_are_suspended",),
    ),
    Mutation(
        "models/session_request.py",
        "        ~one_is_erased,\n",
        "",
        ("privacy::the_other_one_reads_on_and_can_write_no_more",),
    ),
    Mutation(
        "queries/own_talks.py",
        ".where(or_(*theirs), is_read)",
        ".where(or_(*theirs))",
        ("own_data::what_was_said_to_another_mechanic_is_not_taken",),
    ),
]
