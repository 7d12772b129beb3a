"""What the README shows can be run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_example_in_memory_prints_what_its_comment_says():
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert ran.stdout.strip() == code.rstrip().rpartition("# ")[2]


def test_every_page_that_is_linked_is_there():
    links = re.findall(r"\]\(([^)#]+)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_that_is_shown_is_one():
    shown = re.findall(r"^foliot ((?:db |channel |dead-letters )?[a-z-]+)", README, re.MULTILINE)
    listed = (ROOT / "docs" / "cli.md").read_text()

    assert shown
    assert [command for command in shown if f"foliot {command}" not in listed] == []


def test_every_invariant_that_the_demo_shows_is_one_that_the_checker_has():
    shown = re.findall(r"^green  (I\d+) (.+?)  ", README, re.MULTILINE)
    checker = "".join(file.read_text() for file in (ROOT / "tests" / "checker").rglob("*.py"))

    assert shown
    assert [name for _, name in shown if name not in checker] == []
