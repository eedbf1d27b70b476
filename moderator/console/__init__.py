"""The web console: `moderator console`, a process of its own beside the workers.

It reads the topics of posts and verdicts as one consumer group (`feed.py`), keeps what people look
at in Redis (`state.py`; bounded, so it survives restarts and is shared by several consoles), and
writes what moderators decide to the topic of reviews (`reviews.py`). `app.py` composes it.

Conventions:

*   **A page** is a module with a `PAGE = Page(path, title, routes, role)` (`pages.py`), listed in
    `app.PAGES`; the navigation shows it to those who have its role. Routes are made with `get` and
    `post` of `pages.py`, which ask for a role: nothing is served without. A page answers HTML at
    its path with `render(request, "name.html.j2", ...)` and data below `/api/` with `reply(value)`,
    JSON by msgspec. What a handler needs is in `parts(request)`: settings, state, bench, feed.
*   **Templates** extend `layout.html.j2` and fill the block `main`; a page's script is the module
    `static/NAME.js`, named in the block `script`. No inline scripts or styles: the policy of
    `guard.py` refuses both, and with them every `innerHTML` (trusted types). Scripts make elements
    with `h()` of `static/dom.js`, which takes text as text; `static/api.js` asks the server, with
    the CSRF token, and says what went wrong.
*   **Hostile content.** What strangers wrote is shown as text inside `<bdi>` and class `theirs`
    (`theirs()` of `dom.js`). Their images come through `media.py` only: fetched by the guarded
    loader, decoded in a decoder process, encoded anew; `picture()` of `dom.js` shows them blurred.
    Several posts may have one id, so a post is asked for by its digest, too, and shown with a
    verdict only when `is_about` of `verdicts.py` says that it is the one.
*   **Styles** are in `static/console.css`: tokens for both themes on top, then the parts of pages
    (`.card`, `.table`, `.chip`, `.button`, `.field`). A page may have a file of its own.
*   **Errors.** A `TransientError` (Redis or Kafka away) becomes status 503 and a line on the page,
    which goes on trying; an `InputError` 400, `Busy` 503. Messages never quote secrets.
*   **Models** are loaded with the first question that needs them (`bench.py`), and work on one
    thread with a short queue.
*   **Tests** (`tests/console`): `console` starts one on a real Kafka and a real Redis, in a thread;
    `page` is a tab of the system's Chromium signed in to it; `axe(page)` lists what the
    accessibility checker minds. Modules with a browser set
    `pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""
