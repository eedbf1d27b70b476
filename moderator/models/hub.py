"""The hub: which files a revision has, and their bytes. Only here is huggingface_hub imported.

It speaks the protocol, resumes what was cut and finds the token; what it leaves to its callers is
done here: waiting as long as a busy hub asks for, and errors that say what to do.
"""

import errno
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import httpx
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from moderator.errors import ModelError, TransientError
from moderator.models.folder import git_blob, sha256

_ATTEMPTS = 4
_MOST_WAIT_SECONDS = 120.0  # who asks for more is asked again by a person
_TIMEOUT_SECONDS = 15.0
_BUSY = (429, 500, 502, 503, 504)


class Remote(NamedTuple):
    """What the hub states about one file."""

    bytes: int
    sha256: str | None  # of files in its large-file storage
    blob: str | None  # of the others: git's id of their content

    def differs(self, path: Path) -> str | None:
        """What is wrong with a file that should have these bytes, None if nothing is."""
        if self.sha256 is not None:
            wanted, actual, kind = self.sha256, sha256(path), "sha256"
        else:
            wanted, actual, kind = self.blob or "", git_blob(path), "git's id"
        return None if wanted == actual else f"{kind} is {actual}, expected {wanted}"


class Snapshot(NamedTuple):
    """A repository at one commit."""

    revision: str  # 40 hex digits
    files: dict[str, Remote]


class Hub:
    """A hub or a mirror of one. `offline`: nothing is asked, and asking is an error."""

    def __init__(
        self, endpoint: str, *, offline: bool = False, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.offline = offline
        self._sleep = sleep
        self._api = HfApi(endpoint=self.endpoint)

    def snapshot(self, repository: str, revision: str | None) -> Snapshot:
        """The files of a commit, branch or tag; the default branch for None.

        Raises ModelError for what is not there, TransientError for a hub that does not answer.
        """
        info = self._patiently(
            f"{repository} at {revision or 'its newest revision'}",
            lambda: self._api.model_info(
                repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_SECONDS
            ),
        )
        if info.sha is None:
            raise ModelError(
                f"{_shown(self.endpoint)} states no commit for {repository}; is it a hub?"
            )
        files = {
            sibling.rfilename: Remote(
                sibling.size or 0, sibling.lfs.sha256 if sibling.lfs else None, sibling.blob_id
            )
            for sibling in info.siblings or ()
        }
        return Snapshot(info.sha, files)

    def download(self, repository: str, revision: str, file: str, folder: Path) -> Path:
        """One file into `folder`, going on where an earlier call was cut. Raises as `snapshot`."""
        self._patiently(
            f"{file} of {repository} at {revision[:12]}",
            lambda: hf_hub_download(
                repository, file, revision=revision, local_dir=folder, endpoint=self.endpoint
            ),
        )
        return folder / file

    def _patiently(self, what: str, ask: Callable[[], Any]) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return ask()
            except LocalEntryNotFoundError as error:  # it has asked several times already
                cause = error.__cause__
                self._give_up(what, cause if isinstance(cause, Exception) else error)
            except (HfHubHTTPError, httpx.HTTPError) as error:
                wait = _wait_seconds(error, attempt)
                if wait is None or attempt == _ATTEMPTS:
                    self._give_up(what, error)
                self._sleep(wait)
            except OSError as error:
                self._give_up(what, error)
        raise AssertionError("the last attempt returns or raises")

    def _give_up(self, what: str, error: Exception) -> NoReturn:
        where = f"{what}, from {_shown(self.endpoint)}"
        match error:
            case OfflineModeIsEnabled():
                raise ModelError(f"{where}: HF_HUB_OFFLINE is set") from error
            case RevisionNotFoundError():
                raise ModelError(f"{where}: no such revision") from error
            case GatedRepoError():
                raise ModelError(
                    f"{where}: its authors must grant access; ask on its page, then set HF_TOKEN"
                ) from error
            case RepositoryNotFoundError():
                raise ModelError(
                    f"{where}: no such repository, or it is private and HF_TOKEN does not open it"
                ) from error
            case EntryNotFoundError():
                raise ModelError(f"{where}: no such file") from error
            case HfHubHTTPError():
                self._refused(where, error)
            case httpx.HTTPError():
                why = str(error) or type(error).__name__
                raise TransientError(
                    f"{where}: no connection ({why}); check the network, or name a mirror with "
                    "HF_ENDPOINT; the same command goes on where this one stopped"
                ) from error
            case OSError(errno=errno.ENOSPC | errno.EDQUOT):
                raise ModelError(f"{where}: the disk is full; make room and pull again") from error
            case OSError(errno=int()):
                raise ModelError(f"{where}: {error.filename}: {error.strerror}") from error
        raise TransientError(f"{where}: {error}") from error

    def _refused(self, where: str, error: HfHubHTTPError) -> NoReturn:
        status = error.response.status_code
        if status in _BUSY:
            after = error.response.headers.get("Retry-After")
            hint = f"it asks to wait {after} s" if after else "try again later"
            raise TransientError(f"{where}: the hub is busy (HTTP {status}); {hint}") from error
        if status in (401, 403):
            raise ModelError(f"{where}: access denied (HTTP {status}); set HF_TOKEN") from error
        raise ModelError(f"{where}: HTTP {status}") from error


def _shown(endpoint: str) -> str:
    """An endpoint without the name and password that mirrors are sometimes given in it."""
    scheme, found, rest = endpoint.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{found}{authority.rpartition('@')[2]}{slash}{path}" if found else endpoint


def _wait_seconds(error: Exception, attempt: int) -> float | None:
    """How long to wait before asking again; None: do not."""
    if not isinstance(error, HfHubHTTPError):
        return float(2 ** (attempt - 1))  # a connection that failed or was cut
    if error.response.status_code not in _BUSY:
        return None
    wait = _retry_after(error.response.headers.get("Retry-After")) or float(2**attempt)
    return wait if wait <= _MOST_WAIT_SECONDS else None


def _retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header, which has a number or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None
