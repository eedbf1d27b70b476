"""Strangers' images for moderators' eyes: fetched by the guarded loader, decoded, encoded anew."""

import asyncio
import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from moderator.console.pages import get, parts
from moderator.console.records import KeptPost
from moderator.encoders.base import Pixels
from moderator.errors import InputError, ModeratorError, TransientError
from moderator.media.load import MediaLoader
from moderator.media.prepare import Look, MediaDecoder
from moderator.posts import Media, Post, decode_post
from moderator.settings import Settings
from moderator.stream.clients import make_consumer, started

SIDE: Final = 960  # pixels of the longer side of what is shown
_MOST_LOOKS: Final = 9
_AT_ONCE: Final = 4
_KAFKA_SECONDS: Final = 5.0


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
            full = await whole_post(self._settings, post)
            content = full.media[place] if full and place < len(full.media) else None
            if content is None:
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


async def whole_post(settings: Settings, post: KeptPost) -> Post | None:
    """The post as it is in Kafka; None once it is older than what Kafka keeps.

    Raises TransientError.
    """
    place = TopicPartition(settings.posts_topic, post.partition)
    consumer = make_consumer(settings, group=None)
    try:
        async with asyncio.timeout(_KAFKA_SECONDS), started(consumer):
            consumer.assign([place])
            record = await _at(consumer, place, post.offset)
    except (KafkaError, TimeoutError) as error:
        raise TransientError(f"Kafka is away ({type(error).__name__}); try again") from error
    if record is None or record.value is None:
        return None
    found = decode_post(
        record.value,
        max_bytes=settings.max_post_bytes,
        max_meta_bytes=settings.max_meta_bytes,
    )
    return found if found.id == post.id else None


async def _at(consumer: Any, place: TopicPartition, offset: int) -> Any:
    (first,) = (await consumer.beginning_offsets([place])).values()
    (end,) = (await consumer.end_offsets([place])).values()
    if not first <= offset < end:
        return None
    consumer.seek(place, offset)
    record = await consumer.getone(place)
    return record if record.offset == offset else None


async def _show(request: Request) -> Response:
    key, place = request.path_params["key"], request.path_params["place"]
    post = await find_post(request, key)
    if post is None or place >= len(post.media):
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


async def find_post(request: Request, key: str) -> KeptPost | None:
    """A recent post, or one that waits for review, however old."""
    recent = (await parts(request).state.posts([key])).get(key)
    return recent or await parts(request).cases.post(key)


ROUTES: Final = [get("/media/{key:str}/{place:int}", _show)]
