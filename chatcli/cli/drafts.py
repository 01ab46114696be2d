"""config.toml on its way through an editor: nothing takes its place unless it can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chatcli.config.reading import MOST_BYTES, read_config
from chatcli.config.template import template
from chatcli.errors import UsageError
from chatcli.settings import Settings


class ConfigDraft:
    """A copy of config.toml to be edited, in a file beside it.

    The file outlives whatever goes wrong: a draft that can't be used, an editor that crashes.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.target = settings.folders.config_file
        self.file = self.target.with_name("config.draft.toml")
        self.is_left_over = self.file.exists()

    def edit(self) -> None:
        """Have the user edit the draft.

        Raises UsageError where the editor fails, StorageError where the file can't be read.
        """
        from chatcli.terminal.editor import open_file

        if not self.file.exists():
            self._begin()
        try:
            code = open_file(self.file, self._settings.editor)
        except UsageError:
            self._drop_untouched()
            raise
        if code:
            raise self.given_up(f"the editor ended with {code}")
        if not self.file.is_file():
            raise self.given_up("the editor left no draft")

    def _begin(self) -> None:
        from chatcli.storage import files

        files.make_folder(self.file.parent)
        files.replace_file(self.file, self._original())

    def _original(self) -> bytes:
        """Return what the draft began as. Raises StorageError."""
        from chatcli.storage import files

        if not self.target.exists():
            return template().encode()
        return files.read_bytes(self.target, MOST_BYTES)

    def problems(self) -> list[UsageError]:
        """Return what would be wrong if the draft were config.toml."""
        from chatcli.inventory import problems_of

        config = read_config(self.file)
        return problems_of(
            replace(
                self._settings, config=config, profiles=config.profiles, problems=config.problems
            )
        )

    def notes(self) -> Sequence[str]:
        """Return lines on what is in the draft and does nothing."""
        return read_config(self.file).notes

    def save(self) -> bool:
        """Put the draft in the place of config.toml, and say whether that changed it."""
        from chatcli.storage import files

        text = self.file.read_bytes()
        changed = text != self._original()
        if changed:
            # Where config.toml is a link, what it leads to is replaced.
            files.replace_file(self.target.resolve(), text)
        self.file.unlink(missing_ok=True)
        return changed

    def _drop_untouched(self) -> bool:
        """Remove a draft in which nothing was written, and say whether it was one."""
        untouched = self.file.exists() and self.file.read_bytes() == self._original()
        if untouched:
            self.file.unlink()
        return untouched

    def given_up(self, why: str) -> UsageError:
        """Return what there is to say when the draft stays a draft."""
        told = f"{why}; {self.target} is as it was"
        if self._drop_untouched() or not self.file.exists():
            return UsageError(told)
        return UsageError(
            told,
            f"what you wrote is in {self.file}: `chatcli config edit` goes on with it",
        )
