"""Which browser a visit comes from: a secret in a cookie, drawn at its first visit.

There is no login. The secret survives reloads, new tabs and the end of the browser, is the same at every
server behind one address, and cannot be read by scripts. It never leaves the cookie: runs keep a mark that
is made with it, see `training.owners`.
"""

import re
import secrets
from http.cookies import CookieError, SimpleCookie

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "zoolens"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits
_KEPT = 400 * 86_400  # seconds from the last visit: the most that browsers grant


def secret() -> str:
    """The secret of the browser that a page runs for; empty where it keeps no cookies."""
    return _valid(st.context.cookies.get(COOKIE, ""))


class Recognised:
    """Gives every browser its secret with the first page that it asks for, and then renews it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Only with documents: what a page fetches at once, before the first answer has come, would bring as
        # many secrets as there are requests.
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        cookie = _cookie(Headers(scope=scope), scope["scheme"])

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, answer)


def _cookie(asked: Headers, scheme: str) -> str:
    """The header that gives a browser its secret, or the one that it has for longer."""
    try:
        known = SimpleCookie(asked.get("cookie", ""))
    except CookieError:
        known = SimpleCookie()
    had = _valid(known[COOKIE].value) if COOKIE in known else ""
    given = f"{COOKIE}={had or secrets.token_urlsafe(32)}; Max-Age={_KEPT}; Path=/; HttpOnly; SameSite=Lax"
    return given + ("; Secure" if "https" in (scheme, asked.get("x-forwarded-proto")) else "")


def _valid(word: object) -> str:
    return word if isinstance(word, str) and _SECRET.fullmatch(word) else ""
