"""The secret of a browser: who gets one, when, and that it stays."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from ui.browser import COOKIE, Recognised, _valid

OLD = "abcdefghijklmnopqrstuvwxyz0123456789_-ABCDE"


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"page"})


def given(*, scheme: str = "http", accept: str = "text/html,*/*", **headers: str) -> str:
    """The Set-Cookie header of the answer to a request; empty where there is none."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody asks")

    asked = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {
        "type": "http", "scheme": scheme, "path": "/", "headers": [(b"accept", accept.encode()), *asked],
    }  # fmt: skip
    asyncio.run(Recognised(page)(scope, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    return dict(sent[0]["headers"]).get(b"set-cookie", b"").decode()


def secret(header: str) -> str:
    return SimpleCookie(header)[COOKIE].value


def test_a_first_visit_gets_a_secret_of_its_own() -> None:
    first, second = given(), given()
    assert secret(first) != secret(second)
    assert _valid(secret(first)) == secret(first)
    assert "; HttpOnly" in first
    assert "; SameSite=Lax" in first
    assert "; Path=/" in first
    assert "Secure" not in first


def test_a_secret_is_kept_and_renewed() -> None:
    again = given(cookie=f"other=1; {COOKIE}={OLD}")
    assert secret(again) == OLD
    assert "Max-Age=34560000" in again


@pytest.mark.parametrize(
    "cookie",
    ["", "a", f"{COOKIE}=short", f"{COOKIE}={OLD}x", f"{COOKIE}={'ü' * 43}", f"{COOKIE}", ";;==", "\x00"],
)
def test_what_is_no_secret_is_replaced(cookie: str) -> None:
    assert len(secret(given(cookie=cookie))) == 43


def test_only_pages_bring_one() -> None:
    assert given(accept="*/*", cookie="") == ""
    assert given(accept="image/png", cookie=f"{COOKIE}={OLD}") == ""


def test_behind_https_it_goes_over_https_only() -> None:
    assert given(scheme="https").endswith("; Secure")
    assert given(x_forwarded_proto="https").endswith("; Secure")


def test_connections_that_are_no_requests_pass_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        return None

    for kind in ("websocket", "lifespan"):
        asyncio.run(Recognised(app)({"type": kind}, nothing, nothing))
    assert seen == ["websocket", "lifespan"]
