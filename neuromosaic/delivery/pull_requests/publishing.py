"""From a ready branch to a pull request: pushed where there is a remote, opened where there is a forge."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from neuromosaic.core.errors import ForgeError
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.body import body, mark, marked
from neuromosaic.delivery.pull_requests.branches import Repository, open_repository, push
from neuromosaic.delivery.pull_requests.checking import Suite
from neuromosaic.delivery.pull_requests.cloning import at_hand, forget, is_address
from neuromosaic.delivery.pull_requests.forges.address import Address, Kind, kind_of, read_address
from neuromosaic.delivery.pull_requests.forges.gitea import Gitea
from neuromosaic.delivery.pull_requests.forges.github import GitHub
from neuromosaic.delivery.pull_requests.forges.gitlab import GitLab
from neuromosaic.delivery.pull_requests.forges.protocol import Forge, Found, Text
from neuromosaic.delivery.pull_requests.forges.tokens import Token, askpass, find_token, hint
from neuromosaic.delivery.pull_requests.git import Git
from neuromosaic.delivery.pull_requests.proposing import Prepared, Wanted, patch, prepare

CLONES = "clones"
"""Folder in the store for repositories that were named by an address."""

Choice = Literal["github", "gitlab", "gitea", "none"]
_FORGES: dict[Kind, Callable[[Address, Token], Forge]] = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}


class Connection(NamedTuple):
    """A repository that git can push from, and the forge behind its remote; None for the reason in `why`."""

    repository: Repository
    forge: Forge | None
    why: str = ""


class Published(NamedTuple):
    """`url` None: no pull request, for a reason in `notes`. `pushed`: whether the remote has the branch.

    `patch`: the file that holds it; `changed`: whether the branch was made or moved.
    """

    branch: str
    commit: str
    pushed: bool
    url: str | None
    notes: tuple[str, ...]
    patch: str = ""
    changed: bool = True


def open_pull_request(
    material: Material, where: str, wanted: Wanted, suite: Suite, store: Path, choice: Choice | None = None
) -> Published:
    """The whole way: branch, patch file, push, pull request. `where`: a folder, or an address to clone from; `store`
    is for clones and patches. `suite` runs tests behind the boundary.

    Raises UsageError, RepositoryError or ForgeError; what was reached by then stays, and the same call goes on.
    """
    with connected(where, store, choice) as connection:
        prepared = prepare(material, connection.repository, wanted, suite)
        file = _keep_patch(store / "patches", prepared)
        published = publish(prepared, wanted, connection)
        if published.pushed:
            forget(connection.repository.git.folder, store / CLONES)
        return published._replace(patch=str(file), changed=prepared.changed)


def _keep_patch(patches: Path, prepared: Prepared) -> Path:
    """Before anything is pushed: whatever the network does, the work is there."""
    file = patches / f"{prepared.plan.branch.name.replace('/', '-')}.patch"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(patch(prepared))
    return file


@contextmanager
def connected(where: str, store: Path, choice: Choice | None = None) -> Iterator[Connection]:
    """The repository at `where`, with the token that its remote needs where one is known."""
    with at_hand(where, store / CLONES, _kind(read_address(where), choice)) as folder:
        repository = open_repository(folder)._replace(cloned=is_address(where))
        with _connection(repository, choice) as connection:
            yield connection


@contextmanager
def _connection(repository: Repository, choice: Choice | None) -> Iterator[Connection]:
    url = repository.git.ask("remote", "get-url", "--push", repository.remote) if repository.remote else None
    address = read_address(url) if url else None
    kind = _kind(address, choice)
    token = find_token(kind, address) if address and kind else None
    if address is None or kind is None or token is None:
        yield Connection(repository, None, _why(repository, address, kind, choice))
        return
    forge = _FORGES[kind](address, token)
    if not address.by_http:
        yield Connection(repository, forge)
        return
    with askpass(kind, address, token) as environment:
        git = Git(repository.git.folder, environment)
        yield Connection(repository._replace(git=git), forge)


def _kind(address: Address | None, choice: Choice | None) -> Kind | None:
    if address is None or choice == "none":
        return None
    return choice or kind_of(address)


def _why(repository: Repository, address: Address | None, kind: Kind | None, choice: Choice | None) -> str:
    if repository.remote is None:
        return "There is no remote: the branch stays here, and the patch file holds it."
    if choice == "none":
        return "No pull request, as was asked for."
    if address is None:
        return f"{repository.remote} is no forge's address: open the pull request where it is kept."
    if kind is None:
        return f"It is not known what {address.host} runs: say --forge github, gitlab or gitea for a pull request."
    return f"There is no token for {address.host}, so that no pull request was opened: {hint(kind, address.host)}."


def publish(prepared: Prepared, wanted: Wanted, connection: Connection) -> Published:
    """Pushes, and opens a pull request or brings the one there is up to date: never a second one for a run.

    Raises RepositoryError or ForgeError where either is refused; the branch is ready then all the same.
    """
    planned, notes = prepared.plan, prepared.told.notes
    branch, forge = planned.branch, connection.forge
    if not planned.base.reached:
        why = connection.why or "The branch stays here until the remote is reached: run the same command then."
        return Published(branch.name, prepared.commit, False, None, (*notes, why))
    if branch.remote != prepared.commit:
        push(planned.repository, branch, prepared.commit, lfs=planned.place.weights.by_lfs)
    if forge is None:
        return Published(branch.name, prepared.commit, True, None, (*notes, connection.why))
    try:
        found, more = _pull_request(forge, prepared, wanted)
    except ForgeError as error:
        raise ForgeError(f"{error}; branch {branch.name} is pushed, and the same command tries again") from None
    return Published(branch.name, prepared.commit, True, found.url, (*notes, *more))


def _pull_request(forge: Forge, prepared: Prepared, wanted: Wanted) -> tuple[Found, list[str]]:
    planned, run = prepared.plan, prepared.told.material.results.run
    links = {str(path): forge.raw(planned.branch.name, str(path)) for path in planned.place.files}
    text = Text(planned.title, body(prepared.told._replace(links=links)), draft=not wanted.ready)
    known = _known(forge, planned.branch.name, run)
    if known is None:
        return _created(forge, prepared, text)
    if known.state != "open":
        raise ForgeError(
            f"{known.url} was {known.state} meanwhile: reopen it, or name another branch with --branch for a new one"
        )
    kept = known.body.partition(mark(run))[2]
    updated = forge.update(known, text._replace(body=text.body.rstrip("\n") + (kept or "\n")))
    still = [f"{updated.url} is still a draft: make it ready there."] if wanted.ready and updated.draft else []
    return updated, still


def _created(forge: Forge, prepared: Prepared, text: Text) -> tuple[Found, list[str]]:
    planned = prepared.plan
    made = forge.create(planned.branch.name, planned.base.name, text)
    unlike = text.draft and not made.draft
    return made, ["The project has no drafts: it was opened as ready."] if unlike else []


def _known(forge: Forge, branch: str, run: str) -> Found | None:
    """The pull request of the branch, an open one first. One of this run from another branch is told."""
    of_branch = sorted(forge.of_branch(branch), key=lambda found: (found.state != "open", -found.number))
    if of_branch:
        return of_branch[0]
    for other in forge.open_ones():
        if marked(other.body) == run:
            raise ForgeError(
                f"run {run} has a pull request already, {other.url}: --branch {other.head} brings it up to date"
            )
    return None
