"""Signing in by OpenID Connect: the authorization code flow with PKCE, by authlib."""

import logging
import time
from typing import Any, Final

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from moderator.console.auth import as_group
from moderator.console.pages import reply
from moderator.errors import TransientError
from moderator.settings import Settings

log = logging.getLogger(__name__)

_SCOPE: Final = "openid profile email"


def routes(settings: Settings) -> list[Route]:
    """`/signin`, the way back from the provider, and `/signout`, whose token the guard asks for."""
    provider = _provider(settings)
    back = f"{(settings.console_url or '').rstrip('/')}/signin/back"

    async def sign_in(request: Request) -> Response:
        try:
            answer: Response = await provider.authorize_redirect(request, back)
        except (httpx.HTTPError, AuthlibBaseError, ValueError) as error:
            raise TransientError(
                f"{settings.console_oidc_issuer} does not answer ({type(error).__name__})"
            ) from error
        return answer

    async def signed_in(request: Request) -> Response:
        try:
            token = await provider.authorize_access_token(request)
        except httpx.HTTPError as error:
            raise TransientError(
                f"{settings.console_oidc_issuer} does not answer ({type(error).__name__})"
            ) from error
        except Exception as error:
            # authlib, joserfc: whatever is wrong with it, nobody is signed in. Without the message,
            # which may quote the token.
            log.warning("signing in failed: %s", type(error).__name__)
            raise HTTPException(401, "the provider's answer could not be verified") from error
        claims = token.get("userinfo") or {}
        # A new session: what was in the one from before signing in is nobody's.
        request.session.clear()
        request.session["user"] = {
            "name": _name(claims, settings.console_oidc_user),
            "groups": _groups(claims, settings),
            "at": int(time.time()),
        }
        return RedirectResponse("/", 303)

    async def sign_out(request: Request) -> Response:
        request.session.clear()
        return reply({})

    return [
        Route("/signin", sign_in, name="sign_in"),
        Route("/signin/back", signed_in),
        Route("/signout", sign_out, methods=["POST"]),
    ]


def _provider(settings: Settings) -> Any:
    secret = settings.console_oidc_secret
    issuer = (settings.console_oidc_issuer or "").rstrip("/")
    return OAuth().register(
        "console",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=settings.console_oidc_client,
        client_secret=secret.get_secret_value() if secret else None,
        client_kwargs={"scope": _SCOPE, "code_challenge_method": "S256"},
    )


def _name(claims: dict[str, Any], claim: str) -> str:
    """What settings know a user by; an e-mail address only if the provider has verified it."""
    trusted = claim != "email" or claims.get("email_verified") is True
    return str((trusted and claims.get(claim)) or claims["sub"])


def _groups(claims: dict[str, Any], settings: Settings) -> list[str]:
    """Those groups that settings name: a session is a cookie, and must stay small."""
    told = claims.get(settings.console_oidc_groups) or []
    groups = [told] if isinstance(told, str) else [str(each) for each in told]
    named = {
        *settings.console_viewers,
        *settings.console_moderators,
        *settings.console_authors,
    }
    return [group for group in groups if as_group(group) in named]
