"""A signed-in person's browser: one connection, the session's cookie, the token of the forms, redirects followed."""

import re
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Answer(NamedTuple):
    path: str
    body: str


class Browser:
    """A context manager that hangs up."""

    def __init__(self, port: int, cookie: str, address: str = "127.0.0.1") -> None:
        self._connection = HTTPConnection(address, port, timeout=30)
        self._cookie = cookie
        self._token = ""

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def opens(self, path: str) -> Answer:
        """GET; a form's token on that page is the one sent from now on."""
        answer = self._asks("GET", path)
        if token := TOKEN.search(answer.body):
            self._token = token[1]
        return answer

    def sends(self, path: str, **fields: object) -> Answer:
        """POST a form; the page it leads to. RuntimeError when that is not a page."""
        return self._asks("POST", path, urlencode({"csrf_token": self._token} | fields))

    def _asks(self, method: str, path: str, body: str | None = None) -> Answer:
        headers = {"Cookie": self._cookie} | ({"Content-Type": FORM} if body else {})
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if (cookie := answer.headers["Set-Cookie"] or "").startswith("session="):
            self._cookie = cookie.partition(";")[0]
        if answer.status == 303:
            return self.opens(answer.headers["Location"])
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {text[:500]}")
        return Answer(path, text)
