"""The parent of a node's processes ends when a signal says so, whenever that comes."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from underseal_node.supervisor import (
    MAX_RESTART_SECONDS,
    ChildSpec,
    Supervisor,
    restart_delay,
)

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def supervisor() -> Supervisor:
    children = [ChildSpec(name, "tests.node.obedient_child", "work") for name in ("one", "two")]
    return Supervisor(children, grace_seconds=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_the_signals_as_they_were(
    supervisor: Supervisor, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    supervisor.run(lambda: os.kill(os.getpid(), number))
    assert signal.getsignal(number) == before
    found = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(found)
    assert found == -1


def test_a_signal_that_does_not_interrupt_the_wait_ends_it_too(supervisor: Supervisor) -> None:
    """As one that comes just before the wait: here another thread gets it, so none is awoken."""
    waiting = threading.Event()

    def send() -> None:
        waiting.wait()
        time.sleep(0.3)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        sender.start()
        supervisor.run(waiting.set)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        sender.join()


def test_restarts_come_later_and_later_and_never_too_late() -> None:
    delays = [restart_delay(failures) for failures in (0, 1, 2, 3, 8, 5_000)]
    assert delays == sorted(delays)
    assert delays[1] < delays[2] < delays[3]
    assert delays[-2:] == [MAX_RESTART_SECONDS] * 2
