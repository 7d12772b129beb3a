"""`foliot verify`."""

from __future__ import annotations

from typing import Final

from foliot import history, registry
from foliot.cli.addresses import service
from foliot.cli.answers import Answer, Table, View
from foliot.cli.progress import Progress
from foliot.cli.wording import visible
from foliot.errors import Refusal
from foliot.store import end_reading

_VERSIONS_MAX: Final = 256


def verify() -> Answer:
    """Replay the whole journal and compare: every instance must be the fold of its rows. Exit code 1 where not.

    It may run beside the workers: what steps meanwhile is left for the next time.
    """
    with service() as (connection, _), Progress("shards proved") as progress:
        catalog = registry.load_catalog(connection)
        end_reading(connection)
        proved = history.verify(connection, catalog, registry.Versions(_VERSIONS_MAX), progress=progress.tell)
    views: list[View] = []
    refusal = None
    if proved.findings:
        rows = tuple(
            (each.code, str(each.shard), str(each.n), str(each.instance), visible(each.what))
            for each in proved.findings
        )
        views.append(Table(("code", "shard", "n", "instance", "what"), rows))
        more = " at least" if len(proved.findings) >= history.FINDINGS_MAX else ""
        refusal = Refusal(
            "not_verified",
            f"{len(proved.findings)} findings{more} in {proved.rows} journal rows",
            "journal",
            "Stop the workers and look at the rows that are named before anything else writes.",
        )
    else:
        views.append(f"{proved.instances} instances equal the fold of {proved.rows} journal rows")
    if proved.not_replayed:
        views.append(f"{proved.not_replayed} rows were written by another engine, and not replayed: looked at alone")
    return Answer(proved, tuple(views), refusal)
