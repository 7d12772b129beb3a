"""A change of the registry: one transaction that holds the installation, moves its revision and notes what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from foliot.registry.failures import OperationReused, UnknownTenant, hint
from foliot.store import Connection, StoreError, commit, load, roll_back

_SQL: Final = load("registry")
_OWN_IDS: Final = "revision/"
_NO_TENANT: Final = 0

Detail: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """An administrative call; `tenant` is None where it makes the tenant.

    `request` is what tells it from another call of the same kind: a repeated `operation_id` must repeat it.
    """

    what: str
    tenant: str | None
    request: Detail
    by: str = ""
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did: `detail` is its answer, `changed` whether the registry is another than before.

    `tenant` is the tenant that it made.
    """

    detail: Detail
    changed: bool = True
    tenant: int | None = None


Act: TypeAlias = Callable[[int, int], Outcome]
"""Takes the tenant's number and the revision that the change will have."""


def perform(connection: Connection, call: Call, act: Act) -> Detail:
    """Run `act` in a transaction of its own and commit it; a call that was done before answers with what it did.

    Changes come one after the other: each holds the installation's row from its first statement to its commit.

    Raises:
        UnknownTenant: there is no such tenant.
        OperationReused: the operation id stands for another call.
        UnknownCommit: call again with the same operation id.
        FoliotError: what `act` refuses; nothing was changed.
    """
    try:
        detail = _perform(connection, call, act)
    except BaseException:
        roll_back(connection)
        raise
    commit(connection, "registry")
    return detail


def tenant_number(connection: Connection, slug: str) -> int:
    """Look a tenant's number up.

    Raises:
        UnknownTenant: there is no such tenant.
    """
    numbers = {name: number for number, name in _SQL["list_tenants"].run(connection)}
    if slug not in numbers:
        remedy = hint(slug, numbers, UnknownTenant.remedy)
        raise UnknownTenant(f"there is no tenant {slug!r}", where="tenant", remedy=remedy)
    return int(numbers[slug])


def _perform(connection: Connection, call: Call, act: Act) -> Detail:
    row = _SQL["lock_installation"].run(connection).fetchone()
    if row is None or row[0] is None:
        raise StoreError("the database has no installation", remedy="Run: foliot db upgrade")
    revision = row[0] + 1
    tenant = _NO_TENANT if call.tenant is None else tenant_number(connection, call.tenant)
    if call.operation_id is not None:
        before = _done_before(connection, call, tenant)
        if before is not None:
            return before
    outcome = act(tenant, revision)
    if outcome.changed:
        _SQL["move_revision"].run(connection)
    if outcome.changed or call.operation_id is not None:
        noted = {"request": dict(call.request), "answer": dict(outcome.detail)}
        parameters = {
            "tenant": tenant if outcome.tenant is None else outcome.tenant,
            "id": f"{_OWN_IDS}{revision}" if call.operation_id is None else call.operation_id,
            "what": call.what,
            "detail": orjson.dumps(noted, option=orjson.OPT_SORT_KEYS).decode(),
            "by": call.by,
        }
        _SQL["insert_operation"].run(connection, parameters)
    return outcome.detail


def _done_before(connection: Connection, call: Call, tenant: int) -> Detail | None:
    id_ = call.operation_id or ""
    if not id_ or id_.startswith(_OWN_IDS):
        remedy = f"Choose one that does not begin with '{_OWN_IDS}', such as a UUID."
        raise OperationReused(f"{id_!r} is no operation id of a caller's", where="operation_id", remedy=remedy)
    row = _SQL["read_operation"].run(connection, {"tenant": tenant, "id": id_}).fetchone()
    if row is None:
        return None
    what, noted = row[0], orjson.loads(row[1])
    if what != call.what or noted["request"] != dict(call.request):
        raise OperationReused(
            f"the operation {id_!r} was another call: {what} {orjson.dumps(noted['request']).decode()}",
            where="operation_id",
        )
    answer: Detail = noted["answer"]
    return answer
