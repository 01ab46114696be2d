"""What errors advise, and where."""

from __future__ import annotations

import pytest

from chatcli.errors import ProviderError


@pytest.mark.parametrize(
    ("hint", "outside"),
    [
        ("", ""),
        ("check the key", "check the key"),
        ("chmod u+rwx /home/me, or move /srv/x", "chmod u+rwx /home/me, or move /srv/x"),
        ("/retry asks again", ""),
        ("/retry in 5 s, or /model asks another", ""),
        ("is the server up, and right? /retry asks again", "is the server up, and right?"),
        ("is it allowed? /model asks another", "is it allowed?"),
        ("check the base URL, or /retry", "check the base URL"),
        ("unlock it, and /retry", "unlock it"),
        ("top it up, or ask another with /model", "top it up"),
        ("the message is kept: /model asks one that does, and then /retry", ""),
        ("/retry asks again; token_timeout waits longer", "token_timeout waits longer"),
    ],
)
def test_outside_a_chat_nobody_is_told_to_type_a_slash_command(hint: str, outside: str) -> None:
    assert ProviderError("it failed", hint).hint_for_the_shell == outside
