"""Two servers of a checkout of the project, over a database and a data folder for this run only."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import psycopg
from psycopg import sql

START_S = 180.0
SAMPLE_EVERY_S = 0.1
MB = 2**20
RESET_PEAK = "5"

# Runs in the project under attack: it may be an older one, so it uses little of it.
SEED = """
import json, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("seed_demo", json=True, skip_checks=True)
from accounts.models import User
from accounts.services import tokens_issue
from catalog.models import Product
from django.conf import settings
def token(name, role="user"):
    return tokens_issue(User.objects.create_user(name, role=role)).access
doomed = Product.objects.bulk_create([Product(name=f"Doomed {n}", price=1) for n in range(DOOMED)])
print()
print(json.dumps({
    "bystander": token("bystander"),
    "admin": token("attacking-admin", "admin"),
    "attackers": [token(f"attacker-{n}") for n in range(ATTACKERS)],
    "products": [str(pk) for pk in Product.objects.exclude(images=None).values_list("pk", flat=True)],
    "doomed": [str(product.pk) for product in doomed],
    "frames": str(settings.MEDIA_ROOT / "demo"),
}))
"""
ATTACKERS, DOOMED = 60, 240


def port_free() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerFailed(Exception):
    """A server, or what it needs, did not start; the message says why."""


@dataclass
class Growth:
    """How much a server grew since `watched` began, at the peak."""

    memory_mb: float = 0.0
    disk_mb: float = 0.0


@dataclass
class Server:
    """One process of the shop."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def memory_mb(self, entry: str = "VmRSS") -> float:
        """Return the resident memory of the process, or its peak (`VmHWM`)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{entry}:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0

    def disk_mb(self) -> float:
        """Return the size of the temporary files that the process holds open, deleted ones included."""
        size = 0
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(OSError):
                if "(deleted)" in str(entry.readlink()):
                    size += entry.stat().st_size
        return size / MB

    @contextmanager
    def watched(self) -> Iterator[Growth]:
        """Measure how much the process grows."""
        growth, stopped = Growth(), threading.Event()
        with suppress(OSError):
            Path(f"/proc/{self.process.pid}/clear_refs").write_text(RESET_PEAK)
        memory_mb, disk_mb = self.memory_mb(), self.disk_mb()

        def sample() -> None:
            while not stopped.wait(SAMPLE_EVERY_S):
                with suppress(OSError):
                    growth.disk_mb = max(growth.disk_mb, self.disk_mb() - disk_mb)

        sampler = threading.Thread(target=sample, daemon=True)
        sampler.start()
        try:
            yield growth
        finally:
            stopped.set()
            sampler.join()
            with suppress(OSError):
                growth.memory_mb = self.memory_mb("VmHWM") - memory_mb


@dataclass
class Shop:
    """Two servers and what is in their shop."""

    servers: list[Server]
    database_url: str
    seeded: dict[str, Any]
    folder: Path
    command: Sequence[str]
    environment: dict[str, str]
    project: Path
    python: str
    restarts: int = field(default=0)

    def ready(self, timeout_s: float = START_S) -> bool:
        """Wait until every server answers and has loaded its engine."""
        deadline_s = time.monotonic() + timeout_s
        return all(self._ready(server, deadline_s) for server in self.servers)

    def _ready(self, server: Server, deadline_s: float) -> bool:
        while time.monotonic() < deadline_s and server.process.poll() is None:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{server.port}/readyz", timeout=5):
                return True
            time.sleep(0.2)
        return False

    def restart(self) -> None:
        """Start the servers anew, as an attack left them unable to answer."""
        self.restarts += 1
        self.stop()
        self.start()

    def start(self) -> None:
        """Start both servers, or raise `ServerFailed`."""
        for _ in range(2):
            port = port_free()
            log = self.folder / f"server-{port}.log"
            command = [
                self.python,
                "-m",
                *self.command,
                "-b",
                "127.0.0.1",
                "-p",
                str(port),
                "ebrcs.asgi:application",
            ]
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command, cwd=self.project, env=self.environment, stdout=output, stderr=subprocess.STDOUT
                )
            self.servers.append(Server(port, process, log))
        if not self.ready():
            raise ServerFailed("\n".join(server.log.read_text()[-2000:] for server in self.servers))

    def stop(self) -> None:
        """Stop both servers."""
        for server in self.servers:
            server.process.kill()
            server.process.wait()
        self.servers.clear()


@contextmanager
def shop_open(project: Path, database_url: str, redis_url: str) -> Iterator[Shop]:
    """Open a seeded shop with two servers of a checkout, and remove every trace of it afterwards."""
    name = f"ebrcs_under_attack_{os.getpid()}"
    address = urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
    options, proxies = deployment(project)
    own = project / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    with tempfile.TemporaryDirectory(prefix="ebrcs-attack-") as folder, database(database_url, name):
        data_dir = Path(folder) / "data"
        data_dir.mkdir()
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("EBRCS_")},
            "DJANGO_SETTINGS_MODULE": "ebrcs.settings",
            "DATABASE_URL": address,
            "REDIS_URL": redis_url,
            "EBRCS_DATA_DIR": str(data_dir),
            "EBRCS_ENCODER": "compact",
            "EBRCS_PROXIES": proxies,
            "TMPDIR": folder,
            "PYTHONPATH": str(project),
        }
        script = SEED.replace("DOOMED)", f"{DOOMED})").replace("ATTACKERS)", f"{ATTACKERS})")
        seeding = subprocess.run(
            [python, "-c", script], cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        if seeding.returncode:
            raise ServerFailed(f"The shop could not be seeded:\n{seeding.stderr[-3000:]}")
        seeded = json.loads(seeding.stdout.splitlines()[-1])
        shop = Shop([], address, seeded, Path(folder), ["daphne", *options], environment, project, python)
        try:
            shop.start()
            yield shop
        finally:
            shop.stop()


@contextmanager
def database(database_url: str, name: str) -> Iterator[None]:
    """Make a database, and drop it."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def deployment(project: Path) -> tuple[list[str], str]:
    """Return daphne's options and the number of proxies, as the project says to deploy it by hand."""
    document = project / "DEPLOYMENT.md"
    text = document.read_text().replace("\\\n", " ") if document.exists() else ""
    found = re.search(r"^daphne (.+?) ebrcs\.asgi:application", text, re.MULTILINE)
    options = shlex.split(found[1]) if found else []
    # Host and port are this run's own.
    options = shlex.split(re.sub(r"(^|\s)-[bp] \S+", " ", shlex.join(options)))
    block = text[: found.start()].rpartition("```")[2] if found else ""
    proxies = re.search(r"EBRCS_PROXIES=(\d+)", block)
    return options, proxies[1] if proxies else "0"
