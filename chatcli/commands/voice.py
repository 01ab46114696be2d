"""/persona /model /system: who answers, and as whom."""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Event, Notice, Row, Table
from chatcli.conversation.messages import Message
from chatcli.conversation.text import allowed


def _personas(chat: Chat) -> list[Choice]:
    return chat.choices.personas()


def _models(chat: Chat) -> list[Choice]:
    return [*chat.choices.profiles(), *chat.choices.models()]


def _models_at(chat: Chat, profile: str) -> list[Choice]:
    return chat.choices.models_at(profile)


def _list(title: str, choices: list[Choice], caption: str = "") -> Table:
    rows = tuple(Row((c.name, c.about), "here" if c.here else None) for c in choices)
    return Table(title, ("name", "about"), rows, caption=caption)


@command("voice", "[NAME]", complete=_personas)
def persona(chat: Chat, arguments: str) -> Iterator[Event]:
    """Give the model another persona from here on, or list them.

    What was said before stays; the new system prompt counts from the next question.

    Example: /persona pirate
    """
    if arguments:
        yield from chat.use_persona(arguments)
    else:
        yield _list("Personas", chat.choices.personas())


@command("voice", "[PROFILE:MODEL]", complete=_models, follow=_models_at)
def model(chat: Chat, arguments: str) -> Iterator[Event]:
    """Ask another model from here on, or list what can be asked.

    Example: /model ollama:llama3.2
    """
    if arguments:
        yield from chat.use_model(arguments)
    else:
        caption = "/model NAME: and Tab offers the models of one"
        yield _list("Models", chat.choices.profiles(), caption)


@command("voice", "[TEXT]")
def system(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show the system prompt, or set another one from here on.

    Example: /system Answer in one sentence.
    """
    session = chat.session
    if arguments:
        node = trees.say(session.tree, Message("system", allowed(arguments)))
        yield from session.become(trees.add(session.tree, node))
        yield Notice("the system prompt is another from the next question on")
        return
    prompt = trees.system_node(session.tree)
    yield Notice(prompt.content if prompt else "there is no system prompt")
