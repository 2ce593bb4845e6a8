"""Where to go after signing in: only ever a page of ours."""

import re
from urllib.parse import urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException

from favorites.models import Role, User

# One slash, then printable ASCII without a backslash: browsers read `//`, `/\`, tabs and line ends as another host.
LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*\Z")

PLACES = {Role.CUSTOMER: "customer.dashboard", Role.MECHANIC: "mechanic.dashboard", Role.ADMIN: "admin.index"}


def safe(address: str | None) -> str:
    """`address` when it is a path of ours, else an empty string."""
    return address if address and LOCAL.match(address) else ""


def asked_for() -> str:
    """The `next` that this request names, from its form or its address; an empty string when there is none to trust."""
    return safe(request.form.get("next")) or safe(request.args.get("next"))


def here() -> str:
    """This page as a later `next`: its own address, or for a POST that of the page with the form."""
    if request.method in {"GET", "HEAD"}:
        return safe(request.full_path.removesuffix("?"))
    form = safe((request.referrer or "").removeprefix(request.host_url.rstrip("/")))
    return form if _is_readable(form) else ""


def _is_readable(address: str) -> bool:
    # A form that came back with mistakes stands at the address it was sent to, which only takes POST.
    try:
        current_app.url_map.bind("").match(urlsplit(address).path, method="GET")
    except HTTPException:
        return False
    return True


def place_of(user: User) -> str:
    """The page a person starts from."""
    return url_for(PLACES[Role(user.role)])
