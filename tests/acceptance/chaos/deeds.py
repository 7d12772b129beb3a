"""The hand that breaks things, and mends them again when their time has come."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import psutil
from acceptance.chaos.plan import CUT, HANG, MOVE_ALL, OUTAGE, SERVER_KILLS, Fault, Move
from acceptance.rig.world import MACHINE, MACHINES, TENANT, World

from foliot import registry, store
from foliot.errors import FoliotError

CUTS_MAX: Final = 3
_WORKERS: Final = "worker"


@dataclass
class Deeds:
    """Does the faults and moves of a plan when they are due; what cannot be done yet is tried again."""

    world: World
    faults: list[Fault]
    moves: list[Move]
    began: float = field(default_factory=time.monotonic)
    done: int = 0
    moved: int = 0
    _due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    _frozen: set[int] = field(default_factory=set)
    _down: set[str] = field(default_factory=set)
    _awaited_cuts: list[int] = field(default_factory=list)
    _version: int = 1

    @property
    def seconds(self) -> float:
        """Tell how long it has been at work."""
        return time.monotonic() - self.began

    @property
    def over(self) -> bool:
        """Tell whether all faults happened and all that they broke is mended."""
        return not (self.faults or self._due or self._awaited_cuts)

    def tick(self) -> None:
        """Do what is due now."""
        now = self.seconds
        for entry in [entry for entry in self._due if entry[0] <= now]:
            self._due.remove(entry)
            entry[1]()
        self.world.look()
        self._raise_servers()
        self._note_cuts()
        # One that has no victim yet, such as a server that is down, does not hold up those behind it.
        for fault in [fault for fault in self.faults if fault.at_s <= now]:
            if self._do(fault, now):
                self.faults.remove(fault)
        if self.moves and self.moves[0].at_s <= now and self._move(self.moves[0]):
            self.moves.pop(0)

    def mend(self) -> None:
        """Mend everything at once: the end of the load must not wait for a frozen process."""
        for _, mending in self._due:
            mending()
        self._due.clear()
        self._raise_servers()

    def _do(self, fault: Fault, now: float) -> bool:
        """Do one fault; False where there is no victim yet."""
        if fault.kind in SERVER_KILLS or fault.kind == OUTAGE:
            return self._kill_server(fault, now)
        if fault.kind == CUT:
            return self._cut(fault)
        if fault.kind == HANG:
            self.world.proxy.freeze()
            self._due.append((now + fault.seconds, self.world.proxy.thaw))
            self._note(fault, "connections through the proxy")
            return True
        return self._signal(fault, now)

    def _kill_server(self, fault: Fault, now: float) -> bool:
        name = "valkey" if fault.kind == OUTAGE else fault.kind.removeprefix("kill_")
        server = self.world.servers[name]
        if name in self._down or not server.answers():
            return False
        server.kill()
        self._down.add(name)
        self._due.append((now + fault.seconds, lambda: self._down.discard(name)))
        self._note(fault, name)
        return True

    def _raise_servers(self) -> None:
        """Start the servers that should run and do not, without waiting until they answer."""
        for name, server in self.world.servers.items():
            if name not in self._down and not server.child.running():
                server.child.spawn(server.launch())

    def _cut(self, fault: Fault) -> bool:
        if not self.world.postgres.answers():
            return False
        count = 1 + int(fault.pick * CUTS_MAX)
        self.world.proxy.cut_at_commits(count)
        self._awaited_cuts.append(self.world.proxy.commits_cut + count)
        self._note(fault, f"{count} commits through the proxy")
        return True

    def _note_cuts(self) -> None:
        self._awaited_cuts = [count for count in self._awaited_cuts if count > self.world.proxy.commits_cut]

    def _signal(self, fault: Fault, now: float) -> bool:
        verb, _, kind = fault.kind.partition("_")
        victims = [process for process in self._victims(kind) if process.pid not in self._frozen or verb == "kill"]
        if not victims:
            return False
        victim = victims[int(fault.pick * len(victims))]
        named = f"{kind} {victim.pid}"
        try:
            victim.send_signal(signal.SIGKILL if verb == "kill" else signal.SIGSTOP)
        except psutil.NoSuchProcess:
            return False
        if verb == "stop":
            self._frozen.add(victim.pid)
            self._due.append((now + fault.seconds, lambda: self._thaw(victim)))
        self._note(fault, named)
        return True

    def _victims(self, kind: str) -> Sequence[psutil.Process]:
        """List the living processes of a kind in a settled order; a worker's parents are its command and Celery's."""
        workers = [program for name, program in self.world.programs.items() if name.startswith(_WORKERS)]
        if kind == "worker_child":
            return [child for worker in workers for child in worker.grandchildren()]
        if kind == "worker_parent":
            return [process for worker in workers if worker.process for process in (worker.process, *worker.hands())]
        return [
            program.process
            for name, program in self.world.programs.items()
            if name.startswith(kind) and program.process is not None
        ]

    def _thaw(self, victim: psutil.Process) -> None:
        self._frozen.discard(victim.pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.send_signal(signal.SIGCONT)

    def _move(self, move: Move) -> bool:
        """Move the channel; False where Postgres does not answer. The same operation is never done twice."""
        others = [version for version in range(1, len(MACHINES) + 1) if version != self._version]
        version = others[int(move.pick * len(others))]
        try:
            with contextlib.closing(store.connect(self.world.dsn_service, application="harness")) as connection:
                registry.move_channel(
                    connection,
                    TENANT,
                    MACHINE,
                    registry.FIRST_CHANNEL,
                    version,
                    mode="all" if move.kind == MOVE_ALL else "new",
                    expected_revision=None,
                    operation_id=f"move at {move.at_s}",
                    by="harness",
                )
        except FoliotError as error:
            if not error.retryable:
                raise
            return False
        self._version = version
        self.moved += 1
        self.world.note_fault(move.kind, planned_s=move.at_s, version=version)
        return True

    def _note(self, fault: Fault, victim: str) -> None:
        self.done += 1
        at_s = round(self.seconds, 2)
        self.world.note_fault(fault.kind, planned_s=fault.at_s, at_s=at_s, seconds=fault.seconds, victim=victim)
