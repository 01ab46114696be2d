"""The configuration with the source of every value, and the personas."""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.doctor.finding import Finding
from chatcli.errors import PersonaError
from chatcli.inventory import problems_of, shown_settings
from chatcli.parts import persona_store
from chatcli.settings import Settings


def configuration(settings: Settings) -> Iterator[Finding]:
    """Tell what is set and where, what is wrong with it, and what does nothing."""
    file = settings.folders.config_file
    if file.exists():
        yield Finding("settings", "good", str(file))
    else:
        yield Finding("settings", "good", f"no {file} (chatcli config writes one)")
    for error in problems_of(settings):
        yield Finding("settings", "bad", error.message, error.hint)
    for line in settings.notes:
        yield Finding("settings", "odd", line)
    for each in shown_settings(settings):
        if each.name in settings.sources or each.name.startswith("profiles."):
            yield Finding("settings", "note", f"{each.name} = {each.value}  ({each.source})")


def personas(settings: Settings) -> Iterator[Finding]:
    """Tell how many personas there are, which can't be read, and whether the one set is there."""
    store = persona_store(settings)
    found = store.all()
    broken = [each for each in found if isinstance(each, PersonaError)]
    for error in broken:
        yield Finding("personas", "bad", error.message, error.hint or "mend or remove the file")
    if settings.persona:
        try:
            store.get(settings.persona)
        except PersonaError as error:
            if str(error) not in map(str, broken):
                yield Finding("personas", "bad", error.message, error.hint)
    yield Finding("personas", "good", f"{len(found) - len(broken)} can be read")
