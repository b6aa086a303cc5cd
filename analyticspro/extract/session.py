"""Asks one source: signed, no faster than allowed, again where that may help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import urljoin

from analyticspro.errors import RetriableError, SourceError
from analyticspro.extract.authentication import Authentication
from analyticspro.extract.exchange import Again, Malformed, Request, Response, origin, shown
from analyticspro.extract.rate_limit import RateLimit
from analyticspro.extract.retry import Retry, retry_after
from analyticspro.extract.timing import Timing

if TYPE_CHECKING:  # it loads an HTTP library
    from analyticspro.extract.transport import Transport

__all__ = ["Refused", "Session"]

T = TypeVar("T")

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
# Besides 5xx: too slow, too early, too many.
_RETRIABLE = (408, 425, 429)

_CURES = {
    400: "Check path, parameters, paging and cursor of the stream.",
    404: "Check url, and path of the stream.",
    405: "Check path of the stream: what is there cannot be listed.",
    410: "What is asked for is there no longer. Check path of the stream.",
    422: "Check parameters, paging and cursor of the stream.",
}


class Refused(SourceError):
    """The source answered that it will not answer this request; `status` says how."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Session:
    """How one source is asked. Its errors name the address, never parameters nor answers.

    Attributes:
        whose: The source as an error names it: `Source crm`.
        transport: Carries requests.
        authentication: Signs them.
        limit: Shared by all streams of the source; None for as fast as it answers.
        retry: When to ask again.
        timing: How to wait.
    """

    whose: str
    transport: Transport
    authentication: Authentication
    limit: RateLimit | None
    retry: Retry
    timing: Timing

    def fetch(
        self, request: Request, decode: Callable[[Response], T], *, cure: str | None = None
    ) -> tuple[Response, T]:
        """Return the answer and what `decode` makes of it.

        Args:
            request: Without its proof.
            decode: Raises `Malformed` for an answer that cannot be read: it is asked for
                again, a few times.
            cure: What to do if it is refused, where the request is no stream's.

        Raises:
            Refused: It will not be answered: not allowed, not there, not understood.
            SourceError: It redirects elsewhere, is too large, or stays malformed.
            RetriableError: It could not be answered now, however often it was asked.
        """
        failures = 0
        unreadable = 0
        is_renewed = False
        while True:
            try:
                response = self._send(request)
                if response.status == 401 and not is_renewed:
                    is_renewed = True
                    if self.authentication.renew():
                        continue
                self._judge(request, response, cure)
                return response, decode(response)
            except Again as failure:
                failures += 1
                self._pause(request, failures, str(failure), failure.wait)
            except Malformed as failure:
                unreadable += 1
                if unreadable >= self.retry.attempts_malformed:
                    raise SourceError(
                        f"{self.whose}: what {request} answers {failure} "
                        f"({unreadable} times). Check url, and path and format of the stream."
                    ) from None
                self.timing.sleep(self.retry.wait(unreadable, self.timing.chance(), None))
            except SourceError as error:
                self._named(error)

    def _named(self, error: SourceError) -> NoReturn:
        if str(error).startswith(self.whose) or isinstance(error, Refused):
            raise error
        raise SourceError(f"{self.whose}: {error}") from None

    def _send(self, request: Request) -> Response:
        asked = request
        for _ in range(_MOST_REDIRECTS):
            if self.limit is not None:
                self.limit.take()
            response = self.transport.send(self.authentication.sign(asked))
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None:
                return response
            asked = replace(asked, url=self._redirected(request, asked, location), parameters={})
        raise SourceError(
            f"{request} is redirected again and again. Write the address that it ends at as url."
        )

    @staticmethod
    def _redirected(request: Request, asked: Request, location: str) -> str:
        try:
            target = urljoin(asked.address, location)
            is_same = origin(target) == origin(asked.url)
        except ValueError:
            raise SourceError(f"{request} is redirected to what is no address.") from None
        if not is_same or asked.form is not None:
            raise SourceError(
                f"{request} is redirected to {shown(target)}, where no secret is sent unasked. "
                "If that is right, write it as the address."
            )
        return target

    def _judge(self, request: Request, response: Response, cure: str | None) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        if status in _RETRIABLE or status >= 500:
            asked = response.headers.get("retry-after")
            wait = retry_after(asked, response.date or self.timing.now())
            if wait is not None and self.limit is not None and wait <= self.retry.longest:
                self.limit.hold(wait)
            raise Again(f"answers {status}", wait)
        if cure is not None:
            what = f"answers {status}. {cure}."
        elif status == 401:
            what = f"does not accept who asks (401). {self.authentication.cure}."
        elif status == 403:
            what = (
                "does not allow this (403). Give the account that the secret belongs to the right "
                f"to read it. Else: {self.authentication.cure}."
            )
        else:
            what = f"answers {status}. {_CURES.get(status, 'Check url, path and parameters.')}"
        raise Refused(f"{self.whose}: {request} {what}", status)

    def _pause(self, request: Request, failures: int, what: str, asked: float | None) -> None:
        if failures >= self.retry.attempts:
            raise RetriableError(
                f"{self.whose}: {shown(request.url)} {what} ({failures} times). "
                "Nothing is lost: sync again later."
            )
        if asked is not None and asked > self.retry.longest:
            raise RetriableError(
                f"{self.whose}: {shown(request.url)} {what} and asks to be left alone for "
                f"{asked:.0f} s. Nothing is lost: sync again after that."
            )
        self.timing.sleep(self.retry.wait(failures, self.timing.chance(), asked))
