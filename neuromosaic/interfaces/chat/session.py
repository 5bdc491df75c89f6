"""The conversation: each message is answered, or changes the run; the terminal is someone else's matter."""

import shutil
from collections.abc import Callable
from pathlib import Path

from neuromosaic.agents.intake import read_brief
from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import NeuromosaicError, UsageError
from neuromosaic.core.proposals import BriefDraft
from neuromosaic.core.results import Results
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.core.store.store import Store
from neuromosaic.delivery.text import verdict_lines
from neuromosaic.interfaces.chat import answers, commands
from neuromosaic.interfaces.chat.changes import Changing, forked
from neuromosaic.interfaces.chat.reading import read
from neuromosaic.interfaces.chat.wishes import (
    Amend,
    Export,
    Order,
    Question,
    Unclear,
    UseModel,
    Wish,
)
from neuromosaic.interfaces.chat.work import Work
from neuromosaic.interfaces.settings import ROLES, roles_of
from neuromosaic.workflows import forking, runs
from neuromosaic.workflows.bench import Observer, Workbench
from neuromosaic.workflows.options import Options

Say = Callable[[str], None]
WHICH_DATA = "Which data is it for? Name a file, a folder, module:function or a built-in set."
SHALL_I = "Shall I begin? Say yes, or what should be different."


