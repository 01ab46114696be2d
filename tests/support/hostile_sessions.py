"""Session files as somebody would write them who wants the reader to fall: small ones, by seed.

    for name, data in hostile_files(2000, seed=1): ...

Each is a sound file with one to three things done to it, or something that was never sound.
Values are JSON texts and not Python values, so that what no writer of JSON makes can be there too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TypeAlias

Fields: TypeAlias = list[tuple[str, str]]
Records: TypeAlias = list[Fields]
Harm: TypeAlias = Callable[[Records, random.Random], None]

HEADER: Fields = [("chatcli", "1"), ("id", '"01K"'), ("created", '"2026-11-23T04:18:00Z"')]
KEYS = (
    *("chatcli", "id", "parent", "role", "content", "time", "model", "usage", "finish", "branch"),
    *("head", "undone", "title", "persona", "pinned", "muted", "created", "__class__", "", "id "),
    *("images", "spent", "set", "marked", "as", "summary", "until", "covers", "merged", "source"),
)
DEEP = "[" * 3000 + "]" * 3000
VALUES = (
    *("null", "true", "false", "0", "-1", "-0", "1.5", "1e999", "-1e999", "9007199254740993"),
    *("NaN", "Infinity", "-Infinity", "1" * 400, "1" * 5000, "-" + "9" * 5000, "0." + "3" * 5000),
    *("[]", "{}", "[[]]", '{"a":1,"a":2}', DEEP, '{"a":' * 3000 + "1" + "}" * 3000, "[" * 3000),
    *('""', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u2028\\u2029\\u0085"', '"\u2028"'),
    *('"\\u001b]0;owned\\u0007"', '"\x1b[2J"', '"\u202e"', '"\\n"', '"\n"', '"\t"', '"\x00"'),
    *('"a0"', '"a1"', '"a2"', '"a9"', '"nowhere"', '"main"', '"user"', '"assistant"', '"system"'),
    *('"root"', '"tool"', '"USER"', '"user "', '"developer"', '"../../etc/passwd"', '"C:\\\\"'),
    *('"' + "x" * 200 + '"', '"' + "x" * 100_000 + '"', '"' + "\u0301" * 5000 + '"', "'a'", "a"),
    *('{"prompt_tokens":-1,"completion_tokens":1}', '{"prompt_tokens":1e400}', '["a0","a0"]'),
    *('{"prompt_tokens":' + "9" * 4000 + ',"completion_tokens":1}', '["a1",7,null]', ","),
)


def hostile_files(count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents; the same seed gives the same files."""
    dice = random.Random(seed)
    for number in range(count):
        kind = dice.choices((_harmed, _foreign, _broken), (7, 2, 2))[0]
        yield f"{number:05}-{kind.__name__.strip('_')}.json", kind(dice)


def _harmed(dice: random.Random) -> bytes:
    records = _sound(dice)
    for _ in range(dice.randint(1, 3)):
        dice.choice(HARMS)(records, dice)
    return _written(records)


def _foreign(dice: random.Random) -> bytes:
    """A list of messages in another program's form, some of them wrong."""
    items = [
        _object([("role", '"user"'), ("content", '"Hello"')]),
        _object([("role", dice.choice(VALUES)), ("content", '"Hello"')]),
        _object([("role", '"assistant"'), ("content", dice.choice(VALUES))]),
        dice.choice(VALUES),
    ]
    listed = f"[{', '.join(dice.sample(items, dice.randint(0, len(items))))}]"
    messages = dice.choice((listed, dice.choice(VALUES)))
    form = dice.choice((listed, _object([("messages", messages)]), dice.choice(VALUES)))
    return form.encode(errors="surrogatepass")


def _broken(dice: random.Random) -> bytes:
    """Bytes that are no JSON, or a sound file after an accident."""
    data = bytearray(_written(_sound(dice)))
    match dice.randrange(8):
        case 0:
            return dice.randbytes(dice.randrange(3000))
        case 1:
            return b"[\n" + dice.randbytes(300) + b"\n" + bytes(data)
        case 2:
            return bytes(data).decode().encode(dice.choice(("utf-16", "utf-32", "utf-8-sig")))
        case 3:
            return bytes(data).replace(b"\n", dice.choice((b"\r\n", b"\r", b"", b"\0")))
        case 4:
            return bytes(data) + dice.choice((bytes(data), b"\0" * 5000, b"x", b"\n" * 5000))
        case 5:
            return bytes(data[dice.randrange(len(data)) :])
        case 6:
            return bytes(data[: dice.randrange(len(data))])
    for _ in range(dice.randint(1, 30)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data)


def _sound(dice: random.Random) -> Records:
    records = [HEADER]
    for number in range(dice.randint(1, 8)):
        parent = "null" if number == 0 else f'"a{number - 1}"'
        role = "user" if number % 2 == 0 else "assistant"
        said = [("id", f'"a{number}"'), ("parent", parent), ("role", f'"{role}"')]
        records.append([*said, ("content", f'"text {number} ❯"'), ("time", '"2026"')])
    head = f'"a{len(records) - 2}"'
    return [*records, [("branch", '"main"'), ("head", head)], [("title", '"harm"')]]


def _written(records: Records) -> bytes:
    lines = ",\n".join(map(_object, records))
    return f"[\n{lines}\n]\n".encode(errors="surrogatepass")


def _object(fields: Fields) -> str:
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields) + "}"


# What can be done to sound records


def wrong_value(records: Records, dice: random.Random) -> None:
    number = dice.randrange(len(records))
    fields = [*records[number]]
    if fields:
        at = dice.randrange(len(fields))
        fields[at] = (fields[at][0], dice.choice(VALUES))
    records[number] = fields


def further_key(records: Records, dice: random.Random) -> None:
    number = dice.randrange(len(records))
    records[number] = [*records[number], (dice.choice(KEYS), dice.choice(VALUES))]


def missing_key(records: Records, dice: random.Random) -> None:
    number = dice.randrange(len(records))
    if records[number]:
        records[number] = dice.sample(records[number], len(records[number]) - 1)


def missing_record(records: Records, dice: random.Random) -> None:
    if len(records) > 1:
        del records[dice.randrange(len(records))]


def doubled_record(records: Records, dice: random.Random) -> None:
    records.insert(dice.randrange(len(records) + 1), dice.choice(records))


def other_order(records: Records, dice: random.Random) -> None:
    dice.shuffle(records)


def cycle(records: Records, dice: random.Random) -> None:
    """Hang two messages on each other, or one on itself."""
    one, two = f'"a{dice.randrange(4)}"', f'"a{dice.randrange(4)}"'
    for fields in records:
        for child, parent in ((one, two), (two, one)):
            if ("id", child) in fields:
                fields[:] = [(key, parent if key == "parent" else old) for key, old in fields]


def long_line(records: Records, dice: random.Random) -> None:
    """Thousands of branches, or heads to come back to."""
    if dice.random() < 0.5:
        records += [[("branch", f'"b{n}"'), ("head", '"a0"')] for n in range(2000)]
    else:
        undone = ",".join(['"a0"'] * 20_000)
        records.append([("branch", '"main"'), ("head", '"a0"'), ("undone", f"[{undone}]")])


HARMS: tuple[Harm, ...] = (
    *(wrong_value, wrong_value, wrong_value, further_key, missing_key, missing_record),
    *(doubled_record, other_order, cycle, long_line),
)
