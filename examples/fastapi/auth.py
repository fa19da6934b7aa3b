# auth.py
"""Guests, sign-up and sign-in. `session` is a dict that the app keeps for one browser."""

import asyncio
import logging
import os
import secrets
import time
from urllib.parse import urlencode, urljoin

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError

from cart import move_cart

ORIGIN = os.environ.get("ORIGIN", "http://localhost:3000")
ISSUER = os.environ.get("ISSUER", "http://localhost:4100")
CLIENT_ID = os.environ.get("CLIENT_ID", "my-shop")
IS_ANONYMOUS = "https://authgear.com/claims/user/is_anonymous"

oauth = OAuth()
oauth.register(
    "vestibule",
    client_id=CLIENT_ID,
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={
        "scope": "openid offline_access https://authgear.com/scopes/full-access",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "none",
    },
)
server = oauth.vestibule


async def current_user(session, fresh=False):
    """The guest or member of this browser, or None. Asks the server when the access token is due, or at once if `fresh`."""
    tokens = session.get("tokens")
    if not tokens:
        return None
    if fresh or time.time() >= tokens["due_at"]:
        try:
            renewed = await server.fetch_access_token(grant_type="refresh_token", refresh_token=tokens["refresh"])
            await keep(session, renewed)
        except OAuthError as error:
            if error.error != "invalid_grant":
                raise  # The server could not do it: the session goes on.
            forget(session)
    return session.get("user")


async def ensure_user(session, address):
    """For the first action that needs a user: the user that is there, or a new guest."""
    user = await current_user(session)
    if user is None:
        body = {"client_id": CLIENT_ID, "session_type": "refresh_token"}
        await keep(session, await call("/api/anonymous_user/signup", body, address))
    return session["user"]


async def save_progress(request, page):
    """Where the guest signs up, and stays the same user. None if the guest's session has ended."""
    session = request.session
    if await current_user(session, fresh=True) is None:
        return None
    body = {"session_type": "refresh_token", "refresh_token": session["tokens"]["refresh"]}
    code = (await call("/api/anonymous_user/promotion_code", body))["promotion_code"]
    return await start(request, page, login_hint=hint(type="anonymous", promotion_code=code))


async def sign_in(request, page):
    """Where a member signs in."""
    return await start(request, page, x_page="login")


async def start(request, page, **parameters):
    state = secrets.token_urlsafe(32)
    request.session["pending"] = {"state": state, "page": local(page)}
    # Authlib keeps the PKCE verifier and the nonce in the session.
    response = await server.authorize_redirect(
        request, f"{ORIGIN}/after-login", state=state, prompt="login", x_sso_enabled="false", **parameters
    )
    return response.headers["location"]


async def finish_sign_in(request):
    """Finishes save_progress and sign_in. Returns the page to go back to, and leaves a notice for it in the session.

    None if there is nothing to finish: after a reload or the back button, nothing changes.
    """
    session = request.session
    pending, before = session.pop("pending", None), session.get("user")
    if pending is None:
        return None
    try:
        await keep(session, await exchange_once(request, pending["state"]))
        session["notice"] = compare(before, session["user"])
    except OAuthError as error:
        # The user of this browser is unchanged.
        session["notice"] = "cancelled" if error.error == "access_denied" else "failed"
        if session["notice"] == "failed":
            logging.exception("sign-in failed")
    return pending["page"]


exchanges = {}


async def exchange_once(request, state):
    """The same request may arrive twice at the same time. A code works once, so both get the same tokens."""
    if request.query_params.get("state") != state:
        raise OAuthError("invalid_state", "the answer belongs to another request")
    if state not in exchanges:
        exchanges[state] = asyncio.ensure_future(server.authorize_access_token(request))
        asyncio.get_running_loop().call_later(60, exchanges.pop, state)
    return await exchanges[state]


def compare(before, now):
    """What happened, and what is to be done with a guest's cart."""
    if not before or not before["is_guest"]:
        return "signed-in"
    if before["id"] == now["id"]:
        return "promoted"
    move_cart(before["id"], now["id"])  # The guest has signed in to an existing account.
    return "merged"


async def open_account(session):
    """Where the user finds the account page, signed in. None if the session has ended."""
    if await current_user(session, fresh=True) is None:
        return None
    token = (await call("/oauth2/app_session_token", {"refresh_token": session["tokens"]["refresh"]}))["app_session_token"]
    to = await server.create_authorization_url(
        f"{ISSUER}/settings",
        response_type="none",
        prompt="none",
        x_sso_enabled="false",
        login_hint=hint(type="app_session_token", app_session_token=token),
    )
    return to["url"]


async def sign_out(session):
    """Signs out, here and at the server. A guest cannot be recovered afterwards."""
    tokens = session.get("tokens")
    session.clear()
    if tokens:
        async with httpx2.AsyncClient() as client:
            response = await client.post(f"{ISSUER}/oauth2/revoke", data={"token": tokens["refresh"]})
            response.raise_for_status()


def local(page):
    """A page of this app as a whole URL: a redirect must not lead to another site."""
    url = urljoin(ORIGIN, page)
    return url if url.startswith(f"{ORIGIN}/") else f"{ORIGIN}/"


async def keep(session, tokens):
    claims = await server.userinfo(token=tokens)
    signed = tokens.get("userinfo")  # The ID token's claims, which Authlib has checked.
    if signed and signed["sub"] != claims["sub"]:
        raise OAuthError("invalid_response", "the ID token is another user's")
    session["user"] = {"id": claims["sub"], "email": claims.get("email"), "is_guest": claims.get(IS_ANONYMOUS) is not False}
    refresh = tokens.get("refresh_token") or session["tokens"]["refresh"]  # absent when the old one goes on
    session["tokens"] = {"refresh": refresh, "due_at": time.time() + tokens["expires_in"] * 0.9}


def forget(session):
    session.pop("user", None)
    session.pop("tokens", None)


async def call(path, body, address=None):
    """The server counts new guests by address: it must be the visitor's, not this app's."""
    headers = {"x-forwarded-for": address} if address else {}
    async with httpx2.AsyncClient() as client:
        response = await client.post(ISSUER + path, json=body, headers=headers)
    answer = response.json()
    if "error" in answer:
        raise RuntimeError(answer["error"]["message"])
    return answer["result"]


def hint(**parameters):
    return f"https://authgear.com/login_hint?{urlencode(parameters)}"
