"""A proxy on the way to media: how it is written down, and what its refusals mean."""

from urllib.parse import unquote, urlsplit

import httpcore

from moderator.errors import MediaError, SettingsError, TransientError


def parse_proxy(url: str) -> httpcore.Proxy:
    """Take a proxy's URL apart; SettingsError, which does not quote it, if it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in ("http", "https") or parts.path.strip("/"):
        raise SettingsError("the media proxy is not http://[user:password@]host:port")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return httpcore.Proxy(
        httpcore.URL(scheme=parts.scheme, host=host, port=port, target="/"),
        auth=(user, password) if user else None,
    )


def refusal_by_proxy(url: str, err: httpcore.ProxyError) -> MediaError | TransientError:
    """What a proxy answers to CONNECT: 403 and the like are its verdict on the host."""
    if str(err)[:1] == "4" and str(err)[:3] not in ("407", "408", "429"):
        return MediaError("url_refused", f"{url}: the proxy refuses it: {err}"[:400])
    return TransientError(f"{url}: the proxy answers {err}"[:400])
