"""From a ready branch to a pull request: pushed where there is a remote, opened where there is a forge."""

from typing import NamedTuple

from neuromosaic.delivery.pull_requests.branches import push
from neuromosaic.delivery.pull_requests.proposing import Prepared, Wanted


class Published(NamedTuple):
    """`url` None: no pull request, for the reason in `notes`. `pushed`: whether the remote has the branch."""

    branch: str
    commit: str
    pushed: bool
    url: str | None
    notes: tuple[str, ...]


def publish(prepared: Prepared, wanted: Wanted, forge: str | None) -> Published:
    """Pushes; never opens a second pull request for a run."""
    planned, commit = prepared.plan, prepared.commit
    repository, branch = planned.repository, planned.branch
    notes = prepared.told.notes
    if repository.remote is None or not planned.base.reached:
        why = "The branch stays here." if repository.remote else "There is no remote: the branch stays here."
        return Published(branch.name, commit, False, None, (*notes, why))
    if branch.remote != commit:
        push(repository, branch, commit, {})
    return Published(branch.name, commit, True, None, notes)
