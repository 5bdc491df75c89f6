"""Forges on 127.0.0.1: git over smart HTTP behind a password, and the REST APIs of pull requests.

GitHub's requests and responses are held against its published description; GitLab's and Gitea's follow their
documentation.
"""

import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.delivery.pull_requests.described import Description

TOKEN = "t0ken-of-ada"
LIST, ONE = "/repos/{owner}/{repo}/pulls", "/repos/{owner}/{repo}/pulls/{pull_number}"


class Forge:
    """What the server holds. `faults`: answers (status, headers, document) that come before any other, in order;
    `seen`: all requests to the API; `token`: what is accepted now."""

    def __init__(self, projects: Path) -> None:
        self.projects, self.token = projects, TOKEN
        self.pulls: list[dict[str, Any]] = []
        self.faults: list[tuple[int, dict[str, str], Any]] = []
        self.seen: list[tuple[str, str, Any]] = []
        self.drafts = True
        self.description = Description()
        self.address = ""
        self.large: dict[str, bytes] = {}  # what Git LFS keeps, by SHA-256
        self.requests, self.client = 0, None  # so far; the process group that sends them
        self.kill_at: tuple[int | str, str] | None = None  # the number of a request, or its method and path

    def remote(self, project: str = "acme/vision") -> str:
        """The address of a new, empty bare repository."""
        bare = self.projects / f"{project}.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True)
        subprocess.run(["git", "-C", str(bare), "config", "http.receivepack", "true"], check=True)
        return f"http://{self.address}/{project}.git"

    def head(self, branch: str, project: str = "acme/vision") -> str | None:
        bare = self.projects / f"{project}.git"
        done = subprocess.run(
            ["git", "-C", str(bare), "rev-parse", "-q", "--verify", branch],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() or None

    def branches(self, project: str = "acme/vision") -> list[str]:
        return self._git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", project=project).splitlines()

    def commits(self, base: str, branch: str, project: str = "acme/vision") -> int:
        return int(self._git("rev-list", "--count", f"{base}..{branch}", project=project))

    def forget(self, branch: str, project: str = "acme/vision") -> None:
        """As if nobody had ever pushed it, and proposed nothing."""
        self._git("update-ref", "-d", f"refs/heads/{branch}", project=project)
        self.pulls, self.requests = [], 0

    def _git(self, *arguments: str, project: str) -> str:
        command = ["git", "-C", str(self.projects / f"{project}.git"), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def moment(self, when: str, request: str) -> None:
        """Kills whoever sends the request, where it is the time for that."""
        if self.client is not None and self.kill_at in {(self.requests, when), (request, when)}:
            os.killpg(self.client, signal.SIGKILL)

    # ------------------------------------------------------------ the APIs

    def github(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        template = ONE if re.search(r"/pulls/\d+$", path) else LIST
        self.description.check_request(template, method, query, body)
        status, document = self._github(method, path, query, body)
        self.description.check_response(template, method, status, document)
        return status, document

    def _github(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            head = query.get("head", "").partition(":")[2]
            return 200, [
                self._github_pull(pull, "pull-request-simple") for pull in self._chosen(query["state"], head)
            ]
        if method == "PATCH":
            pull = self.pulls[int(path.rpartition("/")[2]) - 1]
            pull.update(title=body["title"], body=body["body"])
            return 200, self._github_pull(pull, "pull-request")
        if body["draft"] and not self.drafts:
            error = "Draft pull requests are not supported in this repository."
            return 422, {
                "message": "Validation Failed",
                "documentation_url": "",
                "errors": [{"message": error, "code": "custom"}],
            }
        pull = self._opened(body["title"], body["body"], body["head"], body["base"], body["draft"])
        return 201, self._github_pull(pull, "pull-request")

    def _github_pull(self, pull: dict[str, Any], schema: str) -> dict[str, Any]:
        sample = self.description.sample(schema)
        merged = "2026-01-01T00:00:00Z" if pull["state"] == "merged" else None
        sample.update(
            number=pull["number"], html_url=f"http://{self.address}/acme/vision/pull/{pull['number']}",
            state="open" if pull["state"] == "open" else "closed", merged_at=merged, title=pull["title"],
            body=pull["body"], draft=pull["draft"],
        )  # fmt: skip
        sample["head"]["ref"], sample["base"]["ref"] = pull["head"], pull["base"]
        return sample

    def gitlab(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """https://docs.gitlab.com/api/merge_requests"""
        assert path.startswith("/projects/acme%2Fvision/merge_requests")
        if method == "GET":
            state = {"opened": "open", "all": "all"}[query["state"]]
            return 200, [self._merge_request(pull) for pull in self._chosen(state, query.get("source_branch", ""))]
        if method == "PUT":
            pull = self.pulls[int(path.rpartition("/")[2]) - 1]
            pull.update(title=body["title"], body=body["description"])
            return 200, self._merge_request(pull)
        assert set(body) == {"source_branch", "target_branch", "title", "description"}
        if self._chosen("open", body["source_branch"]):
            return 409, {"message": ["Another open merge request already exists for this source branch: !1"]}
        pull = self._opened(body["title"], body["description"], body["source_branch"], body["target_branch"], False)
        return 201, self._merge_request(pull)

    def _merge_request(self, pull: dict[str, Any]) -> dict[str, Any]:
        return {
            "iid": pull["number"], "web_url": f"http://{self.address}/acme/vision/-/merge_requests/{pull['number']}",
            "state": {"open": "opened"}.get(pull["state"], pull["state"]), "source_branch": pull["head"],
            "target_branch": pull["base"], "title": pull["title"], "description": pull["body"],
            "draft": pull["title"].startswith("Draft: "),
        }  # fmt: skip

    def gitea(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """https://docs.gitea.com/api, "repository" -> "pulls"."""
        if method == "GET":
            start = (int(query["page"]) - 1) * int(query["limit"])
            chosen = self._chosen(query["state"], "")[start : start + int(query["limit"])]
            return 200, [self._gitea_pull(pull) for pull in chosen]
        if method == "PATCH":
            pull = self.pulls[int(path.rpartition("/")[2]) - 1]
            pull.update(title=body["title"], body=body["body"])
            return 201, self._gitea_pull(pull)
        assert set(body) == {"head", "base", "title", "body"}
        pull = self._opened(body["title"], body["body"], body["head"], body["base"], False)
        return 201, self._gitea_pull(pull)

    def _gitea_pull(self, pull: dict[str, Any]) -> dict[str, Any]:
        return {
            "number": pull["number"], "html_url": f"http://{self.address}/acme/vision/pulls/{pull['number']}",
            "state": "open" if pull["state"] == "open" else "closed", "merged": pull["state"] == "merged",
            "head": {"ref": pull["head"]}, "base": {"ref": pull["base"]}, "title": pull["title"],
            "body": pull["body"], "draft": pull["title"].startswith("WIP: "),
        }  # fmt: skip

    def _chosen(self, state: str, head: str) -> list[dict[str, Any]]:
        """The latest first."""
        kept = [pull for pull in self.pulls if state == "all" or (pull["state"] == "open") == (state == "open")]
        return [pull for pull in reversed(kept) if not head or pull["head"] == head]

    def _opened(self, title: str, body: str, head: str, base: str, draft: bool) -> dict[str, Any]:
        assert self.head(head), "the branch must be pushed first"
        pull = {
            "number": len(self.pulls) + 1, "title": title, "body": body, "head": head, "base": base, "draft": draft,
            "state": "open",
        }  # fmt: skip
        self.pulls.append(pull)
        return pull


@contextmanager
def serving(projects: Path) -> Iterator[Forge]:
    forge = Forge(projects)
    server = _Server(("127.0.0.1", 0), _handler(forge))
    forge.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"forge": forge})


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    forge: Forge
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self) -> None:
        apis = {"/api/v3": self.forge.github, "/api/v4": self.forge.gitlab, "/api/v1": self.forge.gitea}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.forge.requests += 1
        self.forge.moment("before", f"{self.command} {self.path}")
        if self.path[:7] in apis:
            self._api(apis[self.path[:7]], body)
        else:
            self._git(body)

    do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the names that the base class calls

    def _api(self, api: Any, body: bytes) -> None:
        forge, parts, document = self.forge, urlsplit(self.path[7:]), json.loads(body) if body else None
        forge.seen.append((self.command, self.path, document))
        if forge.faults:
            self._reply(*forge.faults.pop(0))
        elif self.headers.get("Authorization", "").split(" ")[-1] != forge.token:
            self._reply(401, {}, {"message": "Bad credentials"})
        else:
            status, said = api(self.command, parts.path, dict(parse_qsl(parts.query)), document)
            self._reply(status, {}, said)

    def _reply(self, status: int, headers: dict[str, str], document: Any) -> None:
        self.forge.moment("after", f"{self.command} {self.path}")
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        usual = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _git(self, body: bytes) -> None:
        """git-http-backend(1), behind a password that is the token."""
        said = self.headers.get("Authorization", "").partition("Basic ")[2]
        if base64.b64decode(said).decode().partition(":")[2] != self.forge.token:
            self._reply(401, {"WWW-Authenticate": 'Basic realm="forge"'}, {})
            return
        if "/info/lfs/" in self.path:
            self._large(body)
            return
        parts = urlsplit(self.path)
        variables = {
            "GIT_PROJECT_ROOT": str(self.forge.projects), "GIT_HTTP_EXPORT_ALL": "1", "QUERY_STRING": parts.query,
            "PATH_INFO": unquote(parts.path), "REQUEST_METHOD": self.command, "REMOTE_USER": "ada",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        command = ["git", "http-backend"]
        done = subprocess.run(command, input=body, env=os.environ | variables, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        self._reply(status, headers, content)

    def _large(self, body: bytes) -> None:
        """https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md, uploads alone."""
        before, _, rest = self.path.partition("/info/lfs/")
        kind = {"Content-Type": "application/vnd.git-lfs+json"}
        if self.command == "PUT":
            assert hashlib.sha256(body).hexdigest() == rest.rpartition("/")[2]
            self.forge.large[rest.rpartition("/")[2]] = body
            self._reply(200, {}, {})
        elif rest == "objects/batch":
            asked = json.loads(body)
            base = f"http://{self.forge.address}{before}/info/lfs/store"
            objects = [
                {**one, "actions": {"upload": {"href": f"{base}/{one['oid']}"}}}
                if one["oid"] not in self.forge.large else one
                for one in asked["objects"]
            ]  # fmt: skip
            self._reply(200, kind, {"transfer": "basic", "objects": objects})
        else:
            self._reply(404, kind, {"message": "no locks here"})
