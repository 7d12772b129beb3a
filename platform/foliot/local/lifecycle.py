"""What all servers of one machine have in common: start, stop, kill, freeze."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import ClassVar, Protocol

from foliot.local.child import Child, Launch
from foliot.local.failures import NotReadyInTime, ProcessDied, StartAbandoned
from foliot.local.free_ports import HOST, free_port

_PAUSE_SECONDS = 0.02


def _never() -> bool:
    return False


class Server(Protocol):
    """One server on 127.0.0.1, a direct child of this process, that keeps its port and its data over restarts.

    A kind of server says what to launch and how to ask it whether it is ready; the life around that is here.
    """

    kind: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    port: int
    child: Child
    port_is_open_to_change: bool

    def launch(self) -> Launch:
        """Put in place what is missing on disk, and say what to execute."""
        ...

    def answers(self) -> bool:
        """Tell whether a real client call succeeds now; takes two seconds at most."""
        ...

    def kin(self) -> tuple[int, ...]:
        """List the processes, beside the child itself, that a kill or a freeze of the server must reach."""
        return ()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    def start(self, *, give_up: Callable[[], bool] = _never) -> None:
        """Start the server and wait until it answers.

        The port was free when it was chosen, but another process may have taken it since: a server that dies at its
        very first start gets a new one, once.

        Raises:
            ProcessDied: it ended at once; the message has the tail of its log.
            NotReadyInTime: it does not answer.
            StartAbandoned: `give_up` became true.
        """
        self.child.spawn(self.launch())
        try:
            self.wait_ready(give_up=give_up)
        except ProcessDied:
            if not self.port_is_open_to_change:
                raise
            self.port_is_open_to_change = False
            self.port = free_port()
            self.child.spawn(self.launch())
            self.wait_ready(give_up=give_up)
        self.port_is_open_to_change = False

    def wait_ready(self, *, seconds_max: float = 60.0, give_up: Callable[[], bool] = _never) -> None:
        """Wait until the server answers; raises as `start` does."""
        deadline = time.monotonic() + seconds_max
        while True:
            answered = self.answers()
            # The exit is looked at after the answer: somebody else may have answered on a port that ours could not get.
            code = self.child.exit_code()
            if code is not None:
                raise ProcessDied(
                    f"{self.kind} ended with code {code}:\n{self.child.log_tail()}", where=str(self.child.log)
                )
            if answered:
                return
            if give_up():
                raise StartAbandoned(f"{self.kind} was no longer wanted before it was ready")
            if time.monotonic() > deadline:
                raise NotReadyInTime(
                    f"{self.kind} did not answer on {self.address} within {seconds_max:g} s:\n{self.child.log_tail()}",
                    where=str(self.child.log),
                )
            time.sleep(_PAUSE_SECONDS)

    def stop(self, *, grace_seconds: float = 10.0) -> None:
        """End the server in order, or by a kill where that takes longer than `grace_seconds`."""
        if self.child.running():
            self.thaw()
            self.child.end(self.stop_signal, grace_seconds=grace_seconds)

    def kill(self) -> None:
        """End the server as a crash would, and collect its exit, so that it can start again at once."""
        self.child.end(signal.SIGKILL, grace_seconds=10.0)

    def freeze(self) -> None:
        """Stop the server in its tracks; connections stay open and get no answer."""
        self.child.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self.child.send(signal.SIGCONT)
