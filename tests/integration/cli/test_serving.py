"""`foliot api` as a program of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from addresses import Database


def test_a_port_that_somebody_else_has_is_told_with_what_to_do(fresh_database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = {
            "FOLIOT_DSN_FRONT": fresh_database.front,
            "FOLIOT_KEY_PEPPER": "p" * 32,
            "FOLIOT_API_PORT": str(port),
        }

        done = subprocess.run(
            [sys.executable, "-m", "foliot.cli", "api"],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 3
    assert f"api_not_started at 127.0.0.1:{port}: the API could not start" in done.stderr
    assert "FOLIOT_API_PORT" in done.stderr
    assert "Traceback" not in done.stderr
