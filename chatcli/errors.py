"""Everything that can go wrong, as one tree.

    ChatcliError                 exit code 1
    ├── UsageError               2: a flag, a variable or a file of the user's is wrong
    │   ├── PersonaError         2: a persona can't be found or read
    │   └── AttachmentError      2: a file can't go along with a message
    ├── ProviderError            1: no reply, or half of one
    │   ├── Unreachable          no connection, or it broke
    │   ├── Refused              the key, the model or the request is not accepted
    │   ├── RateLimited          too many requests, or the account is out of credit
    │   ├── Overflow             the conversation is longer than the model can read
    │   ├── NoImages             the server said that the model takes no images
    │   ├── ServerFailed         the server said that it failed
    │   ├── BadReply             what came is not a reply
    │   └── EngineUnavailable    the embedded model can't be started
    ├── BudgetError              1: the newest message alone is larger than the budget
    └── StorageError             1: the disk, a file or a lock
        ├── BadName              2: not a name that a session can have
        ├── NoSuchSession        2: nothing is stored under that name
        ├── BadSession           1: a file that is no session
        └── SessionInUse         1: another process is writing it

An error's text says what happened; its `hint` says what to do next. Errors of other libraries
become one of these in the one place that calls the library, with ``raise … from``.
"""

from __future__ import annotations

import re
from typing import Final

_ADVICE: Final = re.compile(r"(?<=\?) |; |, (?:or |and )?(?:then )?(?=/)|, or ")
_FLAG_OR_COMMAND: Final = re.compile(r"(--[a-z-]+) or /[a-z]+")
_COMMAND: Final = re.compile(r"(?:^|\s)/[a-z]+(?![\w/.])")


class ChatcliError(Exception):
    """Base of all errors that a user may meet.

    `message` and `hint` are plain sentences without a full stop at their end.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def hint_in(self, chat: str) -> str:
        """The hint for somebody at a shell, whom the command line `chat` would bring to a chat."""
        hint = _FLAG_OR_COMMAND.sub(r"\1", self.hint)
        return f"{hint} (in {chat})" if _COMMAND.search(hint) else hint

    @property
    def hint_for_the_shell(self) -> str:
        """The hint without advice that takes a slash-command: outside a chat there is none."""
        hint = _FLAG_OR_COMMAND.sub(r"\1", self.hint)
        if not _COMMAND.search(hint):
            return hint
        advice = _ADVICE.split(hint)
        return "; ".join(each for each in advice if not _COMMAND.search(each))


class UsageError(ChatcliError):
    exit_code = 2


class PersonaError(UsageError):
    pass


class AttachmentError(UsageError):
    pass


class ProviderError(ChatcliError):
    """The model gave no reply, or only a part of one.

    `retryable` says that the same request may succeed when sent again unchanged;
    `retry_after` is the server's own wish in seconds, where it stated one.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.retryable = retryable
        self.retry_after = retry_after


class Unreachable(ProviderError):
    pass


class Refused(ProviderError):
    pass


class RateLimited(ProviderError):
    pass


class Overflow(ProviderError):
    """The server measured the prompt and found it too long.

    `limit` and `prompt_tokens` are in tokens, None where the server did not say.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        limit: int | None = None,
        prompt_tokens: int | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.limit = limit
        self.prompt_tokens = prompt_tokens


class NoImages(ProviderError):
    pass


class ServerFailed(ProviderError):
    pass


class BadReply(ProviderError):
    pass


class EngineUnavailable(ProviderError):
    pass


class BudgetError(ChatcliError):
    pass


class StorageError(ChatcliError):
    pass


class BadName(StorageError):
    exit_code = 2


class NoSuchSession(StorageError):
    exit_code = 2


class BadSession(StorageError):
    pass


class SessionInUse(StorageError):
    pass
