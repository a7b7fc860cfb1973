"""How often, and after how long a wait, a download is tried again: a bounded number of times, each wait longer than the last."""

from __future__ import annotations

import datetime
import logging
from email.utils import parsedate_to_datetime
from time import sleep

from semsr.assets.network import BrokenTransferError, BusyError, MirrorError

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""Failed attempts in a row before a mirror is given up."""

FIRST_WAIT = 1.0
"""Seconds before the second attempt; each further wait is twice as long."""

LONGEST_WAIT = 60.0
"""Seconds that all waits for one file at one mirror may add up to; a server that asks for more is left for the next mirror."""

PROGRESS = 8 << 20
"""Bytes that make an attempt count as a success: a long file over a bad line is not given up as long as it comes nearer."""


class Patience:
    """Decides after each failed attempt at one mirror: wait and try again, or give up."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._failed = 0
        self._waited = 0.0

    def after(self, error: BrokenTransferError | BusyError, gained: int) -> None:
        """Return when the next attempt may start.

        Args:
            error: what ended the attempt.
            gained: bytes that the attempt brought and that will not be asked for again.

        Raises:
            MirrorError: enough; `error` with how often it was tried, or with the wait that the server asks for.
        """
        self._failed = 1 if gained >= PROGRESS else self._failed + 1
        if self._failed >= ATTEMPTS:
            raise MirrorError(f"{error}; tried {self._failed} times") from None
        # A connection that broke in the middle is taken up at once; only a server in trouble is given time.
        wait = 0.0 if gained > 0 else FIRST_WAIT * 2.0 ** (self._failed - 1)
        if isinstance(error, BusyError) and error.retry_after is not None:
            wait = max(wait, error.retry_after)
        if self._waited + wait > LONGEST_WAIT:
            asked = f" and asks to wait {wait:.0f} s" if isinstance(error, BusyError) and error.retry_after else ""
            raise MirrorError(f"{error}{asked}; too long to wait") from None
        logger.info("%s: %s; trying again%s", self._label, error, f" in {wait:.0f} s" if wait else "")
        self._waited += wait
        if wait:
            sleep(wait)


def seconds_to_wait(retry_after: str | None) -> float | None:
    """What a `Retry-After` header asks for, in seconds: it is a number of seconds or a date (RFC 9110); None where it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return max((when - datetime.datetime.now(datetime.UTC)).total_seconds(), 0.0)
