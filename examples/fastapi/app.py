# app.py
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates
from starsessions import InMemoryStore, SessionAutoloadMiddleware, SessionMiddleware, regenerate_session_id

import auth
from cart import add_to_cart, read_cart

YEAR = 365 * 24 * 60 * 60  # as long as a guest may last: the cookie is all that a guest has
NOTICES = {
    "promoted": "Welcome! Everything you did as a guest is yours.",
    "merged": "You are signed in. Your guest cart was added to your own.",
    "signed-in": "You are signed in.",
    "cancelled": "Nothing has changed.",
    "failed": "That did not work. Try again.",
}

app = FastAPI()
app.add_middleware(SessionAutoloadMiddleware)
app.add_middleware(
    SessionMiddleware,
    store=InMemoryStore(),
    cookie_name="shop",  # not "session": on localhost, that is the cookie of the server
    cookie_same_site="lax",  # so that other sites can't send the forms
    cookie_https_only=auth.ORIGIN.startswith("https://"),
    lifetime=YEAR,
    rolling=True,
)
templates = Jinja2Templates("templates")
Page = Annotated[str, Form()]


def go(url):
    return RedirectResponse(url, 303)


@app.get("/")
async def shop(request: Request):
    user = await auth.current_user(request.session)
    page = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    notice = NOTICES.get(request.session.pop("notice", None), "")
    shown = {"user": user, "cart": read_cart(user and user["id"]), "notice": notice, "page": page}
    return templates.TemplateResponse(request, "shop.html", shown, headers={"cache-control": "no-store"})


@app.post("/cart")
async def add(request: Request, page: Page):
    user = await auth.ensure_user(request.session, request.client.host)
    add_to_cart(user["id"], "Lamp")
    return go(auth.local(page))


@app.post("/save-progress")
async def save_progress(request: Request, page: Page):
    return go(await auth.save_progress(request, page) or "/")


@app.post("/sign-in")
async def sign_in(request: Request, page: Page):
    return go(await auth.sign_in(request, page))


@app.get("/after-login")
async def after_login(request: Request):
    page = await auth.finish_sign_in(request)
    if page is None:
        return go("/")
    # A new session ID, so that one that was planted in this browser before is of no use.
    regenerate_session_id(request)
    return go(page)


@app.post("/account")
async def account(request: Request):
    return go(await auth.open_account(request.session) or "/")


@app.post("/sign-out")
async def sign_out(request: Request, page: Page):
    await auth.sign_out(request.session)
    return go(auth.local(page))
