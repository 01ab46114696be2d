"""The public Session: how one begins, is opened, saved and let go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from chatcli.api.building import Wanted, begun, resumed
from chatcli.api.talking import Talking
from chatcli.api.wording import for_scripts
from chatcli.conversation.ports import Provider
from chatcli.errors import StorageError
from chatcli.storage import files
from chatcli.storage.journal import FileJournal, at


class Session(Talking):
    """A conversation with a language model, kept in memory until it is saved.

    Without `base_url` and `api_key`, or a `provider` of your own, who answers is what the command
    line would have: the same environment, `.env` and config.toml count. `system_prompt` replaces
    that of the `persona`, with the examples that belong to it. `model` is `[PROFILE:]MODEL`, as
    for --model; `fallback` names one that answers where the first fails before its first word.

    `max_tokens` is the budget of the history, in prompt tokens per request; what does not fit is
    left out by `strategy` (truncate, window, summarize or full) and stays in `history`. `window` is
    in pairs of messages. `parameters` say how replies are sampled: temperature, top_p, max_reply
    (tokens), stop, seed, reasoning_effort and extra_body.

    `inject` are live facts that the system prompt is sent with, beside those that the persona
    wants: turn, date, questions, summary. `{turn}`, `{date}`, `{user}` and `{persona}` in a system
    prompt are filled in as it is sent. What `remember` was told is sent too; it lasts as long as
    the session, and no file is touched, unless `memory` is the path of one, or True for the command
    line's own.

    What an endpoint teaches (the parameters that a model refuses, how much it reads, how it counts)
    is known for as long as the session lasts, and kept nowhere.

    Errors are of the tree in `chatcli.errors`, whose root is `ChatcliError`. A session is not for
    several threads at once; sessions of different threads don't meet.
    """

    def __init__(
        self,
        system_prompt: str | None = None,
        *,
        model: str | None = None,
        fallback: str | None = None,
        max_tokens: int | None = None,
        strategy: str | None = None,
        window: int | None = None,
        persona: str | None = None,
        parameters: Mapping[str, object] | None = None,
        inject: str | Sequence[str] = (),
        memory: bool | str | Path = False,
        base_url: str | None = None,
        api_key: str | None = None,
        provider: Provider | None = None,
    ) -> None:
        """Raises UsageError where a name or a setting is wrong; nothing is asked yet."""
        wanted = Wanted(
            model,
            fallback,
            max_tokens,
            strategy,
            window,
            parameters or {},
            inject,
            memory,
            base_url,
            api_key,
            provider,
        )
        with for_scripts():
            super().__init__(begun(wanted, system_prompt, persona))

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        model: str | None = None,
        fallback: str | None = None,
        max_tokens: int | None = None,
        strategy: str | None = None,
        window: int | None = None,
        parameters: Mapping[str, object] | None = None,
        inject: str | Sequence[str] = (),
        memory: bool | str | Path = False,
        base_url: str | None = None,
        api_key: str | None = None,
        provider: Provider | None = None,
    ) -> Self:
        """Go on with a stored session; it is saved after every message.

        Its persona, its model and what was chosen with /set count as they do in a chat, unless
        something else is given. The file is this process's until `close`, or until the object is
        gone. A list of messages of another program stays as it is: what is said from here on goes
        into a session beside it. Raises StorageError, and UsageError as the class itself does.
        """
        wanted = Wanted(
            model,
            fallback,
            max_tokens,
            strategy,
            window,
            parameters or {},
            inject,
            memory,
            base_url,
            api_key,
            provider,
        )
        session = cls.__new__(cls)
        with for_scripts():
            Talking.__init__(session, resumed(wanted, path))
        return session

    # The file

    def save(self, path: str | Path) -> None:
        """Write the conversation to a new file, and from now on every message after it.

        Where that is its file already, there is nothing to do. Raises StorageError when another
        file is there, or it can't be written, and UsageError after `close`.
        """
        self._works.check_open()
        target, journal = files.place(path), self._engine.journal
        if target.exists():
            own = journal.path if isinstance(journal, FileJournal) else None
            if own is not None and own.exists() and own.samefile(target):
                self._raise_if_unsaved()
                return
            raise StorageError(
                f"there is a file at {target} already", "Session.open goes on with it"
            )
        for _ in self._engine.save_elsewhere(FileJournal(at(target))):
            pass

    def close(self) -> None:
        """Let go of the file and of a model that was started for this session.

        What was said can still be read; to say more is a UsageError.
        """
        self._works.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        engine = self._engine
        # Both may be anybody's, and Python prints this as it is.
        model, branch = repr(engine.provider.model)[1:-1], engine.tree.branch
        return f"<Session {model}, turn {engine.turn_count} on {branch!r}>"

    def _repr_html_(self) -> str:
        """What a notebook shows of the session: its name, and the messages of this branch."""
        from chatcli.api.notebook import html_of

        return html_of(repr(self).strip("<>"), self._engine.tree.path)
