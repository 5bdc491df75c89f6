"""The commit: its message in the repository's manner, its trailers by which it is known again."""

import re

from neuromosaic.core.errors import RepositoryError
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.narration import number
from neuromosaic.delivery.pull_requests.git import Git, Said
from neuromosaic.delivery.pull_requests.habits import Manners
from neuromosaic.delivery.text import headline, measure, primary, words

RUN = "Neuromosaic-Run"
CANDIDATE = "Neuromosaic-Candidate"
_WIDTH = 72
_NOBODY = re.compile(r"tell me who you are|unable to auto-detect email|empty ident|user\.useConfigOnly")
_SIGNING = re.compile(r"gpg failed to sign|failed to sign|ssh-keygen", re.IGNORECASE)


def subject(material: Material, what: str, manners: Manners) -> str:
    """ "feat: add digits network (accuracy 0.9861)", or "Add digits network ..." where that is the habit."""
    best, metric = material.candidate, primary(material.results)
    figure = f"{words(metric)} {measure(best.metrics.get(f'test_{metric}'))}"
    text = f"{what} ({figure}, {number(best.parameters)} parameters)"
    plain = text[0].upper() + text[1:] if manners.capital else text
    line = f"feat: {text}" if manners.conventional else plain
    return line if len(line) <= _WIDTH else f"{line.partition(' (')[0]}"[:_WIDTH]


def message(material: Material, what: str, manners: Manners) -> str:
    """Subject, the answer in a sentence, what was asked, and the trailers."""
    from textwrap import fill

    asked = " ".join(material.results.brief.sentence.split())
    paragraphs = [subject(material, what, manners), fill(headline(material.results), _WIDTH)]
    paragraphs += [fill(f"Asked for: {asked}", _WIDTH)] if asked else []
    trailers = f"{RUN}: {material.results.run}\n{CANDIDATE}: {material.candidate.id}"
    return "\n\n".join([*paragraphs, trailers]) + "\n"


def commit(git: Git, text: str, manners: Manners) -> str:
    """Commits what is staged, with the user's identity, hooks and signing; the new commit.

    A hook that mends files (a formatter) is obeyed once: what it changed of ours is staged, and it is asked again.
    """
    sign_off = ["--signoff"] if manners.sign_off else []
    arguments = ["commit", "--cleanup=whitespace", "-m", text, *sign_off]
    said = git.try_to(*arguments)
    if said.code and (mended := _mended(git)):
        git("add", "--", *mended)
        said = git.try_to(*arguments)
    if said.code:
        raise RepositoryError(_refusal(said))
    return git("rev-parse", "HEAD")


def _mended(git: Git) -> list[str]:
    """Staged files that now differ in the folder."""
    staged = set(git("diff", "--cached", "--name-only", "-z").split("\0")) - {""}
    changed = set(git("diff", "--name-only", "-z").split("\0"))
    return sorted(staged & changed)


def _refusal(said: Said) -> str:
    words = f"{said.out}\n{said.err}"
    if _NOBODY.search(words):
        return "git does not know who commits: git config --global user.name '...' and user.email '...'"
    if _SIGNING.search(words):
        return f"the commit could not be signed ({said.why}): unlock the key that git config user.signingKey names"
    return f"the commit was refused, by a hook of the repository as it seems: {said.why}"
