"""`underseal demo`: four companies exchange signed footprints on this machine.

Four nodes, each a process of its own with its own home and port, TLS from a throw-away
authority, real sockets. Every step is checked.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from rich.console import Console

from underseal_cli.demo_cast import Cast
from underseal_cli.demo_chapters import tell_everything
from underseal_cli.demo_data import battery_chain
from underseal_cli.demo_nodes import DemoError, Workbench
from underseal_cli.demo_proxy import TamperingProxy
from underseal_cli.demo_story import Story

__all__ = ["new_cast", "run_demo"]

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MINIMUM_WIDTH = 100


def run_demo(*, keep: bool = False, console: Console | None = None) -> int:
    """Run the demo.

    Args:
        keep: whether the nodes stay up, until a signal ends them.
        console: where it is told; standard output by default.

    Returns:
        0 when every step came out as it should, 1 when one did not, 128 + n after signal n.
    """
    console = console or Console()
    if console.width < MINIMUM_WIDTH and not console.is_terminal:
        console = Console(file=console.file, width=MINIMUM_WIDTH)
    story = Story(console)
    started = time.monotonic()
    with _ended_by_signals(), contextlib.ExitStack() as stack:
        bench = Workbench()
        stack.callback(bench.close)
        # Runs before: a second Ctrl-C must not leave half of the nodes behind.
        stack.callback(_ignore_signals)
        try:
            cast = new_cast(bench)
            stack.enter_context(cast.proxy)
            tell_everything(cast, story)
            _conclude(story, time.monotonic() - started)
            if keep and not story.failed:
                _stay(bench, console)
        except (DemoError, OSError, subprocess.TimeoutExpired) as error:
            story.failed.append(str(error))
            console.print(f"The demo broke off: {error}", markup=False, highlight=False)
        except _Ended as ended:
            return 128 + ended.number
    return 1 if story.failed else 0


def new_cast(bench: Workbench) -> Cast:
    """The companies and their nodes; the refiner's stands behind a reverse proxy.

    The last chapter makes that proxy lie.
    """
    companies = battery_chain()
    proxy_port = bench.free_port()
    refiner, *others = companies
    behind = bench.node(refiner.key, public_port=proxy_port)
    for company in others:
        bench.node(company.key)
    proxy = TamperingProxy(
        proxy_port,
        behind.port,
        server_context=bench.server_context(),
        client_context=bench.client_context(),
    )
    return Cast(companies, bench, proxy)


def _conclude(story: Story, seconds: float) -> None:
    if story.failed:
        story.tell(f"{len(story.failed)} of {story.steps} steps were not as they should be:")
        for line in story.failed:
            story.tell(f"  {line}")
    else:
        story.tell(f"All {story.steps} steps came out as they should, in {seconds:.0f} s.")


def _stay(bench: Workbench, console: Console) -> None:
    console.print("\nThe nodes stay up until Ctrl-C. In another terminal:\n")
    console.print(f"  export UNDERSEAL_CA_FILE={bench.ca_file}", soft_wrap=True, highlight=False)
    for node in bench.nodes.values():
        console.print(f"  underseal --home {node.home} received list", soft_wrap=True)
    console.print("\nTheir public addresses:\n")
    for node in bench.nodes.values():
        console.print(f"  {node.name:12} {node.url}", soft_wrap=True, highlight=False)
    console.print(f"\n  curl --cacert {bench.ca_file} {node.url}/health", soft_wrap=True)
    threading.Event().wait()


class _Ended(BaseException):
    """A signal asked the demo to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise _Ended(number)


def _ignore_signals() -> None:
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn the signals that end a process into an exception, so that the nodes are stopped."""
    before = {number: signal.signal(number, _end) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
