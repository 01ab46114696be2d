"""The parts put together for one run: settings, a session, its provider, its place on the disk.

An `App` is what slash-commands act on (`commands.registry.Chat`) and what the loop runs
(`terminal.repl.Host`). It opens sessions and swaps what a session talks to; what a turn does is
the session's own business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chatcli import commands
from chatcli.app import firstrun, opening
from chatcli.app.answering import Answering
from chatcli.app.choices import Choices, Here
from chatcli.app.outlook import outlook
from chatcli.commands.registry import Registry
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.messages import Message
from chatcli.conversation.ports import Journal, takes_images
from chatcli.conversation.records import Conversation, Noted, Tuned
from chatcli.conversation.session import Session
from chatcli.errors import StorageError, UsageError
from chatcli.parameters import Parameter, Sampled
from chatcli.parts import (
    begin,
    examples_of,
    load_encoder,
)
from chatcli.personas import Persona
from chatcli.personas.meeting import greeting, pointed_out
from chatcli.providers import catalog
from chatcli.providers.models import Model
from chatcli.providers.prices import Place
from chatcli.providers.profiles import profiles_of
from chatcli.recall import Recall
from chatcli.settings import Settings
from chatcli.storage import files, memory
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.learned import FILE, Learned
from chatcli.storage.library import Library, is_path
from chatcli.storage.opening import new_journal, open_stored
from chatcli.storage.rescue import kept_somewhere
from chatcli.terminal.facts import Facts
from chatcli.terminal.status import sending_again

if TYPE_CHECKING:
    from chatcli.storage.attachments import Attachment, Glance
    from chatcli.storage.search import Found


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
        self.library = Library(settings.folders.sessions)
        self.going_along: list[Attachment] = []
        self._glance: Glance | None = None
        learned = Learned(settings.folders.data / FILE if options.save else None)
        self._answering = Answering(settings, learned)
        listed = settings.folders.cache / catalog.FILE if options.save else None
        known = catalog.Catalog(settings, listed)
        self.choices = Choices(settings, self.library, self._answering.personas, known, self._here)
        kept = memory.Memories(settings.folders.data / memory.FILE, lasting=options.save)
        self.recall = Recall(kept, settings)
        self._opening: list[Event] = []
        self.session: Session
        self._persona: Persona | None = None
        self._open()

    # Opening

    def opening(self) -> Iterator[Event]:
        """Yield what there is to say before the first prompt."""
        yield from (Notice(line, level="warning") for line in self.settings.notes)
        yield from self._opening
        yield from self.recall.trouble()
        if ways := firstrun.ways(self._provider.model, self.settings.fallback):
            yield from (Notice(line) for line in ways)
        elif self.library.is_empty():
            yield from opening.welcome(self._provider.model, self.library, save=self.options.save)
        if self.session.history:
            yield opening.newest(self.session)
            yield from opening.unanswered(self.session)
            return
        if self.options.save:
            yield from opening.unfinished(self.library)
        if self._persona is not None:
            yield from pointed_out(self._persona)
            yield from greeting(self._persona, self.settings.user)

    def warnings(self) -> Iterator[Event]:
        """Yield what one question has to be told, too: that a session or its model is another."""
        told = (event for event in self._opening if isinstance(event, Notice))
        return (notice for notice in told if notice.level == "warning")

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
        wanted = self.options.persona or self.settings.persona
        persona = self._answering.persona(wanted)
        provider, self._opening = self._answering.model(persona, self.options.model)
        talk = begin(provider, persona, self.options.system)
        journal = new_journal(self.library, name, save=self.options.save)
        self._take(talk, journal, persona, provider)

    def _resume(self, path: Path, flags: Options) -> None:
        """Go on with the session at `path`, with what the `flags` want to be different."""
        opened = open_stored(self.library, path, save=flags.save)
        talk = opened.conversation
        persona, without_persona = self._answering.persona_of(talk)
        provider, without_model = self._answering.model_of(talk, persona, flags.model)
        told = [Notice(line, level="warning") for line in opened.told]
        self._opening = [*told, *without_persona, *without_model]
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
        self._answering.tuning.take(talk.chosen)
        self._answering.tune(provider, persona)
        self.session = Session(
            talk,
            provider,
            journal,
            self._answering.counter(provider),
            limits=self._answering.limits(persona, provider),
            stored=stored,
            learned_window=lambda tokens: self._answering.learn_window(self._provider, tokens),
            spare=self._answering.spare(persona),
        )
        self.session.planner.examples = examples_of(persona, self.settings.user)
        session = self.session
        session.planner.surroundings = lambda: self.recall.surroundings(session, self._persona)
        session.aside.pass_over(talk)

    # Who answers

    def _prompt(self, text: str) -> Iterator[Event]:
        tree = self.session.tree
        system = trees.system_node(tree)
        if system is None or system.content != text:
            node = trees.say(tree, Message("system", text))
            yield from self.session.become(trees.add(tree, node))

    # What commands ask (commands.registry.Chat)

    @cached_property
    def commands(self) -> Registry:
        """What a slash can do, which the first prompt need not wait for."""
        return commands.shipped()

    def _here(self) -> Here:
        return Here(self.path, self.persona, self._provider.model)

    @property
    def persona(self) -> str | None:
        return self._persona.name if self._persona else None

    @property
    def who(self) -> Persona | None:
        return self._persona

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

    @property
    def window(self) -> int | None:
        return self._provider.window

    def request(self, messages: Sequence[Message]) -> dict[str, object]:
        return self._provider.request(messages)

    def asked_at(self, profile: str) -> Place | None:
        known = profiles_of(self.settings).get(profile)
        return known.place(profile) if known else None

    def going_with(self, draft: str) -> list[Attachment]:
        if "@" not in draft:
            return list(self.going_along)
        from chatcli.storage.attachments import Glance, each_once

        self._glance = self._glance or Glance()
        return each_once([*self._glance.at(draft), *self.going_along])

    def wait_for_counting(self) -> None:
        self._provider.warm_up()
        defaults = self._answering.limits(self._persona, self._provider)
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
        talk = replace(talk, chosen=before.conversation.chosen)
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
        persona = self._answering.personas.get(name)
        self._answer_as(persona, self._provider)
        yield from self._prompt(persona.prompt)
        yield from self.session.note(Noted("persona", persona.name))
        yield from pointed_out(persona)
        if persona.greeting is None:
            yield Notice(f"{persona.name} answers from here on")
        yield from greeting(persona, self.settings.user)

    def use_model(self, spec: str) -> Iterator[Event]:
        provider = self._answering.models.use(spec)
        provider.warm_up()
        yield from self._answering.what_would_not_fit(
            self.session, self._provider, self._persona, provider
        )
        self._answer_as(self._persona, provider)
        yield from self.session.note(Noted("model", provider.model))
        yield Notice(f"{provider.model} answers from here on")
        yield from self.warm_up()

    def sampling(self) -> list[Sampled]:
        return self._answering.tuning.sampling(self._provider, self._persona)

    def sample(self, name: str, value: Parameter | None) -> Iterator[Event]:
        tuning = self._answering.tuning
        told = list(tuning.choose(name, value, self._provider, self._persona))
        yield from self.session.note(Tuned(dict(tuning.chosen)))
        yield from told

    def _answer_as(self, persona: Persona | None, provider: Model) -> None:
        self._answering.tune(provider, persona)
        if provider is not self._provider:
            self.session.provider = provider
            self.session.planner.counter = self._answering.counter(provider)
            self.session.planner.most = None
        self.session.spare = self._answering.spare(persona)
        self.session.planner.takes_images = takes_images(provider)
        self._persona, self._provider = persona, provider
        self.session.planner.examples = examples_of(persona, self.settings.user)
        self.session.planner.defaults = self._answering.limits(persona, provider)

    # What the loop asks (terminal.repl.Host)

    def notice(self) -> Iterator[Event] | None:
        return self.recall.notice(self.session, self._persona)

    def toolbar(self, draft: str = "") -> Facts:
        going = self.going_with(draft)
        return outlook(self.session, self.persona, going, draft, self.asked_at)

    def activity(self) -> str:
        pause = self.session.pause
        beside = "remembering" if self.session.aside.busy else ""
        return self.loading() or (sending_again(pause) if pause else beside)

    def loading(self) -> str:
        """Say what a model is at before it can answer."""
        return self._answering.activity(self._provider)

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
        self._answering.close()
