"""Strangers' images for moderators' eyes: fetched by the guarded loader, decoded, encoded anew."""

import asyncio
import io
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from moderator.console.originals import original
from moderator.console.pages import get, parts
from moderator.console.records import KeptPost
from moderator.encoders.base import Pixels
from moderator.errors import InputError, ModeratorError
from moderator.media.load import MediaLoader
from moderator.media.prepare import Look, MediaDecoder
from moderator.posts import Media, Post
from moderator.settings import Settings

SIDE: Final = 960  # pixels of the longer side of what is shown
_MOST_LOOKS: Final = 9
_AT_ONCE: Final = 4
_PLACE: Final = re.compile("[0-9]{1,4}")


def preview(image: Image.Image) -> Pixels:
    """A picture small enough to be shown; for `Preparation`, in a decoder process."""
    copy = image.copy()
    copy.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(copy.convert("RGB"), np.uint8)


class Pictures:
    """Makes what `/media` serves, a few at a time."""

    def __init__(self, settings: Settings, loader: MediaLoader, decoder: MediaDecoder) -> None:
        self._settings = settings
        self._loader = loader
        self._decoder = decoder
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pictures")

    async def webp(self, post: KeptPost, place: int) -> bytes:
        """An attachment as WebP; several looks side by side where it has several.

        Raises InputError and TransientError, as loading and decoding do.
        """
        media = post.media[place]
        if media.url is None:
            content = (await original(self._settings, post)).media[place]
            if content.data == b"":
                raise InputError("gone", "Kafka does not keep the post any longer")
        else:
            content = Media(type=media.type, url=media.url)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._make, content)

    def _make(self, media: Media) -> bytes:
        (loaded,) = self._loader.load([Post(id="shown", media=(media,))], time.perf_counter())
        (content,) = loaded.attachments
        if isinstance(content, ModeratorError):
            raise content
        return _sheet(self._decoder.prepare(content).looks[:_MOST_LOOKS])

    def close(self) -> None:
        """Let the decoder processes go."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._loader.close()
        self._decoder.close()


def _sheet(looks: list[Look]) -> bytes:
    images = [Image.fromarray(look.pixels) for look in looks]
    sheet = images[0]
    if len(images) > 1:
        columns = 2 if len(images) <= 4 else 3  # noqa: PLR2004 - a grid that is nearly square
        side = SIDE // columns
        rows = -(-len(images) // columns)
        sheet = Image.new("RGB", (columns * side, rows * side), (24, 24, 27))
        for place, image in enumerate(images):
            image.thumbnail((side - 4, side - 4))
            row, column = divmod(place, columns)
            left = column * side + (side - image.width) // 2
            sheet.paste(image, (left, row * side + (side - image.height) // 2))
    out = io.BytesIO()
    sheet.save(out, "WEBP", quality=82)
    return out.getvalue()


async def _show(request: Request) -> Response:
    path = request.path_params
    return await served(request, await recent_post(request, path["key"], path["digest"]))


async def served(request: Request, post: KeptPost | None) -> Response:
    """The answer with the attachment of a post whose place the path names."""
    said = request.path_params["place"]
    if not _PLACE.fullmatch(said) or post is None or (place := int(said)) >= len(post.media):
        raise HTTPException(404, "the console does not keep this post any longer")
    content = await parts(request).pictures.webp(post, place)
    return Response(
        content,
        media_type="image/webp",
        headers={
            "Cache-Control": "private, max-age=600",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


async def recent_post(request: Request, key: str, digest: str) -> KeptPost | None:
    """A recent post; not another one that has the same id."""
    found = (await parts(request).state.posts([key])).get(key)
    return found if found is not None and found.digest == digest else None


ROUTES: Final = [get("/media/{key:str}/{digest:str}/{place:str}", _show)]
