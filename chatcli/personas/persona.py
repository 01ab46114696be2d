"""What a persona is, whatever file it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatcli.conversation.text import first_words
from chatcli.parameters import Parameter

MAX_BYTES: Final = 256 * 1024
"""No persona is larger than that; of a picture or a card with a lorebook, its texts are not."""

OURS: Final = "persona"
"""The form of the files that are made for chatcli."""


@dataclass(frozen=True)
class Example:
    """One exchange, sent before the conversation, that shows the model how this persona answers."""

    user: str
    assistant: str


@dataclass(frozen=True)
class Persona:
    """Who answers: a system prompt, and the settings that its author found to suit it.

    `parameters` has those of `chatcli.parameters.PARAMETERS` that the file sets. `window` is in
    pairs of messages, `budget` in tokens. `inject` names the live facts that go with the prompt,
    `memory` is `off` or `auto`. `greeting` is for the user's eyes. `unknown` names the keys that
    mean nothing to this version. `form` is the kind of file, and `left_out` names what another
    program's file has and a persona can't. Text is as the author wrote it: whoever shows it makes
    it safe for the terminal.
    """

    name: str
    description: str
    prompt: str
    model: str | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict, hash=False)
    strategy: str | None = None
    window: int | None = None
    budget: int | None = None
    greeting: str | None = None
    inject: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    memory: str | None = None
    source: Path | None = None
    unknown: tuple[str, ...] = ()
    form: str = OURS
    left_out: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """What to list a persona with: its description, or else how its prompt begins."""
        return self.description or first_words(self.prompt)


@dataclass(frozen=True)
class Draft:
    """What a file says, in our keys and unchecked; `name` is what its maker calls the persona."""

    values: dict[str, object]
    prompt: str
    form: str = OURS
    name: str | None = None
    left_out: tuple[str, ...] = ()
