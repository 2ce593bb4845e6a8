"""Mistakes in giving back by hand, and in the owner's books."""

from tests.mutants.mutation import Mutation

MUTATIONS = [
    Mutation(
        "dispatch/payments.py",
        "where(which, Payment.status == PaymentStatus.PAID, Payment.disputed_at.is_(None))",
        "where(which, Payment.paid_at.is_not(None), Payment.disputed_at.is_(None))",
        ("refunding::a_repeat_gives_nothing_more_and_says_so",),
    ),
    Mutation(
        "dispatch/payments.py",
        "where(which, Payment.status == PaymentStatus.PAID, Payment.disputed_at.is_(None))",
        "where(which, Payment.status == PaymentStatus.PAID)",
        ("refunding::what_a_bank_has_taken_back_is_not_given_back_here",),
    ),
    Mutation(
        "dispatch/refunding.py",
        "    if not entries:\n        raise GivenBack\n",
        "    if not entries:\n        return\n",
        ("refunding::a_repeat_gives_nothing_more_and_says_so",),
    ),
    Mutation(
        "dispatch/refunding.py",
        "update(Payment).where(refund_is_failing)",
        "update(Payment).where(Payment.refund_due_at.is_not(None))",
        ("refunding::what_the_provider_does_not_confirm_is_asked_for_again_when_the_owner_says_so",),
    ),
    Mutation(
        "models/attention.py",
        "    Payment.refund_problem != AT_THE_BANK,\n",
        "    Payment.refund_problem.is_not(None),\n",
        ("money_page::what_waits_fails_is_disputed_or_fits_nothing_stands_above_whatever_the_time",),
    ),
    Mutation(
        "queries/money/books.py",
        "refunded = _move(span, Payment.refunded_at, ",
        "refunded = _move(span, Payment.paid_at, ",
        ("money_page::every_sum_is_what_the_rows_say",),
    ),
    Mutation(
        "queries/money/books.py",
        "func.coalesce(Payment.received_cents, Payment.amount_cents)",
        "Payment.amount_cents",
        ("money_page::every_sum_is_what_the_rows_say",),
    ),
    Mutation(
        "queries/money/books.py",
        "return self.received - self.given_back - self.fees",
        "return self.received - self.given_back",
        ("money_page::every_sum_is_what_the_rows_say",),
    ),
    Mutation(
        "queries/money/payments.py",
        'or_(PaymentEvent.applied_at.is_(None), PaymentEvent.outcome == "unmatched")',
        "PaymentEvent.applied_at.is_(None)",
        ("money_page::what_waits_fails_is_disputed_or_fits_nothing_stands_above_whatever_the_time",),
    ),
    Mutation(
        "queries/receipt.py",
        "kept = or_(Payment.status == PaymentStatus.PAID, Payment.refund_reason.in_(AFTERWARDS))",
        "kept = or_(Payment.status == PaymentStatus.PAID)",
        ("refunding::the_receipt_says_that_it_goes_back_and_when_it_did",),
    ),
    Mutation(
        "queries/analytics/pairs.py",
        "and_(online.is_not(None), ~given_back)",
        "online.is_not(None)",
        ("refunding::the_value_of_a_pair_is_what_was_kept",),
    ),
    Mutation(
        "queries/analytics/pairs.py",
        "CreditEntry.kind == EntryKind.SPEND, ~is_returned)",
        "CreditEntry.kind == EntryKind.SPEND)",
        ("refunding::the_value_of_a_pair_is_what_was_kept",),
    ),
    Mutation(
        "dispatch/forgetting.py",
        "    session.execute(update(Payment).where(Payment.session_id.in_(its)).values(url=None))\n",
        "",
        ("privacy::the_books_keep_a_payment_of_an_erased_customer_and_no_page_that_says_who_paid",),
    ),
]
