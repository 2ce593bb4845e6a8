"""What every answer says to the browser."""

from flask import Flask, Response, request, session

from favorites.settings import current
from favorites.web.sign_ins import KEY
from favorites.web.static_files import is_versioned

POLICY = "; ".join(
    f"{what} {whence}"
    for what, whence in {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }.items()
)

ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), screen-wake-lock=(self)",
}
FORMS = "form-action 'self'"
YEAR = 31_536_000  # seconds


def init_app(app: Flask) -> None:
    """After every request, errors and static files included."""
    app.after_request(protect)


def let_forms_go_to(response: Response, origin: str) -> None:
    """On this page forms may lead to `origin`, too."""
    response.headers["Content-Security-Policy"] = POLICY.replace(FORMS, f"{FORMS} {origin}")


def protect(response: Response) -> Response:
    """Adds the headers; a view's own word on caching stands."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    if current().is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
    if request.endpoint == "static" and response.status_code in {200, 206, 304} and is_versioned():
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    if "Cache-Control" not in response.headers:
        # Nothing of a person stays in a browser that others use; nor a page whose address holds a token.
        is_private = KEY in session or request.blueprint == "security"
        response.headers["Cache-Control"] = "no-store" if is_private else "private, no-cache"
    return response
