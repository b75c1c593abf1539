import signal
import time
from contextlib import suppress

import pytest

from hfs_cli.posix import time_limit


def test_a_limit_of_time_holds_where_a_library_swallows_the_error():
    with pytest.raises(TimeoutError, match=r"it takes over 0\.05 s"), time_limit(0.05):
        with suppress(Exception):
            time.sleep(60)
        time.sleep(60)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_ends_in_time_leaves_no_limit():
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(60):
        assert signal.getsignal(signal.SIGALRM) != before
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