class Session:
    """One person's conversation about one run at a time: `run` is None until something is wanted.

    `say` shows a message; `observe` is told of the run's progress. `patient`: a message that starts work is
    answered only once the work has ended (a script's way); else the conversation goes on meanwhile.
    """

    def __init__(
        self, store: Store, options: Options, say: Say, observe: Observer, *, run: str | None = None, patient: bool
    ) -> None:
        self.store, self.run = store, store.run(run).id if run else None
        self._options = options
        self._show = say
        self._patient = patient
        self._work = Work(store, observe, self._ended)

    @property
    def busy(self) -> bool:
        return self._work.busy

    def greet(self) -> None:
        """What was said before, and where things stand."""
        if self.run is None:
            self._show("Say what network you need, and for which data. /help lists what I understand.")
            return
        for who, text in said_before(self.store, self.run):
            self._show(f"{'> ' if who == 'person' else ''}{text}")
        self._show(answers.status(self.store, self.run))

    def take(self, text: str) -> None:
        """Answers one message; never raises for what a person may type."""
        try:
            if not text.startswith("/"):
                self._note("person", text)
                self._act(self._wish(text), text)
            elif (wish := commands.parse(text)) is not None:
                self._note("person", text)
                self._act(wish, text)
            else:
                self.say(f"There is no command {text.split()[0]}. {commands.overview()}")
        except NeuromosaicError as error:
            self.say(str(error))
        if self._patient:
            self._work.wait()

    def interrupt(self) -> bool:
        """Ctrl-C: the work ends with the best so far, the session stays. False: nothing was at work."""
        if not self.busy:
            return False
        self._work.stop()
        self.say("Stopping with the best so far; the conversation goes on.")
        return True

    def close(self) -> None:
        """Ends the work, if any, and waits for it: it can be resumed."""
        if self.busy:
            self._work.stop()
        self._work.wait()

    def say(self, text: str) -> None:
        self._show(text)
        self._note("chat", text)

    # ------------------------------------------------------------ wishes

    def _wish(self, text: str) -> Wish:
        wish = read(text)
        if (
            self.run
            and isinstance(wish, Unclear)
            and not forking.brief_of(self.store, self.run).data
            and _is_name(text)
        ):
            return Amend(Brief(data=text.strip()))
        return wish

    def _act(self, wish: Wish, text: str) -> None:
        if self.run is None:
            self._without_run(wish, text)
        elif isinstance(wish, Question):
            self.say(self._answer(wish))
        elif isinstance(wish, Order):
            getattr(self, f"_{wish.what}")(self.run)
        elif isinstance(wish, Export):
            self._export(self.run, wish)
        elif isinstance(wish, Unclear):
            self.say(f"I do not understand {_quoted(wish.phrases)}. {commands.overview()}")
        else:
            self._change(self.run, wish)

    def _without_run(self, wish: Wish, text: str) -> None:
        """The first words are the brief, unless they ask for help."""
        if isinstance(wish, Question):
            self.say(
                commands.overview() if wish.subject == "help" else "There is no run yet: say what you need first."
            )
        elif isinstance(wish, UseModel):
            self._choose_model(wish)
        elif isinstance(wish, Amend | Unclear):
            self._open(text)
        else:
            self.say("There is no run yet: say what network you need, and for which data.")

    def _check(self, wish: UseModel) -> None:
        """Raises UsageError where that is no name of a model, or there is no such role, built in or of one's own."""
        from neuromosaic.llm.choose import check_name

        check_name(wish.model)
        agents = self._options.agents
        known = roles_of(Path(agents)) if agents else ROLES
        if wish.role and wish.role not in known:
            raise UsageError(f"there is no role {wish.role!r}: there are {', '.join(known)}")

    def _choose_model(self, wish: UseModel) -> None:
        self._check(wish)
        seats = {**self._options.role_models, wish.role: (wish.model,)} if wish.role else self._options.role_models
        chosen = self._options.models if wish.role else (wish.model,)
        self._options = self._options.model_copy(update={"role_models": seats, "models": chosen})
        self.say(f"{wish.model} it is, for {wish.role or 'all roles'}.")

    def _answer(self, question: Question) -> str:
        assert self.run is not None
        if question.subject == "help":
            return commands.overview()
        if question.subject == "why":
            return answers.why(self.store, self.run, question.about)
        told = {
            "best": answers.best, "status": answers.status, "pareto": answers.pareto, "tests": answers.tests,
            "budget": answers.budget, "brief": answers.brief, "diff": answers.diff, "models": answers.models,
        }  # fmt: skip
        return told[question.subject](self.store, self.run)

    # ------------------------------------------------------------ the brief

    def _open(self, sentence: str) -> None:
        """A new run from the first words; it is stated, and nothing begins before it is approved."""
        run = runs.create(self.store, Brief(sentence=sentence), self._options)
        self.store.set_status(run, "draft")
        self.run = run
        self._note("person", sentence)
        draft = self._read(run, sentence)
        self.store.set_brief(run, draft.brief.model_dump(mode="json"))
        self._state(draft)

    def _read(self, run: str, sentence: str) -> BriefDraft:
        """By whoever sits at Metrics: a model, or the built-in reader."""
        bench = Workbench(self.store, run)
        try:
            return read_brief(bench.client("Metrics"), BriefInputs(sentence=sentence, known=Brief()))
        finally:
            bench.close()

    def _state(self, draft: BriefDraft) -> None:
        assert self.run is not None
        lines = [answers.brief(self.store, self.run)]
        lines += [f"Not understood: {phrase}" for phrase in draft.not_understood]
        lines += [""] + ([SHALL_I] if draft.brief.data else [WHICH_DATA])
        self.say("\n".join(lines))

    def _approve(self, run: str) -> None:
        if self.busy:
            return self.say(f"Run {run} is at work already.")
        if not forking.brief_of(self.store, run).data:
            return self.say(WHICH_DATA)
        status = runs.status_of(self.store, self.store.run(run))
        if status in runs.FINISHED:
            return self.say(f"Run {run} has ended ({status}): say what should be different.")
        if status == "draft":
            self.store.once(run, "understood", lambda: self.store.run(run).brief)
        self.say(f"Run {run} begins. Ctrl-C stops the work and keeps the conversation.")
        self._work.begin(run, {"approve": True} if status == "waiting" else None)
        return None

    def _stop(self, run: str) -> None:
        if not self.interrupt():
            self.say(f"Run {run} is not at work.")

    def _undo(self, run: str) -> None:
        before = forking.parent(self.store, run)
        if before is None:
            return self.say("There is nothing to undo: this run was not changed from another.")
        self._end_work()
        self.run = before
        return self.say(f"Back at run {before}. {answers.status(self.store, before)}")

    # ------------------------------------------------------------ changes

    def _change(self, run: str, wish: Changing) -> None:
        """A draft is changed and stated again; a run that has begun is left as it is, and its fork begins."""
        begun = self.store.run(run).status != "draft"
        if isinstance(wish, UseModel):
            self._check(wish)
        if isinstance(wish, Amend) and wish.unread:
            self.say(f"Not understood: {_quoted(wish.unread)}. I go by the rest.")
        self._end_work()
        wanted = forked(self.store, run, wish, begun=begun)
        self.run = forking.fork(self.store, run, wanted)
        self.say(
            f"Run {self.run}, from {run}: {wanted.change}." + (f" Kept: {', '.join(wanted.kept)}." if begun else "")
        )
        if begun:
            self._approve(self.run)
        else:
            self._state(BriefDraft(brief=forking.brief_of(self.store, self.run)))

    def _end_work(self) -> None:
        if self.busy:
            self.say("The run at work ends first, with the best so far.")
            self._work.stop()
            self._work.wait()

    def _export(self, run: str, wish: Export) -> None:
        delivered = self.store.step(run, "delivered")
        if delivered is None:
            raise UsageError(f"run {run} has delivered nothing yet")
        target = Path(wish.folder).expanduser()
        if target.exists():
            raise UsageError(f"{target} is there already: name a folder that is not")
        try:
            shutil.copytree(delivered["folder"], target)
        except OSError as error:
            raise UsageError(f"cannot copy {delivered['folder']} to {target}: {error}") from None
        self.say(f"Copied to {target}.")

    # ------------------------------------------------------------ what was said, and what came of it

    def _ended(self, results: Results | None, reason: str) -> None:
        """Called in the work's thread."""
        if results is None:
            return self.say(reason)
        lines = [f"Run {results.run} has ended: {results.status}.", *verdict_lines(results)]
        return self.say("\n".join(lines))

    def _note(self, who: str, text: str) -> None:
        if self.run is not None:
            self.store.add_event(self.run, "chat.said", who=who, text=text)


def said_before(store: Store, run: str) -> list[tuple[str, str]]:
    """The conversation so far, over all runs that led to this one."""
    before = forking.parent(store, run)
    earlier = said_before(store, before) if before else []
    events = store.events(run)
    return earlier + [(e.data["who"], e.data["text"]) for e in events if e.kind == "chat.said"]


def _is_name(text: str) -> bool:
    return len(text.split()) == 1


def _quoted(phrases: tuple[str, ...]) -> str:
    return ", ".join(f'"{phrase}"' for phrase in phrases)
