"""What is broken in a run, and when: all of it decided by one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

PROGRAMS: Final = ("worker_child", "worker_parent", "ingest", "relay")
KILLS: Final = tuple(f"kill_{victim}" for victim in PROGRAMS)
STOPS: Final = tuple(f"stop_{victim}" for victim in PROGRAMS)
SERVER_KILLS: Final = ("kill_valkey", "kill_kafka", "kill_postgres")
CUT: Final = "cut_commit_reply"
HANG: Final = "hang_connections"
OUTAGE: Final = "broker_off"
MOVE_ALL: Final = "move_channel_all"
MOVE_NEW: Final = "move_channel_new"
KINDS: Final = (*KILLS, *STOPS, *SERVER_KILLS, CUT, HANG, OUTAGE)
MOVE_EVERY_S: Final = 10.0
_ONCE: Final = frozenset((OUTAGE,))
_FROZEN_S: Final = (0.3, 8.0)
_RESTART_S: Final = (0.5, 3.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """One deed. `pick` (0 to 1) chooses among the victims that live then; `seconds` is how long it lasts."""

    at_s: float
    kind: str
    pick: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Move:
    """One move of the channel; `pick` chooses among the versions that it is not at."""

    at_s: float
    kind: str
    pick: float


def make_plan(
    seed: int, *, faults: int, interval_s: float, outage_s: float, postgres_kills: int, kinds: tuple[str, ...] = KINDS
) -> tuple[Fault, ...]:
    """Decide on `faults` faults, `interval_s` apart on average; more where else not every kind would be among them."""
    chance = random.Random(seed)
    more = postgres_kills - 1 if "kill_postgres" in kinds else 0
    chosen = [*kinds, *(["kill_postgres"] * more)]
    again = [kind for kind in kinds if kind not in _ONCE] or list(kinds)
    chosen += chance.choices(again, k=max(0, faults - len(chosen)))
    chance.shuffle(chosen)
    at_s = 2.0
    planned = []
    for kind in chosen:
        planned.append(Fault(round(at_s, 2), kind, chance.random(), round(_seconds(chance, kind, outage_s), 2)))
        at_s += chance.uniform(0.4, 1.6) * interval_s
    return tuple(planned)


def make_moves(seed: int, *, until_s: float) -> tuple[Move, ...]:
    """Decide on a move of all instances every ten seconds, and now and then one for new instances between two."""
    chance = random.Random(seed + 1)
    moves = []
    at_s = MOVE_EVERY_S / 2
    while at_s < until_s:
        moves.append(Move(at_s, MOVE_ALL, chance.random()))
        if chance.random() < 0.3:
            moves.append(Move(at_s + MOVE_EVERY_S / 2, MOVE_NEW, chance.random()))
        at_s += MOVE_EVERY_S
    return tuple(moves)


def _seconds(chance: random.Random, kind: str, outage_s: float) -> float:
    if kind == OUTAGE:
        return outage_s
    return chance.uniform(*(_RESTART_S if kind in SERVER_KILLS else _FROZEN_S))
