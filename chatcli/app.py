"""The parts put together for one run: settings, a session, its provider, its place on the disk.

An `App` is what slash-commands act on (`commands.registry.Chat`) and what the loop runs
(`terminal.repl.Host`). It opens sessions and swaps what a session talks to; what a turn does is
the session's own business.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatcli import commands
from chatcli.commands.registry import Choice, Registry
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Entry, Event, Notice, Transcript
from chatcli.conversation.messages import Message, Usage, now
from chatcli.conversation.planning import Planner
from chatcli.conversation.ports import Journal
from chatcli.conversation.records import Conversation, Noted
from chatcli.conversation.session import Session
from chatcli.conversation.tokens import TokenCounter
from chatcli.errors import BudgetError, ChatcliError, PersonaError, StorageError, UsageError
from chatcli.parts import (
    begin,
    counter_for,
    examples_of,
    limits_for,
    load_encoder,
    model_for,
    persona_store,
)
from chatcli.personas import Persona
from chatcli.providers.models import Model, Models
from chatcli.providers.prices import Place
from chatcli.providers.profiles import LOCAL, SMOLLM2, profiles_of
from chatcli.settings import Settings
from chatcli.storage import files
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.learned import FILE, Learned
from chatcli.storage.library import Library, is_path
from chatcli.storage.opening import new_journal, open_stored
from chatcli.storage.rescue import kept_somewhere
from chatcli.terminal.facts import Facts

if TYPE_CHECKING:
    from chatcli.storage.attachments import Attachment
    from chatcli.storage.search import Found

SHOWN_ON_RESUME: Final = 4


@dataclass(frozen=True, slots=True)
class Options:
    """What one run was asked for, beyond the settings.

    `persona` and `model` are flags, which come before what a stored session says; `system`
    replaces the persona's prompt.
    """

    persona: str | None = None
    model: str | None = None
    session: str | None = None
    resume: bool = False
    system: str | None = None
    save: bool = True


class App:
    """One run of chatcli, whatever its face."""

    def __init__(self, settings: Settings, options: Options) -> None:
        """Open what the options name. Raises ChatcliError; makes no file."""
        self.settings = settings
        self.options = options
        self.commands: Registry = commands.shipped()
        self.library = Library(settings.folders.sessions)
        self.going_along: list[Attachment] = []
        self._personas = persona_store(settings)
        self._models = Models(settings)
        self._learned = Learned(settings.folders.data / FILE if options.save else None)
        self._opening: list[Event] = []
        self.session: Session
        self._persona: Persona | None = None
        self._own_prompt = False
        self._open()

    # Opening

    def opening(self) -> Iterator[Event]:
        """Yield what there is to say before the first prompt."""
        yield from self._opening
        if self.library.is_empty():
            yield from self._welcome()
        said = self.session.history
        if said:
            entries = tuple(Entry(number, node) for number, node in enumerate(said, 1))
            skipped = max(len(said) - SHOWN_ON_RESUME, 0)
            yield Transcript(entries[skipped:], skipped)
        else:
            yield from self._unfinished_elsewhere()
            if self._persona is not None and self._persona.greeting:
                yield Notice(self._persona.greeting)

    def _unfinished_elsewhere(self) -> Iterator[Event]:
        """Offer a reply that a crash cut short in another session."""
        name = self.library.unfinished() if self.options.save else None
        if name is not None:
            text = f"a reply was cut short in `{name}`; what had come of it is kept"
            yield Notice(text, f"/load {name} opens it", "warning")

    def _welcome(self) -> Iterator[Event]:
        """Tell somebody who is here for the first time what they look at."""
        model = self._provider.model
        if model == f"{LOCAL}:{SMOLLM2}":
            small = "smollm2, a small model (135M), answers here"
            yield Notice(small, "--model NAME asks a better one")
        else:
            yield Notice(f"{model} answers")
        if self.options.save:
            yield Notice(f"what is said is kept in {self.library.folder}")
        else:
            yield Notice("nothing that is said is kept (--no-save)")
        yield Notice("/help lists the commands")

    def _open(self) -> None:
        wanted = self.options.session
        if self.options.resume:
            self._resume(self.library.newest(), self.options)
        elif wanted is not None and self._exists(wanted):
            self._resume(self.library.find(wanted), self.options)
        else:
            self._begin(wanted)

    def _exists(self, target: str) -> bool:
        if is_path(target):
            return files.place(target).exists()
        return self.library.path(target).exists()

    def _begin(self, name: str | None = None) -> None:
        """Begin a new conversation; its file is made when something is said."""
        self._own_prompt = bool(self.options.system)
        wanted = self.options.persona or self.settings.persona
        persona = self._personas.get(wanted) if wanted else None
        provider = model_for(self._models, self.settings, persona, self.options.model)
        talk = begin(provider, persona, self.options.system)
        journal = new_journal(self.library, name, save=self.options.save)
        self._take(talk, journal, persona, provider)

    def _resume(self, path: Path, flags: Options) -> None:
        """Go on with the session at `path`, with what the `flags` want to be different."""
        self._own_prompt = bool(flags.system)
        opened = open_stored(self.library, path, save=flags.save)
        talk = opened.conversation
        self._opening = [Notice(line, level="warning") for line in opened.told]
        persona = self._persona_of(talk)
        provider = self._provider_of(talk, persona, flags.model)
        self._take(talk, opened.journal, persona, provider, stored=opened.stored)
        if flags.persona is not None and flags.persona != talk.header.persona:
            self._opening += self.use_persona(flags.persona)
        elif flags.system is not None:
            self._opening += self._prompt(flags.system)

    def _take(
        self,
        talk: Conversation,
        journal: Journal,
        persona: Persona | None,
        provider: Model,
        *,
        stored: bool = False,
    ) -> None:
        self._persona = persona
        self._provider = provider
        counter = self._counter_for(provider)
        self.session = Session(
            talk,
            provider,
            journal,
            counter,
            limits=limits_for(self.settings, persona, provider),
            stored=stored,
            learned_window=self._learn_window,
        )
        self.session.planner.examples = self._examples_for(persona)

    # Who answers

    def _counter_for(self, provider: Model) -> TokenCounter:
        window = self._learned.window(provider.identity)
        if window is not None:
            provider.learn_window(window)
        return counter_for(provider, self._learned)

    def _learn_window(self, tokens: int) -> None:
        self._provider.learn_window(tokens)
        self._learned.learn(self._provider.identity, {"window": tokens})

    def _persona_of(self, talk: Conversation) -> Persona | None:
        """Return the persona of a stored session, None where it is gone; its prompt is stored."""
        name = talk.header.persona
        try:
            return self._personas.get(name) if name else None
        except PersonaError as error:
            self._opening.append(Notice(error.message, "its prompt is in the session", "warning"))
            return None

    def _provider_of(
        self, talk: Conversation, persona: Persona | None, wanted: str | None
    ) -> Model:
        """Return the model of a stored session, or another where that one can't be had now."""
        settings = self.settings
        if wanted is not None:
            return model_for(self._models, settings, persona, wanted)
        try:
            return model_for(self._models, settings, persona, talk.header.model)
        except UsageError as error:
            other = model_for(self._models, settings, persona)
            told = f"{talk.header.model} can't be asked now: {error.message}"
            self._opening.append(Notice(told, f"{other.model} answers", "warning"))
            return other

    def _examples_for(self, persona: Persona | None) -> tuple[Message, ...]:
        """Return the persona's examples; --system replaces its prompt and them with it."""
        return () if self._own_prompt else examples_of(persona)

    def _prompt(self, text: str) -> Iterator[Event]:
        tree = self.session.tree
        system = trees.system_node(tree)
        if system is None or system.content != text:
            node = trees.say(tree, Message("system", text))
            yield from self.session.become(trees.add(tree, node))

    # What commands ask (commands.registry.Chat)

    @property
    def persona(self) -> str | None:
        return self._persona.name if self._persona else None

    @property
    def place(self) -> str:
        path = self.path
        return str(path) if path else "memory only, until something is said"

    @property
    def path(self) -> Path | None:
        """The session's file, once there is one."""
        journal = self.session.journal
        return journal.path if isinstance(journal, FileJournal) else None

    @property
    def session_name(self) -> str | None:
        """What `--session` opens this session by: its name, or its path outside the library."""
        path = self.path
        if path is None:
            return None
        return path.stem if path.parent == self.library.folder else str(path)

    def sessions(self) -> list[Choice]:
        return [
            Choice(stored.name, _ago(stored.changed), stored.path == self.path)
            for stored in self.library.stored()
        ]

    def personas(self) -> list[Choice]:
        return [
            Choice(persona.name, persona.description, persona.name == self.persona)
            for persona in self._personas.list()
        ]

    def models(self) -> list[Choice]:
        here = self._provider.model
        return [
            Choice(name, profile.base_url or profile.model or "", here.startswith(f"{name}:"))
            for name, profile in profiles_of(self.settings).items()
        ]

    @property
    def window(self) -> int | None:
        return self._provider.window

    def request(self, messages: Sequence[Message]) -> dict[str, object]:
        return self._provider.request(messages)

    def asked_at(self, profile: str) -> Place | None:
        known = profiles_of(self.settings).get(profile)
        return known.place(profile) if known else None

    def wait_for_counting(self) -> None:
        self._provider.warm_up()
        defaults = limits_for(self.settings, self._persona, self._provider)
        self.session.planner.defaults = defaults
        load_encoder(self.session, self._provider)

    def search(self, text: str, most: int) -> Found:
        from chatcli.storage.search import search

        return search(self.library.stored(), text, most)

    def to_clipboard(self, text: str) -> str | None:
        from chatcli.terminal.clipboard import handed_over

        return handed_over(text, self.settings.surroundings)

    def save_as(self, name: str) -> Iterator[Event]:
        journal = self.session.journal
        if not isinstance(journal, FileJournal):
            raise UsageError("nothing is saved in this chat", "start it without --no-save")
        yield from self._move(journal, self.library.path(name))
        yield from self.session.save()
        if trouble := self.session.trouble:
            raise StorageError(f"not saved: {trouble}", "it is tried again as you go on")
        yield from self.session.note(Noted("title", name))
        yield Notice(f"saved as `{name}`", f"chatcli chat --session '{name}' comes back to it")

    def _move(self, journal: FileJournal, path: Path) -> Iterator[Event]:
        """Have the session at `path`: renamed, or written anew where it can't be."""
        if not self.session.trouble:
            try:
                journal.rename(path)
            except StorageError:
                if path.exists():
                    raise
            else:
                return
        yield from self.session.save_elsewhere(FileJournal(at(path)))

    def open_session(self, target: str) -> Iterator[Event]:
        path = self.library.find(target)
        if self.path is not None and self.path.exists() and path.samefile(self.path):
            raise UsageError("that conversation is open already")
        before = self.session
        self._opening = []
        self._resume(path, Options(save=self.options.save))
        self.wait_for_counting()
        yield from self._let_go(before)
        yield from self.opening()
        yield Notice(f"opened {path.stem}: {self.session.turn_count} turns")

    def new_session(self) -> Iterator[Event]:
        before, place = self.session, self.path
        prompt = trees.system_node(before.tree)
        talk = begin(self._provider, self._persona, prompt.content if prompt else None)
        journal = new_journal(self.library, save=self.options.save)
        self._take(talk, journal, self._persona, self._provider)
        self.session.planner.choose_as(before.planner)
        self.wait_for_counting()
        yield from self._let_go(before)
        yield Notice(f"a new conversation{f'; the last one is in {place}' if place else ''}")

    def _let_go(self, before: Session) -> Iterator[Event]:
        """Close a session that another has taken the place of, with all of it kept somewhere."""
        for line in kept_somewhere(before):
            yield Notice(line, level="warning")
        before.journal.close()

    def use_persona(self, name: str) -> Iterator[Event]:
        persona = self._personas.get(name)
        self._answer_as(persona, self._provider)
        yield from self._prompt(persona.prompt)
        yield from self.session.note(Noted("persona", persona.name))
        yield Notice(persona.greeting or f"{persona.name} answers from here on")

    def use_model(self, spec: str) -> Iterator[Event]:
        provider = self._models.use(spec)
        provider.warm_up()
        yield from self._what_would_not_fit(provider)
        self._answer_as(self._persona, provider)
        yield from self.session.note(Noted("model", provider.model))
        yield Notice(f"{provider.model} answers from here on")
        yield from self.warm_up()

    def _what_would_not_fit(self, provider: Model) -> Iterator[Event]:
        """Say what of the conversation another model could not be sent."""
        planner, talk = self.session.planner, self.session.conversation
        other = Planner(
            self._counter_for(provider), limits_for(self.settings, self._persona, provider)
        )
        other.examples = planner.examples
        other.choose_as(planner)
        try:
            out = len(other.forecast(talk, "").left_out()) - len(
                planner.forecast(talk, "").left_out()
            )
        except BudgetError as error:
            yield Notice(f"it is too long for {provider.model}: {error.message}", level="warning")
            return
        if out > 0:
            budget = other.limits.budget
            yield Notice(
                f"{provider.model} reads {budget:,} tokens: {out} more messages would be left out",
                f"/model {self._provider.model} goes back, and nothing is lost",
                "warning",
            )

    def _answer_as(self, persona: Persona | None, provider: Model) -> None:
        own = persona.parameters if persona else {}
        provider.parameters = provider.default_parameters.updated(own)
        if provider is not self._provider:
            self.session.provider = provider
            self.session.planner.counter = self._counter_for(provider)
            self.session.planner.most = None
        self._persona, self._provider = persona, provider
        self.session.planner.examples = self._examples_for(persona)
        self.session.planner.defaults = limits_for(self.settings, persona, provider)

    # What the loop asks (terminal.repl.Host)

    def toolbar(self, draft: str = "") -> Facts:
        session = self.session
        going = len(self.going_along)
        facts = Facts(
            self._provider.model,
            session.tree.branch,
            session.turn_count,
            self.persona,
            warnings=(
                *(["NOT SAVED: /save says why"] if session.trouble else []),
                *([f"{going} file{'' if going == 1 else 's'} attached"] if going else []),
            ),
        )
        return self._forecast(facts, draft)

    def _forecast(self, facts: Facts, draft: str) -> Facts:
        """Add what the next request holds with the draft, what it leaves out, and its price."""
        try:
            plan = self.session.plan(draft)
        except ChatcliError:
            return replace(facts, warnings=(*facts.warnings, "over the budget"))
        left_out = len(plan.left_out())
        return replace(
            facts,
            tokens=plan.tokens,
            budget=plan.limits.budget,
            exact=self.session.planner.counter.precision == "exact",
            cost=self._cost_of(plan.tokens) if draft else "",
            warnings=(*facts.warnings, *([f"leaves out {left_out}"] if left_out else [])),
        )

    def _cost_of(self, tokens: int) -> str:
        """Say what sending so many tokens costs, nothing where that is not known."""
        profile, _, model = self._provider.model.partition(":")
        place = self.asked_at(profile)
        if place is None or not model:
            return ""
        from chatcli.commands.bills import dollars
        from chatcli.providers.prices import cost_of

        cost = cost_of(place, model, Usage(tokens, 0), now())
        return dollars(cost) if cost else ""

    def activity(self) -> str:
        return self._provider.activity()

    def warm_up(self) -> Iterator[Event]:
        """Start what takes its time. Raises ChatcliError where the model can't be had."""
        self._provider.warm_up()
        self._provider.start()
        self.wait_for_counting()
        return iter(())

    def leave(self) -> list[str]:
        """Bring to safety what could not be saved so far; returns lines on where it is."""
        return kept_somewhere(self.session)

    def close(self) -> None:
        """Let go of the session's file and of what was started."""
        self.session.journal.close()
        self._models.close()


def _ago(when: float) -> str:
    """Say how long ago a moment was, in words that fit a table."""
    minutes = int((time.time() - when) / 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
