"""Who asks, and what they may do: nobody to ask on loopback, a proxy's headers, or a session."""

import getpass
import logging
import time
from collections.abc import Callable, Collection, Iterable
from ipaddress import ip_address, ip_network
from typing import Final

from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.requests import HTTPConnection

from moderator.console.pages import Role
from moderator.errors import SettingsError
from moderator.settings import Settings

log = logging.getLogger(__name__)

_ALL: Final[tuple[Role, ...]] = ("viewer", "moderator", "author")
_GROUP: Final = "group:"  # before a group's name in settings
_Found = tuple[AuthCredentials, SimpleUser] | None


def roles_of(settings: Settings, user: str, groups: Collection[str]) -> list[Role]:
    """What a user may do; moderators and authors may look, too."""
    names = {"*", *map(as_group, groups)}
    if not user.startswith(_GROUP):  # people may have some say in what they are called
        names.add(user)
    given: dict[Role, tuple[str, ...]] = {
        "moderator": settings.console_moderators,
        "author": settings.console_authors,
    }
    roles: list[Role] = [role for role, allowed in given.items() if names & set(allowed)]
    looks = bool(roles) or bool(names & set(settings.console_viewers))
    return ["viewer", *roles] if looks else []


def as_group(name: str) -> str:
    """How settings write a group: no user's name is ever taken for one."""
    return _GROUP + name


class Local(AuthenticationBackend):
    """Whoever is on this machine: all roles, under the name of who started the console."""

    def __init__(self) -> None:
        self._name = getpass.getuser()

    async def authenticate(self, conn: HTTPConnection) -> _Found:  # noqa: ARG002 - the interface
        """See Starlette."""
        return AuthCredentials(_ALL), SimpleUser(self._name)


class FromHeader(AuthenticationBackend):
    """Whom a trusted proxy names. Without such a proxy, nobody."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._networks = [ip_network(each) for each in settings.console_proxies]

    async def authenticate(self, conn: HTTPConnection) -> _Found:
        """See Starlette."""
        name = conn.headers.get(self._settings.console_user_header)
        if not name:
            return None
        if not self._trusts(conn):
            log.warning("a user's name came from %s, which is no proxy of ours", _client(conn))
            return None
        groups = conn.headers.get(self._settings.console_groups_header, "")
        return _known(self._settings, name, [each.strip() for each in groups.split(",")])

    def _trusts(self, conn: HTTPConnection) -> bool:
        try:
            address = ip_address(_client(conn))
        except ValueError:
            return False
        return any(address in network for network in self._networks)


class FromSession(AuthenticationBackend):
    """Who signed in (`oidc.py`). Roles are looked up anew, so settings take effect at once.

    The cookie's own age does not count: every answer that changes the session begins it anew.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock

    async def authenticate(self, conn: HTTPConnection) -> _Found:
        """See Starlette."""
        user = conn.session.get("user")
        if not user or self._clock() - user.get("at", 0) > self._settings.console_session_seconds:
            return None
        return _known(self._settings, user["name"], user["groups"])


def backend(settings: Settings) -> AuthenticationBackend:
    """How these settings say who it is. Raises SettingsError for what would let anybody in."""
    if settings.console_auth == "none":
        _refuse_open(settings)
        return Local()
    if settings.console_auth == "header":
        if not settings.console_proxies:
            raise SettingsError(
                "MODERATOR_CONSOLE_AUTH=header needs MODERATOR_CONSOLE_PROXIES, the networks whose "
                "headers are believed, such as 10.1.2.3/32"
            )
        return FromHeader(settings)
    lacking = [
        f"MODERATOR_{name.upper()}"
        for name in ("console_url", "console_oidc_issuer", "console_oidc_client")
        if getattr(settings, name) is None
    ]
    if lacking:
        raise SettingsError(f"MODERATOR_CONSOLE_AUTH=oidc needs {', '.join(lacking)}")
    return FromSession(settings)


def _refuse_open(settings: Settings) -> None:
    if not is_loopback(settings.console_host):
        raise SettingsError(
            f"MODERATOR_CONSOLE_HOST={settings.console_host} would let everybody in; set "
            "MODERATOR_CONSOLE_AUTH to header or oidc, or stay on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address or name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _known(settings: Settings, name: str, groups: Iterable[str]) -> _Found:
    roles = roles_of(settings, name, [each for each in groups if each])
    return AuthCredentials(roles), SimpleUser(name)


def _client(conn: HTTPConnection) -> str:
    return conn.client.host if conn.client else ""
