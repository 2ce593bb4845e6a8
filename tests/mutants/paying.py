"""Mistakes with money: taken and not asked for, asked for and not taken, given back twice or never."""

from tests.mutants.mutation import Mutation

AGAIN = "pay_again_leads_to_the_same_page_while_it_can_be_paid_and_then_to_a_new_one"
LOST = "nobody_comes_back_and_no_webhook_comes_it_is_asked_about_and_is_no_lost_payment"

MUTATIONS = [
    Mutation(
        "dispatch/payments.py",
        "Payment.id == payment_id, Payment.status.in_([PaymentStatus.STARTED, PaymentStatus.FAILED])",
        "Payment.id == payment_id, Payment.status == PaymentStatus.STARTED",
        ("webhooks::k42_completed_after_expired_is_paid_all_the_same",),
    ),
    Mutation(
        "dispatch/payments.py",
        "        (is_second, RefundReason.ALREADY_PAID.value),\n",
        "",
        ("payments::paid_on_two_pages_the_second_goes_back",),
    ),
    Mutation(
        "dispatch/payments.py",
        "Payment.status == PaymentStatus.PAID, Payment.disputed_at.is_(None)",
        "Payment.status == PaymentStatus.PAID",
        ("webhooks::disputed_is_loud_and_is_never_given_back_by_us",),
    ),
    Mutation(
        "dispatch/paying.py",
        "        _catch_up(session, Known(payment_id, consultation_id), page.reference, customer)",
        "        pass",
        ("webhooks::k43_told_before_we_wrote_it_down_it_is_kept_and_had_its_effect_with_the_row",),
    ),
    Mutation(
        "dispatch/paying.py",
        "        _catch_up(session, known, seen.charge, customer)",
        "        pass",
        ("webhooks::k42_refunded_before_completed_is_back_and_nobody_is_asked",),
    ),
    Mutation(
        "dispatch/payments.py",
        "        func.coalesce(Payment.refund_reference, reference) == reference,\n",
        "",
        ("refunds::what_is_told_late_of_a_refund_that_failed_changes_nothing_once_the_next_is_confirmed",),
    ),
    Mutation(
        "dispatch/fulfillment.py",
        "        raise AlreadyPaid",
        "        return earlier",
        ("payments::paid_by_credits_meanwhile_goes_back_and_is_one_session_request",),
    ),
    Mutation(
        "providers/stripe.py",
        "self._earlier(owed, charge) if owed.tries > 1 else (None, 0)",
        "(None, owed.tries)",
        ("refunds::a_refund_that_takes_days_is_on_its_way_until_it_is_confirmed[itself]",),
    ),
    Mutation(
        "providers/stripe.py",
        "TOLERANCE = 300",
        "TOLERANCE = 10**9",
        ("webhooks::k42_a_clock_that_is_six_minutes_off_is_refused_and_four_are_not",),
    ),
    Mutation(
        "settling.py",
        "(self._apply_kept, self._give_back, self._ask)",
        "(self._apply_kept, self._give_back)",
        (f"payments::{LOST}",),
    ),
    Mutation(
        "web/checkout.py",
        "    return consultation.plan.is_active and flags.paid_plans_are_on(db.session())",
        "    return consultation.plan.is_active",
        ("payments::switched_off_nothing_is_started_and_what_was_started_goes_on",),
    ),
    Mutation("web/checkout.py", "    if started and started.is_open:", "    if False:", (f"payments::{AGAIN}",)),
]
