"""What a chat is made of, chosen the same way for the command line and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cache, partial

from chatcli.conversation import tree as trees
from chatcli.conversation.asking import Spare
from chatcli.conversation.context import Limits
from chatcli.conversation.injecting import Facts, expanded
from chatcli.conversation.messages import Message, now
from chatcli.conversation.planning import Examples, Planner
from chatcli.conversation.ports import Provider
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.session import Session
from chatcli.conversation.tokens import TokenCounter, VocabularyEncoder
from chatcli.conversation.tree import Tree
from chatcli.errors import UsageError
from chatcli.personas import Persona, PersonaStore, shipped_folder
from chatcli.providers.models import Model, Models
from chatcli.settings import Settings
from chatcli.storage.ids import new_session_id
from chatcli.storage.learned import Learned


def persona_store(settings: Settings) -> PersonaStore:
    """Return the personas there are: the user's own over the ones that ship."""
    return PersonaStore([*settings.folders.personas, shipped_folder()])


def model_for(
    models: Models, settings: Settings, persona: Persona | None, spec: str | None = None
) -> Model:
    """Return the model that answers: as asked for, as set, as the persona wants, or the default.

    It is asked with the persona's parameters. Raises UsageError.
    """
    model = models.use(spec or settings.model or (persona.model if persona else None))
    model.parameters = model.default_parameters.updated(persona.parameters if persona else {})
    return model


def model_or_spare(
    models: Models, settings: Settings, persona: Persona | None, spec: str | None = None
) -> tuple[Model, UsageError | None]:
    """Return the model that answers, or the fallback where that one can't even be asked, and why.

    Raises UsageError where there is no other.
    """
    try:
        return model_for(models, settings, persona, spec), None
    except UsageError as error:
        if settings.fallback is None:
            raise
        try:
            return model_for(models, settings, persona, settings.fallback), error
        except UsageError:
            raise error from None


def limits_for(settings: Settings, persona: Persona | None, model: Model | None) -> Limits:
    """Return what a request may hold: as set, as the persona wants, or what the model can read."""
    default = Limits()
    wanted = persona or _NOBODY
    kept = keeping_a_summary(wanted.inject)
    return Limits(
        settings.budget or wanted.budget or (model.budget if model else None),
        settings.strategy or wanted.strategy or kept or default.strategy,
        settings.window or wanted.window or default.window,
    )


def keeping_a_summary(inject: Collection[str]) -> str | None:
    """Return the strategy that keeps up a summary, where one is wanted among the live facts."""
    return "summarize" if "summary" in inject else None


def examples_of(persona: Persona | None, user: str | None = None) -> Examples:
    """Return the exchanges that show how a persona answers, as messages of `user`."""
    if persona is None:
        return Examples()
    facts = Facts(1, datetime.now().astimezone().date(), user, persona.name)
    messages = (
        message
        for each in persona.examples
        for message in (
            Message("user", expanded(each.user, facts)),
            Message("assistant", expanded(each.assistant, facts)),
        )
    )
    return Examples(persona.prompt, tuple(messages))


def begin(provider: Provider, persona: Persona | None, prompt: str | None = None) -> Conversation:
    """Return a conversation in which nothing was said yet, with the persona's prompt or another."""
    header = Header(new_session_id(), now(), persona.name if persona else None, provider.model)
    text = prompt or (persona.prompt if persona else None)
    tree = Tree()
    if text:
        tree = trees.add(tree, trees.say(tree, Message("system", text)))
    return Conversation(header, tree)


def counter_for(model: Model, learned: Learned) -> TokenCounter:
    """Return what counts a model's tokens, with what its endpoint has taught before."""
    # What was learned with one vocabulary says nothing of another.
    name = f"{model.identity} {model.encoding}" if model.encoding else model.identity
    return TokenCounter(
        model.model,
        learned.calibration(name),
        lambda calibration: learned.learn(name, calibration.as_dict()),
        model.encoding,
    )


def load_encoder(session: Session, model: Model | None) -> None:
    """Have a session count its tokens as exactly as they can be counted now.

    That is as its `model` itself does, if it can be asked, or else with the vocabulary of the
    model's family. The first time a vocabulary takes some tenths of a second, an engine about a
    third of a millisecond a message; then it takes nothing, and what was counted stays.
    """
    counter = session.planner.counter
    if not isinstance(counter, TokenCounter):
        return
    texts = [node.content for node in session.tree.path]
    texts += [example.content for example in session.planner.examples.messages]
    _count_exactly(counter, model, texts)


def _count_exactly(counter: TokenCounter, model: Model | None, texts: Sequence[str]) -> None:
    tokenizer = model.tokenizer() if model else None
    if tokenizer is not None:
        counter.use_own(tokenizer, texts)
    elif counter.estimates:
        from chatcli import vocabularies

        counter.use(VocabularyEncoder(vocabularies.load(counter.family.encoding)), texts)


def spare_for(
    models: Models,
    settings: Settings,
    persona: Persona | None,
    counter: Callable[[Model], TokenCounter],
    learned_window: Callable[[Model, int], None],
) -> tuple[Model, Spare] | None:
    """Return the model that answers where another can't, None where the settings name none.

    `counter` returns what counts a model's tokens, `learned_window` is told what its endpoint
    states. Raises UsageError.
    """
    if settings.fallback is None:
        return None
    model = model_for(models, settings, persona, settings.fallback)
    counting = cache(lambda: counter(model))

    def ready(planner: Planner) -> Planner:
        model.warm_up()
        _count_exactly(counting(), model, ())
        other = planner.beside(counting(), limits_for(settings, persona, model))
        # A budget that was set for the other model may be more than this one reads.
        other.most = model.budget
        return other

    return model, Spare(model, ready, partial(learned_window, model))


_NOBODY = Persona(name="", description="", prompt="")
