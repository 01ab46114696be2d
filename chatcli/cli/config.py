"""`chatcli config`: what is set, the file that sets it, and the keys that chatcli keeps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chatcli import faces
from chatcli.cli.flags import Json
from chatcli.cli.offers import profile_names
from chatcli.cli.saying import complain, help_alone, leave_with, say
from chatcli.errors import UsageError
from chatcli.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Sequence

WRONG: Final = 2
"""The exit code for a file that can't be used as it is."""

MOST_READ: Final = 64 * 1024
"""Characters that are read of a pipe, in which a key is looked for."""

app = typer.Typer(
    help="Settings and keys. Alone, it writes a commented config.toml, or checks the one there is."
)
key_app = typer.Typer(
    help="The keys that chatcli keeps for you.", callback=help_alone, invoke_without_command=True
)
app.add_typer(key_app, name="key")

Profile = Annotated[
    str,
    typer.Argument(
        metavar="PROFILE", help="As in --model PROFILE:MODEL.", autocompletion=profile_names
    ),
]


@app.callback(invoke_without_command=True)
def config(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        _write_or_check(load(lenient=True))


@app.command("show")
def show_config(*, as_json: Json = False) -> None:
    """Show every setting, and where it was set. Keys are masked."""
    from chatcli import inventory

    settings = load(lenient=True)
    if as_json:
        print(faces.json_text(inventory.described(settings)))
    else:
        for line in inventory.lines(settings):
            say(line)
    _tell(settings.notes, inventory.problems_of(settings))


@app.command("path")
def config_path() -> None:
    """Print where config.toml is, or would be."""
    say(str(load(lenient=True).folders.config_file))


@app.command("edit")
def edit_config() -> None:
    """Open config.toml in your editor, and check it.

    The editor is the one that VISUAL or EDITOR names. Nothing is saved that can't be used.
    """
    from chatcli.cli.drafts import ConfigDraft

    draft = ConfigDraft(load(lenient=True))
    if draft.is_left_over:
        complain(f"going on with {draft.file}, which another edit has left")
    draft.edit()
    while wrong := draft.problems():
        for error in wrong:
            complain(error.message)
        if not _again():
            raise draft.given_up("not saved")
        draft.edit()
    for line in draft.notes():
        complain(line)
    say(f"{draft.target} is {'saved' if draft.save() else 'as it was'}")


@key_app.command("set", context_settings={"allow_extra_args": True})
def set_key(context: typer.Context, profile: Profile) -> None:
    """Keep a profile's key.

    It is asked for without showing it, or read from a pipe.
    """
    from chatcli import keychain

    if context.args:
        raise UsageError(
            "a key is not given on the command line, where others see it and the shell keeps it",
            "`chatcli config key set PROFILE` asks for it",
        )
    settings = load()
    keychain.origin_for(settings, profile)  # before a key is asked for
    where = keychain.keep(settings, profile, _asked_key(profile))
    say(f"the key of {profile} is kept in {where}")
    first = next(each for each in keychain.found(settings) if each.profile == profile)
    if first.problem is not None:
        complain(f"{first.problem.message}, and comes before this one")
    elif first.source != where:
        complain(f"{first.source} has a key for {profile} too, and comes before this one")


@key_app.command("remove")
def remove_key(profile: Profile) -> None:
    """Forget a key that is kept."""
    from chatcli import keychain

    where = keychain.remove(load(lenient=True), profile)
    say(f"the key of {profile} is in {where} no more")


@key_app.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """List the profiles that have a key, with its ends and where it is."""
    from chatcli import inventory

    settings = load(lenient=True)
    found = inventory.keys_of(settings)
    if as_json:
        print(faces.json_text([each.described() for each in found]))
    else:
        if not found and not inventory.problems_of(settings):
            complain("no profile has a key; chatcli config key set PROFILE keeps one")
        for each in found:
            if each.problem:
                complain(str(each.problem))
            else:
                say(f"{each.profile:<12} {each.masked:<9} {each.source}")
    _tell((), inventory.problems_of(settings))


def _asked_key(profile: str) -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        return sys.stdin.read(MOST_READ) if sys.stdin else ""
    import warnings
    from getpass import GetPassWarning, getpass

    from chatcli.terminal.sanitize import clean_line

    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return getpass(f"Key of {clean_line(profile)} (it is not shown): ")
        except GetPassWarning:
            told = "this terminal would show the key while it is typed"
            raise UsageError(told, "pipe it in: chatcli config key set PROFILE < FILE") from None


def _again() -> bool:
    """Ask whether the user wants to edit again; with nobody there, the answer is no."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return typer.confirm("Edit it again?", default=True)


def _write_or_check(settings: Settings) -> None:
    from chatcli import inventory
    from chatcli.config.template import template
    from chatcli.storage import files

    file: Path = settings.folders.config_file
    if not file.exists():
        files.make_folder(file.parent)
        files.replace_file(file, template().encode())
        say(f"{file} is written, with every setting as a comment")
        say("`chatcli config edit` opens it")
        return
    _tell(settings.notes, inventory.problems_of(settings))
    say(f"{file} can be used; `chatcli config show` tells what holds")


def _tell(notes: Sequence[str], problems: Sequence[UsageError]) -> None:
    """Tell what does nothing and what is wrong, and leave if there is something wrong."""
    for line in (*notes, *map(str, problems)):
        complain(line)
    leave_with(WRONG if problems else 0)
