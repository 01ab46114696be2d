"""A keyring as a system has one, for a machine that has none: a backend of the real `keyring`.

`PYTHON_KEYRING_BACKEND=tests.support.keychain_file.FileKeyring` puts it to use. It keeps what it is
given in the file that KEYCHAIN_FILE names, and is locked while there is one beside that which ends
in `.locked`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class FileKeyring(KeyringBackend):
    priority = 5  # as the backends of real systems state theirs

    def get_password(self, service: str, username: str) -> str | None:
        return self._entries().get(f"{service}: {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._entries(), f"{service}: {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        entries = self._entries()
        if entries.pop(f"{service}: {username}", None) is None:
            raise PasswordDeleteError("not there")
        self._write(entries)

    def _entries(self) -> dict[str, str]:
        file = Path(os.environ["KEYCHAIN_FILE"])
        if file.with_name(f"{file.name}.locked").exists():
            raise KeyringLocked("locked")
        entries: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        return entries

    def _write(self, entries: dict[str, str]) -> None:
        Path(os.environ["KEYCHAIN_FILE"]).write_text(json.dumps(entries))
