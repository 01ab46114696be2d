"""What is hidden in the input line, shown: it may have been pasted, or be a stranger's message.

The text itself stays as it is, so that what is sent is what was written. Controls are shown as
prompt_toolkit does, as `^[`, but here, for it counts no cells for them and wraps the line too late.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_to_text
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.screen import Char
from prompt_toolkit.layout.utils import explode_text_fragments

from chatcli.terminal.sanitize import Sanitizer, clean


class Reveal(Processor):
    """Names what hides in a line and cuts what piles up, as the filter for hostile text does."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        line = transformation_input.fragments
        text = fragment_list_to_text(line)
        if clean(text) == text and "\t" not in text:
            return Transformation(line)
        shown = list(revealed(text))
        ends = list(accumulate(map(len, shown), initial=0))
        characters = explode_text_fragments(line)
        fragments: StyleAndTextTuples = [
            (character[0], instead) for character, instead in zip(characters, shown, strict=True)
        ]
        return Transformation(
            fragments,
            source_to_display=lambda at: ends[min(at, len(shown))] + max(at - len(shown), 0),
            display_to_source=lambda at: bisect_right(ends, at) - 1,
        )


def revealed(line: str) -> Iterator[str]:
    """Yield for each character of a line what is to be shown of it.

    What only the next character decides comes with that one.
    """
    sanitizer = Sanitizer()
    for at, character in enumerate(line, 1):
        match unicodedata.category(character):
            case "Cc":
                shown = sanitizer.flush() + Char.display_mappings[character]
            case "Cs":
                shown = sanitizer.flush() + "\ufffd"
            case _:
                shown = sanitizer.feed(character)
        yield shown + (sanitizer.flush() if at == len(line) else "")
