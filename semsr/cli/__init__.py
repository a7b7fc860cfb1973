"""The command line: one verb, one function, no logic. Each verb's work is a stage's `run`."""

from __future__ import annotations

import errno
import os
import sys

# Each registers its verbs; `semsr --help` lists them in this order.
from semsr.cli import (  # noqa: F401
    cards,
    datasets,
    descriptions,
    doctor,
    explain,
    lint,
    publish,
    reports,
    results,
    semantics,
    trace,
    training,
)
from semsr.cli.app import app
from semsr.errors import SemsrError

_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "choose a folder you can write to",
    errno.EACCES: "mend its permissions, or choose another folder",
    errno.EPERM: "mend its permissions, or choose another folder",
    errno.EISDIR: "a folder stands where a file is needed; move it away",
    errno.ENOTDIR: "a file stands where a folder is needed; move it away",
    errno.ENAMETOOLONG: "choose a shorter name",
}
"""What the operating system refuses, and what to do about it."""


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and a non-zero exit status."""
    # Threads that wait must sleep, not spin: on a busy machine two spinning threads are slower than one. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except SemsrError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; what is finished is kept, the same command continues", 130)
    except OSError as error:
        if error.errno == errno.EPIPE:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        if error.errno not in _ADVICE:
            raise
        _fail(f"{error.filename or 'a file'}: {error.strerror}; {_ADVICE[error.errno]}", 2)


def _fail(message: str, code: int) -> None:
    # What somebody typed, or a file's name, may hold signs that break the line or move the terminal.
    plain = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in message)
    sys.stderr.write(f"error: {plain}\n")
    sys.exit(code)
