"""A copy of one's data and its end, in a real browser: by the customer, and by the owner for somebody else."""

import json

import pytest
from playwright.sync_api import expect

from tests.cast import PASSWORD, Customer, Mechanic, Owner
from tests.database import one
from tests.screens import DESKTOP, PHONE, Screens, overflows
from tests.standards import checks

pytestmark = pytest.mark.browser


def test_a_customer_takes_a_copy_and_goes(look: Screens, ana: Customer) -> None:
    page = look.open(ana, "/customer/account", PHONE)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download my data").click()
    assert taken.value.suggested_filename == "book-again.json"
    assert json.loads(taken.value.path().read_text())["account"]["email"] == ana.email
    page.get_by_role("link", name="Erase my account").click()
    expect(page.get_by_text("You have 100 credits left; they end with the account.")).to_be_visible()
    page.get_by_label("Your password").fill("not-this")
    page.get_by_role("button", name="Erase my account").click()
    expect(page.get_by_label("Your password")).to_be_focused()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    assert (overflows(page), checks.axe(page)) == (False, [])
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Erase my account").click()
    expect(page.get_by_text("Your account is erased.")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    page.get_by_role("link", name="Privacy").click()
    expect(page.get_by_role("heading", name="What is kept, and why")).to_be_visible()
    assert (overflows(page), checks.axe(page)) == (False, [])
    assert one("SELECT first_name FROM customers") == "A former customer"
    look.complaints[:] = [said for said in look.complaints if "422" not in said]  # the wrong password


@pytest.mark.usefixtures("flag_on")
def test_the_owner_takes_a_copy_and_erases_and_what_waits_is_in_the_way(
    look: Screens, olga: Owner, ana: Customer, marco: Mechanic
) -> None:
    request_id = ana.books()
    page = look.open(olga, f"/admin/people/{ana.user_id}", DESKTOP, color_scheme="dark")
    expect(page.get_by_role("link", name="Finish or cancel it first")).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download their data").click()
    assert json.loads(taken.value.path().read_text())["session_requests"][0]["id"] == str(request_id)
    assert ana.does(request_id, "cancel").status_code == 200
    page.reload()
    page.get_by_label("Why").select_option("The account is not used any more")
    page.get_by_role("button", name="Erase this person").click()
    expect(page.get_by_text("Tick this: nothing can bring it back.")).to_be_visible()
    assert checks.axe(page) == []
    page.get_by_label("Nothing can bring it back").check()
    page.get_by_role("button", name="Erase this person").click()
    expect(page.get_by_role("heading", name="A former customer")).to_be_visible()
    expect(page.get_by_text("Erased on")).to_be_visible()
    kinds = one("SELECT string_agg(kind, ' ' ORDER BY id) FROM owner_events")
    assert kinds == "data_exported person_erased"
    look.complaints[:] = [said for said in look.complaints if "422" not in said]  # the tick that was missing
