"""Signals become one exception, once; each test is a process, which has one signal state."""

import signal
import subprocess
import sys

import pytest

SETUP = """
import os, signal, sys, time
from hfs_cli import signals
from hfs_cli.errors import SignalReceived
signals.install()
def send(signum=signal.SIGINT):
    signal.raise_signal(signum)
"""


def said(code, **started):
    """What a process prints, and its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + code], capture_output=True, text=True, check=False, **started
    )
    assert done.stderr == ""
    return done.stdout.split(), done.returncode


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_of_them_is_one_exception_that_names_it(signum):
    code = f"""
assert (signals.received(), signals.waiting(), signals.take()) == (None, False, None)
try:
    send({int(signum)})
    print("nothing")
except SignalReceived as received:
    print(received.signum, signals.received(), signals.waiting(), signals.take())
"""
    number = str(int(signum))
    assert said(code) == ([number, number, "False", "None"], 0)


def test_the_second_within_a_second_is_not_raised():
    code = """
signals._GRACE_S = 600.0  # however busy the machine is
try:
    send()
except SignalReceived:
    send()
    send(signal.SIGTERM)
    print("still", signals.received())
"""
    assert said(code) == (["still", "2"], 0)


def test_one_that_comes_after_that_ends_the_process_at_once():
    code = """
try:
    send()
except SignalReceived:
    time.sleep(1.1)
    print("before", flush=True)
    send(signal.SIGTERM)
    print("after", flush=True)
"""
    assert said(code) == (["before"], 143)


def test_what_the_parent_ignores_stays_ignored():
    code = """
send(signal.SIGHUP)
print("on")
try:
    send(signal.SIGINT)
except SignalReceived as received:
    print(received.signum)
"""

    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    assert said(code, preexec_fn=ignore) == (["on", "2"], 0)


def test_one_that_comes_while_they_are_held_is_raised_at_the_end():
    code = """
try:
    with signals.held():
        send()
        print(signals.waiting(), signals.received())
    print("never")
except SignalReceived as received:
    print("raised", received.signum, signals.waiting())
try:
    with signals.held():
        pass
    print("once")
except SignalReceived:
    print("twice")
"""
    assert said(code) == (["True", "2", "raised", "2", "False", "once"], 0)


def test_one_that_was_taken_is_not_raised():
    code = """
with signals.held():
    send()
    print(signals.take(), signals.take(), signals.received())
print("end")
"""
    assert said(code) == (["2", "None", "2", "end"], 0)


def test_one_that_waited_is_raised_where_they_are_let_through_and_the_block_does_not_run():
    code = """
with signals.held():
    send()
    try:
        with signals.let_through():
            print("never")
    except SignalReceived:
        print("before")
"""
    assert said(code) == (["before"], 0)


def test_they_are_held_again_after_they_were_let_through():
    code = """
with signals.held():
    with signals.let_through():
        print("streaming")
    send()
    print("saved")
    print(signals.take())
"""
    assert said(code) == (["streaming", "saved", "2"], 0)


def test_after_the_block_they_are_raised_at_once_also_when_it_failed():
    code = """
try:
    with signals.held():
        raise KeyError
except KeyError:
    pass
try:
    send()
    print("held")
except SignalReceived:
    print("raised")
"""
    assert said(code) == (["raised"], 0)


def test_when_the_exit_code_is_decided_none_of_them_matters():
    code = """
signals.ignore()
for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    send(signum)
    send(signum)
print("left", signals.received())
"""
    assert said(code) == (["left", "None"], 0)


def test_a_turn_in_another_thread_neither_holds_nor_takes_what_is_the_main_threads():
    code = """
import threading
entered, leave = threading.Event(), threading.Event()
def turn():
    with signals.held():
        entered.set()
        with signals.let_through():
            leave.wait(120)
        print("taken", signals.take())
other = threading.Thread(target=turn)
other.start()
entered.wait(120)
try:
    send()
    print("held")
except SignalReceived:
    print("raised")
try:
    with signals.held():
        signals._State.received = None
        send()
        leave.set()
        other.join()
        print("kept", signals.waiting())
except SignalReceived:
    print("raised")
"""
    assert said(code) == (["raised", "taken", "None", "kept", "True", "raised"], 0)


def test_a_turn_that_ends_in_another_thread_leaves_the_main_threads_signals_as_they_were():
    code = """
import threading
def turn():
    with signals.held():
        with signals.let_through():
            pass
def elsewhere():
    other = threading.Thread(target=turn)
    other.start()
    other.join()
with signals.held():
    elsewhere()
    send()
    print("held", signals.take())
signals._State.received = None
elsewhere()
try:
    send()
    print("held")
except SignalReceived:
    print("raised")
"""
    assert said(code) == (["held", "2", "raised"], 0)
