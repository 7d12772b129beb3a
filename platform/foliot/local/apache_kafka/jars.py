"""The broker's jars: fetched once by Maven into the user's cache; starting a broker only reads them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from foliot.local.caches import cache_folder, in_one_piece
from foliot.local.failures import PartMissing

POM = Path(__file__).with_name("pom.xml")
_INSTALL_SECONDS_MAX = 600


def jars_folder() -> Path:
    """Return where the jars for this edition's pom.xml lie, or will lie."""
    edition = hashlib.blake2b(POM.read_bytes(), digest_size=6).hexdigest()
    return cache_folder() / f"apache-kafka-{edition}"


def install_jars() -> Path:
    """Fetch the jars where they are missing; the folder appears whole or not at all.

    Raises:
        PartMissing: there is no Maven or no Java, or Maven failed; the message has its output.
    """
    java()
    folder = jars_folder()
    in_one_piece(folder, _fetch)
    return folder


def java() -> str:
    """Find Java."""
    return _tool("java", "a Java runtime, 17 or later", "openjdk-17-jre-headless")


def _fetch(folder: Path) -> None:
    maven = _tool("mvn", "Apache Maven", "maven")
    options = ["-q", "-B", "-f", str(POM), f"-DoutputDirectory={folder}"]
    fetched = subprocess.run(
        [maven, *options, "dependency:copy-dependencies"],
        cwd=folder.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_INSTALL_SECONDS_MAX,
    )
    if fetched.returncode != 0:
        raise PartMissing(
            f"Maven could not fetch Apache Kafka:\n{fetched.stdout[-2000:]}{fetched.stderr[-2000:]}",
            where=str(POM),
            remedy="Look at the network and at Maven's settings.xml, then try again.",
        )


def _tool(name: str, what: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise PartMissing(
            f"Apache Kafka needs {what}: there is no `{name}` on the PATH",
            remedy=f"Install it (Debian, Ubuntu: apt-get install {package}), or use the broker that needs no Java.",
        )
    return path
