"""A URL taken apart once, strictly, so that what was checked is what is asked for."""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import SplitResult, quote, urlsplit

from moderator.errors import MediaError

_MAX_CHARACTERS: Final = 8192
_MAX_SHOWN: Final = 200
_PORTS: Final = {"http": 80, "https": 443}
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")
_IPV6: Final = re.compile(r"[0-9a-f:.]+\Z")
_KEPT: Final = "%/:@!$&'()*+,;=?~-._"


@dataclass(frozen=True, slots=True)
class HttpUrl:
    """An http or https URL without userinfo and fragment; `str` of it shows no query."""

    scheme: str
    host: str
    port: int
    path: str
    query: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take `url` apart; MediaError (`url_refused`) says what is wrong with it."""
        parts = _split(url)
        if parts.scheme not in _PORTS:
            raise _refused(
                f"the scheme {parts.scheme[:20]!r} is neither http nor https; "
                "bytes that come with the post go into `data`, as base64"
            )
        if "@" in parts.netloc:
            raise _refused("it has a user name or password")
        return cls(
            scheme=parts.scheme,
            host=_host(parts),
            port=_port(parts),
            path=quote(parts.path, safe=_KEPT) or "/",
            query=quote(parts.query, safe=_KEPT),
        )

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"[:_MAX_SHOWN]

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only where it is not the scheme's own."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """Path and query, as the request line has them."""
        return f"{self.path}?{self.query}" if self.query else self.path


def is_file(url: str) -> bool:
    """Whether `url` names a local file."""
    return url[:5].lower() == "file:"


def _split(url: str) -> SplitResult:
    # urlsplit drops tabs and line breaks silently, and browsers read a backslash as a slash: two
    # readings of one URL are what such characters are for.
    if len(url) > _MAX_CHARACTERS or _UNSAFE.search(url):
        raise _refused(
            f"it has over {_MAX_CHARACTERS} characters, a control character or a backslash"
        )
    try:
        return urlsplit(url.strip())
    except ValueError:
        raise _refused("it is malformed") from None  # the original message quotes the URL


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        if ":" in host and _IPV6.match(host):
            return host
        raise _refused("the host is not an IPv6 address")
    try:
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError as err:
        raise _refused("the host is not a valid name") from err
    if not _NAME.match(name):
        raise _refused("the host is missing or not a valid name")
    return name


def _port(parts: SplitResult) -> int:
    try:
        return _PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        raise _refused("the port is not a number below 65536") from None


def _refused(why: str) -> MediaError:
    return MediaError("url_refused", f"the media URL is refused: {why}")
