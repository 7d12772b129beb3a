"""Ports for servers on 127.0.0.1."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from foliot.local.failures import LocalError

HOST = "127.0.0.1"
_LOWEST_PORT = 15_000
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES_MAX = 100


def free_port() -> int:
    """Choose a port that nobody listens on at the moment.

    It lies below the range from which the kernel serves outgoing connections. Inside it, a client that calls a killed
    server again and again can end up connected to itself, which then keeps the server from its port.
    """
    first_ephemeral = int(_EPHEMERAL_RANGE.read_text().split()[0]) if _EPHEMERAL_RANGE.exists() else 32_768
    span = max(first_ephemeral - _LOWEST_PORT, 1_000)
    for _ in range(_TRIES_MAX):
        port = _LOWEST_PORT + secrets.randbelow(span)
        if is_free(port):
            return port
    raise LocalError(f"no free port found in {_TRIES_MAX} tries from {_LOWEST_PORT} on", remedy="Close some servers.")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do; without it a port that was just given up counts as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def accepts(port: int, *, seconds_max: float = 0.5) -> bool:
    """Tell whether somebody accepts connections on `port`: a cheap look before a client library is asked."""
    try:
        with socket.create_connection((HOST, port), timeout=seconds_max):
            return True
    except OSError:
        return False
