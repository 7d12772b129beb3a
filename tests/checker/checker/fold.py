"""The fold: every instance's journal, run again by the second interpreter."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from checker import interpreter
from checker.finding import Finding
from checker.interpreter import Happening, Message, State, Timer
from checker.model import CHECKPOINT, EVENT, KINDS, MIGRATE, START, TAKEN, InstanceRow, JournalRow, VersionRow


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that a step must have sent."""

    row: JournalRow
    ordinal: int
    message: Message

    @property
    def id(self) -> str:
        """Give the id that the message has at every sending."""
        return f"{self.row.instance}-{self.row.position}-{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Firing:
    """A journal row in which a timer fired; `due` is None where the state did not have this timer."""

    row: JournalRow
    due: int | None


@dataclass(slots=True)
class Fold:
    """What the journals say must have happened. `skipped` counts rows of machines that nobody here can run."""

    findings: list[Finding] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    firings: list[Firing] = field(default_factory=list)
    final: dict[int, State] = field(default_factory=dict)
    folded: int = 0
    skipped: int = 0


@dataclass(slots=True)
class _Life:
    """An instance while its journal is run. After its first difference only the end is compared."""

    id: int
    version: int = 0
    state: State | None = None
    differs: bool = False


def fold(
    rows_of_shard: Mapping[int, list[JournalRow]],
    instances: Mapping[int, InstanceRow],
    machines: Mapping[int, str],
    versions: Iterable[VersionRow],
    secret: bytes,
) -> Fold:
    """Run every journal; the rows of each shard must come in the order of n."""
    known = frozenset((row.tenant, row.machine, row.version) for row in versions)
    result = Fold()
    for rows in rows_of_shard.values():
        lives: defaultdict[int, list[JournalRow]] = defaultdict(list)
        for row in rows:
            lives[row.instance].append(row)
        for instance, own in lives.items():
            present = instances.get(instance)
            if present is not None and machines.get(present.machine) != interpreter.MACHINE:
                result.skipped += len(own)
                continue
            life = _Life(instance)
            for row in own:
                if present is not None and (present.tenant, present.machine, row.version) not in known:
                    _differ(result, "I2_version", f"version {row.version} was never published", row)
                _fold_row(result, life, row, secret)
            result.folded += len(own)
            if life.state is not None:
                result.final[instance] = life.state
            if present is not None:
                _compare_present(result, life, present)
    return result


def state_hash(secret: bytes, text: str) -> str:
    """Hash a state's canonical text as the journal does."""
    return blake2b(text.encode(), key=secret, digest_size=16).hexdigest()


def _fold_row(result: Fold, life: _Life, row: JournalRow, secret: bytes) -> None:
    """Take one row into the life: what its kind means, then whether the state that came out is what was kept."""
    if life.state is None and row.kind != START:
        _differ(result, "I2_state", "the journal does not begin with a start row", row)
        life.state, life.version = interpreter.birth(), row.version
    if row.kind == START:
        life.state, life.version = interpreter.birth(), row.version
    elif row.kind == EVENT:
        _fold_event(result, life, row)
    elif row.kind in {MIGRATE, CHECKPOINT}:
        _fold_same(result, life, row)
    else:
        # A rollback, fork or repair chooses a state: what it chose is taken from the row itself.
        life.state, life.version = _stored(row), row.version
    if row.state is None and row.kind != EVENT:
        _differ(result, "I2_stored", f"a {KINDS[row.kind]} row holds no whole state", row)
    if row.state is not None and state_hash(secret, row.state) != row.state_hash:
        _differ(result, "I2_hash", "the hash is not that of the state beside it", row)
    if life.state is None or life.differs:
        return
    text = interpreter.canonical(life.state)
    if row.state is not None and row.state != text:
        life.differs = True
        _differ(result, "I2_stored", f"the row holds {row.state}, the fold gives {text}", row)
    elif state_hash(secret, text) != row.state_hash:
        life.differs = True
        _differ(result, "I2_hash", f"the hash is not that of the folded state {text}", row)


def _fold_event(result: Fold, life: _Life, row: JournalRow) -> None:
    assert life.state is not None
    if row.version != life.version:
        _differ(result, "I2_version", f"stepped by version {row.version} while the instance was on {life.version}", row)
    if row.version not in interpreter.EDITIONS:
        life.differs = True
        return
    data = None if row.data is None else json.loads(row.data)
    refused = None if row.timer is not None else interpreter.outside_schema(row.type or "", data)
    if refused is not None:
        _differ(result, "I2_schema", f"stepped with data outside of its schema: {refused}", row)
        life.differs = True
        return
    event = Happening(row.event_id or "", row.type or "", data, row.timer, row.armed)
    timer = life.state.timers.get(row.timer) if row.timer is not None else None
    outcome = interpreter.step(row.version, life.state, event, row.at)
    if row.timer is not None:
        result.firings.append(Firing(row, timer.due if timer is not None and timer.armed == row.armed else None))
    if outcome is None:
        return
    life.state = outcome.state
    if outcome.taken != (row.outcome == TAKEN) and not life.differs:
        expected = "taken" if outcome.taken else "ignored"
        _differ(result, "I2_outcome", f"{row.type} must be {expected}", row)
    result.sent.extend(Sent(row, ordinal, message) for ordinal, message in enumerate(outcome.messages))


def _fold_same(result: Fold, life: _Life, row: JournalRow) -> None:
    """Take a row that must leave the state as it is, but for the position, which it may count on."""
    assert life.state is not None
    if row.kind == MIGRATE and not interpreter.fits(row.version, life.state):
        _differ(result, "I2_migrate", f"moved to version {row.version}, which has no {life.state.leaf}", row)
    if row.kind == CHECKPOINT and row.version != life.version:
        _differ(result, "I2_version", f"a checkpoint under version {row.version}, not {life.version}", row)
    life.version = row.version
    if row.position == life.state.position + 1:
        life.state = State(life.state.leaf, life.state.context, life.state.timers, row.position)


def _stored(row: JournalRow) -> State | None:
    """Read the state that an administrative row holds."""
    if row.state is None:
        return None
    plain = json.loads(row.state)
    timers = {name: Timer(timer["armed"], timer["due"]) for name, timer in plain["timers"].items()}
    return State(plain["configuration"][0], plain["context"], timers, plain["position"])


def _compare_present(result: Fold, life: _Life, present: InstanceRow) -> None:
    where = f"instance {present.id} (shard {present.shard}, key {present.key})"
    if life.state is None:
        return
    text = interpreter.canonical(life.state)
    if present.state != text:
        result.findings.append(Finding("I2_state", f"the row holds {present.state}, its fold gives {text}", where))
    if present.version != life.version:
        what = f"the row says version {present.version}, its journal ends on {life.version}"
        result.findings.append(Finding("I2_version", what, where))


def _differ(result: Fold, invariant: str, what: str, row: JournalRow) -> None:
    where = f"shard {row.shard}, n {row.n}, instance {row.instance}, position {row.position}"
    result.findings.append(Finding(invariant, what, where))
