"""Every failure that a user can meet, each with its exit code (``hfs help exit-codes``).

HfsError                          1  a bug, unless a child says otherwise
├── UsageError                    2  unusable arguments or input
├── ConfigError                   3  configuration
│   └── CredentialsError          3  no key, or one the provider refused
├── NotFoundError                 4  no such session, checkpoint or model
│   └── AmbiguousError            4  more than one fits
├── ProviderError                 5  the provider refused or failed
│   ├── TooLongError              5  the request is longer than the model's context
│   └── UnavailableError          5  it cannot answer now: busy, or down
├── NetworkError                  6  network, TLS, or a timeout before the first byte
│   ├── UnreachableError          6  there is no connection
│   └── NotRecordedError          6  HFS_REPLAY has no recording of the request
├── IncompleteReplyError          7  the reply broke off, stalled or was malformed
├── StoreError                    8  the database
├── OutputError                   8  standard output, or a file on a full disk, could not be written
├── Interrupted             128 + n  a signal (130 SIGINT, 143 SIGTERM, 129 SIGHUP)
└── ReaderLeft                  141  whoever read standard output has gone

A message is one line: what happened, then what to do next. Where a caller may do something else
about the failure, the second part is given separately, as advice that it can drop.
"""


class HfsError(Exception):
    """A failure with a one-line message for the user.

    Args:
        what: What happened; and what to do next, where no caller drops that.
        advice: What to do next, or nothing.
    """

    exit_code = 1

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what} — {advice}" if advice else what)
        self.what = what
        self.advice = advice

    @property
    def message(self) -> str:
        """What happened and what to do next."""
        return str(self)


class UsageError(HfsError):
    """Arguments or input that cannot be used."""

    exit_code = 2


class ConfigError(HfsError):
    """A configuration that cannot be used."""

    exit_code = 3


class CredentialsError(ConfigError):
    """A key that is missing, unusable or refused."""


class NotFoundError(HfsError):
    """A session, checkpoint or model that does not exist."""

    exit_code = 4


class AmbiguousError(NotFoundError):
    """A reference that fits more than one thing."""


class ProviderError(HfsError):
    """The provider refused the request or failed to serve it."""

    exit_code = 5


class TooLongError(ProviderError):
    """The request has more tokens than the model takes: a shorter one may be answered."""


class UnavailableError(ProviderError):
    """The provider cannot answer now (429, 5xx): it may later, and another one may at once."""


class NetworkError(HfsError):
    """The provider could not be reached, or did not begin to answer."""

    exit_code = 6


class UnreachableError(NetworkError):
    """There is no connection to the provider: whatever is asked of it now will fail."""


class NotRecordedError(NetworkError):
    """No recording fits the request, and nothing else may be asked."""


class IncompleteReplyError(HfsError):
    """The reply broke off, stalled, or stopped making sense after it began."""

    exit_code = 7


class StoreError(HfsError):
    """The database cannot be read or written."""

    exit_code = 8


class OutputError(HfsError):
    """Standard output cannot be written, or a file, such as on a full disk."""

    exit_code = 8


class Interrupted(HfsError):
    """A signal asked the program to end.

    Args:
        signum: The signal's number; the exit code is 128 plus it.
        message: What was kept.
    """

    def __init__(self, signum: int, message: str = "interrupted") -> None:
        super().__init__(message)
        self.signum = signum
        self.exit_code = 128 + signum


class ReaderLeft(HfsError):
    """The reader of standard output closed it; the convention is 128 + SIGPIPE."""

    exit_code = 141

    def __init__(self) -> None:
        super().__init__("the reader of standard output has gone")


class SignalReceived(BaseException):
    """Raised by the signal handlers; no library's ``except Exception`` can swallow it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
