"""A local server that answers the few requests of a download as the hub does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """What the hub holds and how it misbehaves.

    Attributes
    ----------
    repos : files by repository and name
    gated : repositories whose files need ``token``
    damaged : files sent with their last byte changed
    status, message : answer everything with these instead
    claimed_size : the size of every file, in bytes, as the listing tells it
    requests : "METHOD path" of everything asked
    """

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    damaged: set[str] = field(default_factory=set)
    token: str = "hf_good"
    status: int | None = None
    message: str = ""
    claimed_size: int | None = None
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def downloads(self) -> list[str]:
        """Names of the files whose bytes were sent."""
        return [
            each.rpartition("/")[2]
            for each in self.requests
            if each.startswith("GET") and "/resolve/" in each
        ]


class HubServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: FakeHub) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = hub
        hub.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.server.hub
        path = unquote(urlsplit(self.path).path)
        hub.requests.append(f"{self.command} {path}")
        if hub.status is not None:
            return self._send(hub.status, b"{}", {"X-Error-Message": hub.message} if hub.message else None)
        if path.startswith("/api/models/"):
            return self._listing(path.removeprefix("/api/models/"))
        repo, _, rest = path.removeprefix("/").partition("/resolve/")
        return self._file(repo, rest.partition("/")[2])

    def _listing(self, repo: str) -> None:
        hub = self.server.hub
        if repo not in hub.repos:
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        siblings = [_sibling(name, content, hub.claimed_size) for name, content in hub.repos[repo].items()]
        body = json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode()
        return self._send(200, body, {"Content-Type": "application/json"})

    def _file(self, repo: str, name: str) -> None:
        hub = self.server.hub
        if repo in hub.gated and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        content = hub.repos.get(repo, {}).get(name)
        if content is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        etag = hashlib.sha256(content).hexdigest()
        if name in hub.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        return self._send(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    server = HubServer(hub)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _sibling(name: str, content: bytes, claimed_size: int | None) -> dict[str, object]:
    size = len(content) if claimed_size is None else claimed_size
    facts: dict[str, object] = {"rfilename": name, "size": size}
    if name.endswith((".safetensors", ".bin")):
        digest = hashlib.sha256(content).hexdigest()
        return {**facts, "blobId": "0" * 40, "lfs": {"size": size, "sha256": digest, "pointerSize": 134}}
    git = hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False)
    return {**facts, "blobId": git.hexdigest()}
