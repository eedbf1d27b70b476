"""Who gets in, as what."""

import pytest

from moderator.console.app import build_parts, make_app
from moderator.console.auth import roles_of
from moderator.errors import SettingsError
from moderator.settings import load_settings
from tests.console.conftest import Serve

PROXY = {"console_auth": "header", "console_proxies": ("127.0.0.1/32",)}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"console_host": "0.0.0.0"}, "MODERATOR_CONSOLE_AUTH"),
        ({"console_auth": "header"}, "MODERATOR_CONSOLE_PROXIES"),
        ({"console_auth": "oidc"}, "MODERATOR_CONSOLE_OIDC_ISSUER"),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused_with_what_to_change(
    settings: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        make_app(build_parts(load_settings({"redis": "redis://127.0.0.1:1/0", **settings})))


def test_without_a_redis_it_says_which_setting_is_missing() -> None:
    with pytest.raises(SettingsError, match="MODERATOR_REDIS"):
        build_parts(load_settings({}))


def test_roles_come_from_users_and_groups_and_all_who_have_one_may_look() -> None:
    settings = load_settings(
        {
            "console_viewers": "",
            "console_moderators": "ada, group:trust-safety",
            "console_authors": "group:policy",
        }
    )
    assert roles_of(settings, "ada", []) == ["viewer", "moderator"]
    assert roles_of(settings, "bob", ["policy", "trust-safety"]) == [
        "viewer",
        "moderator",
        "author",
    ]
    assert roles_of(settings, "eve", ["sales"]) == []


@pytest.mark.parametrize(
    ("user", "groups"),
    [("mods", []), ("group:mods", []), ("eve", ["ada"]), ("eve", ["group:mods"]), ("*", [])],
)
def test_a_users_name_is_never_taken_for_a_group_nor_a_groups_for_a_user(
    user: str, groups: list[str]
) -> None:
    settings = load_settings({"console_viewers": "", "console_moderators": "ada, group:mods"})
    assert roles_of(settings, user, groups) == []
    assert roles_of(settings, "eve", ["mods"]) == ["viewer", "moderator"]


def test_in_a_proxys_headers_too_a_user_called_like_a_group_is_none_of_it(serve: Serve) -> None:
    console = serve(**PROXY, console_moderators=("group:mods",))
    asked = {"X-Forwarded-User": "eve", "X-Forwarded-Groups": "sales, mods"}
    with console.client() as client:
        assert client.get("/review", headers=asked).status_code == 200
        for name in ("mods", "group:mods"):
            assert client.get("/review", headers={"X-Forwarded-User": name}).status_code == 403


def test_a_proxys_header_is_believed_and_gives_the_roles_of_its_user(serve: Serve) -> None:
    console = serve(**PROXY, console_moderators=("ada",))
    with console.client() as client:
        assert client.get("/").status_code == 401
        assert client.get("/", headers={"X-Forwarded-User": "bob"}).status_code == 200
        assert client.get("/review", headers={"X-Forwarded-User": "bob"}).status_code == 403
        assert client.get("/review", headers={"X-Forwarded-User": "ada"}).status_code == 200


def test_the_same_header_from_elsewhere_is_not(serve: Serve) -> None:
    console = serve(console_auth="header", console_proxies=("10.0.0.0/8",))
    with console.client() as client:
        assert client.get("/", headers={"X-Forwarded-User": "ada"}).status_code == 401


def test_every_route_but_health_and_assets_asks_who_it_is(serve: Serve) -> None:
    console = serve(**PROXY)
    open_ones = {"/health", "/static"}
    with console.client() as client:
        for route in console.app.routes:
            path = route.path  # type: ignore[attr-defined]
            if path in open_ones:
                continue
            for method in route.methods - {"HEAD"}:  # type: ignore[attr-defined]
                filled = path.replace("{key:str}", "k").replace("{place:int}", "0")
                filled = filled.replace("{digest:str}", "d")
                answer = client.request(method, filled.replace("{case:str}", "c"))
                assert answer.status_code in (401, 403), (method, path)
