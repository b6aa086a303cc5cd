"""Damages a file of lines and fields, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

ODD = (
    "", " ", "-", "NaN", "Infinity", "-0", "1e3", "1e999", "1e-400", "1_000", "1,5", "0x10", "٣",
    "9" * 19, "9" * 70, "1" + "0" * 300, "=1+1", '"', '""', "\ufeff", "2011-02-29 00:00:00",
    "2011-11-05", "1969-12-31 23:59:59", "2200-01-01 00:00:01", "C536379", "0.125", "\u00a01",
)  # fmt: skip
Damage = Callable[[random.Random, bytearray], None]


def somewhere(chance: random.Random, data: bytearray) -> int:
    return chance.randrange(len(data)) if data else 0


def flip(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.randint(1, 20)):
        if data:
            data[somewhere(chance, data)] ^= 1 << chance.randrange(8)


def insert(*texts: bytes) -> Damage:
    def damage(chance: random.Random, data: bytearray) -> None:
        for _ in range(chance.randint(1, 5)):
            at = somewhere(chance, data)
            data[at:at] = chance.choice(texts)

    return damage


def cut_out(chance: random.Random, data: bytearray) -> None:
    at = somewhere(chance, data)
    del data[at : at + chance.choice([1, 3, 30, 300, 3000])]


def truncate(chance: random.Random, data: bytearray) -> None:
    del data[somewhere(chance, data) :]


def on_a_line(change: Callable[[random.Random, list[bytes]], list[bytes]]) -> Damage:
    """Change the fields of some lines."""

    def damage(chance: random.Random, data: bytearray) -> None:
        lines = bytes(data).split(b"\n")
        for _ in range(chance.randint(1, 10)):
            at = chance.randrange(len(lines))
            lines[at] = b",".join(change(chance, lines[at].split(b",")))
        data[:] = b"\n".join(lines)

    return damage


def swap(chance: random.Random, fields: list[bytes]) -> list[bytes]:
    one, other = chance.randrange(len(fields)), chance.randrange(len(fields))
    fields[one], fields[other] = fields[other], fields[one]
    return fields


def odd(chance: random.Random, fields: list[bytes]) -> list[bytes]:
    fields[chance.randrange(len(fields))] = chance.choice(ODD).encode()
    return fields


def move_lines(chance: random.Random, data: bytearray) -> None:
    lines = bytes(data).split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one:one] = lines[other : other + chance.randint(0, 5)]
    del lines[other : other + chance.randint(0, 5)]
    data[:] = b"\n".join(lines)


def head(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(70)
    data[at : at + chance.randint(0, 3)] = chance.choice([b"", b",", b'"', b"\n", b"\0", b"\xff"])


def line_ends(chance: random.Random, data: bytearray) -> None:
    data[:] = bytes(data).replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n"]))


def transcode(chance: random.Random, data: bytearray) -> None:
    at = somewhere(chance, data)
    end = at + chance.choice([1, 200, 20_000])
    text = bytes(data[at:end]).decode("utf-8", "replace")
    data[at:end] = text.encode(chance.choice(["utf-16", "cp1252", "utf-8-sig"]), "replace")


DAMAGES: tuple[Damage, ...] = (
    flip,
    insert(b'"', b'""', b',"', b'"\n', b"'"),
    insert(b"\n", b"\r", b"\r\n", b"\0", b",", b";", "\u2028\x85\x1c\x0b".encode()),
    insert(b"\xff", b"\x80", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf"),
    insert(b'"' + b"x" * 140_000, b"y" * 140_000),
    cut_out,
    truncate,
    on_a_line(swap),
    on_a_line(odd),
    on_a_line(lambda chance, fields: fields[: chance.randrange(len(fields) + 1)]),
    move_lines,
    head,
    line_ends,
    transcode,
)  # fmt: skip


def damaged(extract: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    data = bytearray(extract)
    for _ in range(chance.randint(1, 6)):
        chance.choice(DAMAGES)(chance, data)
    return bytes(data)
