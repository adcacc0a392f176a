"""Models from a Hub, with a stand-in for it on this machine: what is fetched, what is cached, what is said."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Tiny = Callable[[str], Path]

NAME = "acme/tiny-bert"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

_LOAD = """
import sys
from tunewell.core.errors import ModelError
from tunewell.models.locate import locate
for name in sys.argv[1:]:
    try:
        folder = locate(name)
        print("files", *sorted(path.name for path in folder.iterdir()))
    except ModelError as error:
        print(error.exit_code, " ".join(str(error).split()))
"""


class Hub:
    """The few answers that `snapshot_download` needs, for the files of one folder."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.requests: list[str] = []
        self.broken = False
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(body=False)

            def do_GET(self) -> None:
                self.answer(body=True)

            def answer(self, body: bool) -> None:
                hub.requests.append(f"{self.command} {self.path}")
                path = self.path.partition("?")[0]
                info = f"/api/models/{NAME}"
                if path in (info, f"{info}/revision/main", f"{info}/revision/{COMMIT}"):
                    return self.send(_info(files), "application/json", body)
                if path == f"{info}/tree/{COMMIT}":
                    return self.send(_tree(files), "application/json", body)
                for name, content in files.items():
                    if path.endswith(f"/{NAME}/resolve/{COMMIT}/{name}"):
                        return self.send(content, "application/octet-stream", body)
                self.send(b"{}", "application/json", body, status=404)

            def send(self, content: bytes, kind: str, body: bool, status: int = 200) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("X-Repo-Commit", COMMIT)
                if status == 404:
                    self.send_header("X-Error-Code", "RepoNotFound")
                self.end_headers()
                if body:
                    cut = hub.broken and kind == "application/octet-stream"
                    self.wfile.write(content[: len(content) // 2] if cut else content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _info(files: dict[str, bytes]) -> bytes:
    siblings = [{"rfilename": name, "size": len(content)} for name, content in files.items()]
    return json.dumps({"id": NAME, "modelId": NAME, "sha": COMMIT, "siblings": siblings}).encode()


def _tree(files: dict[str, bytes]) -> bytes:
    entries = [
        {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
        for name, content in files.items()
    ]
    return json.dumps(entries).encode()


@pytest.fixture
def hub(tiny: Tiny) -> Iterator[Hub]:
    files = {path.name: path.read_bytes() for path in tiny("bert").iterdir()}
    hub = Hub({**files, "pytorch_model.bin": b"a pickle", "evil_code.py": b"1/0", "tf_model.h5": b"x"})
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


def load(cache: Path, url: str, *names: str, offline: bool = False) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= {"HF_ENDPOINT": url, "HF_HOME": str(cache), "HF_HUB_ETAG_TIMEOUT": "5"}
    environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment["HF_HUB_OFFLINE"] = "1" if offline else "0"
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, *names],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_model_is_fetched_once_and_then_found_offline(hub: Hub, tmp_path: Path, tiny: Tiny) -> None:
    wanted = "files " + " ".join(sorted(path.name for path in tiny("bert").iterdir()))
    assert load(tmp_path, hub.url, NAME) == [wanted]  # neither the pickle nor the code
    assert not any(".bin" in request or ".py" in request for request in hub.requests)
    hub.requests.clear()
    assert load(tmp_path, hub.url, NAME, offline=True) == [wanted]
    assert hub.requests == []
    hub.server.shutdown()
    hub.server.server_close()
    assert load(tmp_path, hub.url, NAME) == [wanted]  # and when the Hub is down


def test_what_is_not_there_is_said_with_a_remedy(hub: Hub, tmp_path: Path) -> None:
    unknown, *_ = load(tmp_path, hub.url, "acme/none")
    assert unknown.startswith("4 the Hub has no model 'acme/none'")
    assert "--model minilm" in unknown
    (offline,) = load(tmp_path, hub.url, NAME, offline=True)
    assert offline.startswith(f"4 model '{NAME}' is not in the local cache and the Hub cannot be reached")
    assert "go online once, or use a model pack" in offline


def test_a_broken_download_is_no_model(hub: Hub, tmp_path: Path, tiny: Tiny) -> None:
    hub.broken = True
    (said,) = load(tmp_path, hub.url, NAME)
    assert said.startswith("4 ")
    (offline,) = load(tmp_path, hub.url, NAME, offline=True)
    assert offline.startswith("4 ")
    hub.broken = False
    assert load(tmp_path, hub.url, NAME)[0].startswith("files ")
