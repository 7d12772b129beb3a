"""Post events to the HTTP API at an even pace, and say how long each took.

python -m benchmarks.load.posting --address 127.0.0.1:8080 --seed 1 --events 5000 --instances 500 --per-second 500

An open loop: each request is due at its time whatever became of those before it, and its wait for a free connection
counts. The client is written by hand since it shares the machine with what it measures: a general one takes as much CPU
as the API. Prints one JSON object; `late` tells in milliseconds how late the client itself was with each request, which
is in the times of the requests too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass

import uvloop

from benchmarks.load.events import incident_events

CONNECTIONS = 32


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def post(self, host: str, document: bytes) -> int:
        """Send one event and give the status of the answer."""
        head = (
            f"POST /v1/events HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/cloudevents+json\r\n"
            f"content-length: {len(document)}\r\n\r\n"
        )
        self.writer.write(head.encode() + document)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        lines = answer.split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
        await self.reader.readexactly(length)
        return int(lines[0].split(b" ")[1])


async def _run(options: argparse.Namespace) -> dict[str, object]:
    host, port = options.address.rsplit(":", 1)
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(_Connection(*await asyncio.open_connection(host, int(port))))
    documents = [event.document for event in incident_events(options.seed, options.events, options.instances)]
    milliseconds: list[float] = []
    late: list[float] = []
    statuses: Counter[int] = Counter()

    async def send(document: bytes, due: float) -> None:
        connection = await free.get()
        status = await connection.post(options.address, document)
        milliseconds.append((time.perf_counter() - due) * 1000)
        statuses[status] += 1
        free.put_nowait(connection)

    began, cpu_seconds = time.perf_counter() + 0.1, time.process_time()
    async with asyncio.TaskGroup() as sending:
        for number, document in enumerate(documents):
            due = began + number / options.per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late.append((time.perf_counter() - due) * 1000)
            sending.create_task(send(document, due))
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu_seconds,
        "statuses": statuses,
        "milliseconds": sorted(milliseconds),
        "late": sorted(late),
    }


def main() -> None:
    """Post, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="HOST:PORT of the API")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument("--per-second", type=float, required=True)
    print(json.dumps(uvloop.run(_run(parser.parse_args()))))


if __name__ == "__main__":
    main()
