"""Mistakes in who is asked first, and in how the asking is written down."""

from tests.mutants.mutation import Mutation

MUTATIONS = [
    Mutation(
        "dispatch/routing.py",
        "if facts.has_workshop:",
        "if False:",
        ("routing::r2_a_workshop_is_asked_before_any_favorite",),
    ),
    Mutation(
        "dispatch/routing.py",
        "if not facts.flag_is_on:",
        "if False:",
        ("flag::f2_off_a_favorite_is_broadcast_to_all_at_once",),
    ),
    Mutation(
        "dispatch/routing.py",
        "facts.routing_type != RoutingType.PRIORITY_BROADCAST or ",
        "",
        ("routing::r1_of_sixteen_cases_exactly_one_is_priority",),
    ),
    Mutation(
        "settings.py",
        'False, description="Priority for favorites while',
        'True, description="Priority for favorites while',
        ("flag::f1_the_variable_exists_and_is_off_by_default",),
    ),
    Mutation(
        "dispatch/flags.py",
        "if decided is None else decided",
        "if not decided else decided",
        ("flag::f5_an_undecided_row_leaves_it_to_the_environment_and_a_decided_one_does_not",),
    ),
    Mutation(
        "dispatch/flags.py",
        "with session.begin_nested():",
        "if True:",
        ("flag::f5_an_unreadable_flag_leaves_it_to_the_environment_and_the_booking_goes_on",),
    ),
    Mutation(
        "dispatch/facts.py",
        "if status != MechanicStatus.APPROVED:",
        "if False:",
        ("priority::r10_a_mechanic_who_is_not_approved_is_not_asked_first",),
    ),
    Mutation(
        "dispatch/facts.py",
        "if not is_favorite:",
        "if False:",
        ("priority::r10_a_mechanic_who_is_no_favorite_is_not_asked_first",),
    ),
    Mutation(
        "dispatch/facts.py",
        "return Preferred.RECENTLY_ASKED if recently else Preferred.CAN_BE_ASKED",
        "return Preferred.CAN_BE_ASKED",
        ("priority::rule_17_after_a_decline_the_favorite_is_left_in_peace_for_an_hour",),
    ),
    Mutation(
        "dispatch/facts.py",
        "func.count() >= 2",
        "func.count() >= 1",
        ("priority::rule_17_after_two_lapses_in_a_day_the_favorite_is_not_asked_first",),
    ),
    Mutation(
        "dispatch/facts.py",
        "SessionRequest.declined_at > since",
        "SessionRequest.declined_at.is_not(None)",
        ("priority::rule_17_after_a_decline_the_favorite_is_left_in_peace_for_an_hour",),
    ),
    Mutation(
        "dispatch/facts.py",
        "and_(SessionRequest.customer_id == customer_id, SessionRequest.preferred_mechanic_id",
        "and_(SessionRequest.preferred_mechanic_id",
        ("priority::rule_17_another_customer_may_ask_the_same_mechanic",),
    ),
    Mutation(
        "dispatch/fulfillment.py",
        "        return earlier",
        "        pass",
        ("accept::rule_14_a_checkout_sent_twice_at_once_has_one_effect",),
    ),
    Mutation(
        "dispatch/fulfillment.py",
        ".with_for_update(key_share=True, of=Customer)",
        "",
        ("accept::rule_14_a_checkout_sent_twice_at_once_has_one_effect",),
    ),
    Mutation(
        "dispatch/fulfillment.py",
        "    money.settle(session, consultation, paid_by)",
        "    pass",
        ("accept::rule_11_cancelling_withdraws_every_card_and_returns_the_credit",),
    ),
    Mutation(
        "dispatch/fulfillment.py",
        "choice.preferred_id if is_first else None",
        "choice.preferred_id",
        ("flag::f3_off_nothing_is_notified_and_no_fallback_is_due",),
    ),
    Mutation(
        "dispatch/fulfillment.py",
        "None if is_first else lifetime_from_now()",
        "lifetime_from_now()",
        ("answers::rule_10_a_window_longer_than_the_lifetime_is_not_eaten",),
    ),
    Mutation(
        "dispatch/offering.py",
        "with session.begin_nested():",
        "if True:",
        ("priority::r11_an_error_of_the_database_while_offering_broadcasts_at_once",),
    ),
    Mutation(
        "dispatch/offering.py",
        "except Exception as error:",
        "except ValueError as error:",
        ("priority::r11_any_exception_while_offering_broadcasts_at_once",),
    ),
    Mutation(
        "dispatch/offering.py",
        "fallback_reason=FallbackReason.ERROR.value, expires_at=lifetime_from_now()",
        "fallback_reason=FallbackReason.ERROR.value",
        ("priority::r11_any_exception_while_offering_broadcasts_at_once",),
    ),
    Mutation(
        "dispatch/offering.py",
        "    tell.customer(Kind.REQUEST_OFFERED, mechanic_id=str(mechanic_id), minutes=minutes)\n",
        "",
        ("priority::r3_the_customer_hears_her_stage",),
    ),
    Mutation(
        "dispatch/offering.py",
        "tell.mechanic(Kind.PRIORITY_SESSION_REQUEST, mechanic_id)",
        "tell.everyone(Kind.PRIORITY_SESSION_REQUEST)",
        ("priority::r3_exactly_the_preferred_mechanic_hears_of_it",),
    ),
    Mutation(
        "dispatch/offering.py",
        "    tell.customer(Kind.REQUEST_BROADCAST, reason=reason)\n",
        "",
        ("answers::rule_16_the_customer_is_told_of_each_step",),
    ),
    Mutation(
        "dispatch/offering.py",
        "if subject.routing_type == RoutingType.WORKSHOP_ONLY else None",
        "if False else None",
        ("fallback::rule_1_a_workshop_alone_is_asked_until_the_customer_opens_it",),
    ),
    Mutation(
        "dispatch/events.py",
        'or {"actor": None, "payload": {}}, None',
        'or {"actor": None, "payload": {}}, self.first',
        ("fallback::rule_16_every_transition_begins_with_who_by_which_rule",),
    ),
    Mutation(
        "dispatch/booking.py",
        '\n        .on_conflict_do_nothing(index_elements=["customer_id", "form_key"])',
        "",
        ("answers::rule_14_an_intake_sent_twice_at_once_is_one_consultation",),
    ),
    Mutation(
        "dispatch/people.py",
        "mechanic_id=mechanic_id).on_conflict_do_nothing()",
        "mechanic_id=mechanic_id)",
        ("answers::rule_14_a_favorite_marked_twice_is_one",),
    ),
]
