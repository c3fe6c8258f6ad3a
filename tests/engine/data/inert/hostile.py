"""Reads hostile pickles while a spy listens; a process of its own, for a spy cannot be taken off again."""

from __future__ import annotations

import gc
import io
import json
import random
import resource
import struct
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from fuse_engine.core.errors import FuseError
from fuse_engine.data.inert import read_content

HEARD = (
    "os.",
    "subprocess.",
    "exec",
    "compile",
    "import",
    "socket.",
    "shutil.",
    "pickle.",
    "ctypes.",
    "object.__",
)


def text(word: str) -> bytes:
    return b"\x8c" + bytes([len(word)]) + word.encode()


def name(module: str, attribute: str) -> bytes:
    return text(module) + text(attribute) + b"\x93"


def pickled(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


def column(values: bytes) -> bytes:
    """A sound frame of one row whose only block holds `values`."""
    index = name("pandas", "_new_Index") + name("pandas", "RangeIndex") + b"}(" + text("name") + b"N"
    index += text("start") + b"K\x00" + text("stop") + b"K\x01" + text("step") + b"K\x01u\x86R"
    place = name("builtins", "slice") + b"K\x00K\x01K\x01\x87R"
    block = name("pandas._libs.internals", "_unpickle_block") + values + place + b"K\x02\x87R"
    manager = (
        name("pandas.core.internals.managers", "BlockManager") + block + b"\x85" + b"](" + index + index + b"e"
    )
    return pickled(name("pandas", "DataFrame"), b")\x81}", text("_mgr"), manager + b"\x86R", b"sb")


def sized(count: int) -> bytes:
    """The beginning of an array of `count` values."""
    return ARRAY.replace(b"K\x01\x85", b"\x8a\x06" + count.to_bytes(6, "little") + b"\x85")


SHELL = text("touch executed")
DTYPE = name("numpy", "dtype")
I8 = DTYPE + text("i8") + b"\x89\x88\x87R"
FIELDS = DTYPE + text("V8") + b"\x89\x88\x87R(K\x03" + text("|") + b"N" + text("f") + b"\x85}" + text("f") + I8
FIELDS += b"J" + struct.pack("<i", 2_000_000_000) + b"\x86sK\x08K\x01K\x00tb"
OBJECTS = DTYPE + text("O8") + b"\x89\x88\x87R(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
ARRAY = (
    name("numpy._core.multiarray", "_reconstruct")
    + name("numpy", "ndarray")
    + b"K\x00\x85C\x01b\x87R(K\x01K\x01\x85"
)
LISTS = b"]\x94" + b"".join(b"0](h" + bytes([n]) + b"h" + bytes([n]) + b"e\x94" for n in range(35))
TUPLES = b")\x94" + b"".join(b"0h" + bytes([n]) + b"h" + bytes([n]) + b"\x86\x94" for n in range(35))
HUGE = b"\x8b" + struct.pack("<i", 1 << 20) + b"\x7f" * (1 << 20)
LONG = b"\x8d" + struct.pack("<Q", 1 << 20) + b"x" * (1 << 20)
NESTED = name("pandas", "_new_Index") + b"\x94" + name("pandas", "Index") + b"\x94" + text("data") + b"\x94000"
NESTED += b"h\x00h\x01}h\x02" * 5000 + b"N" + b"s\x86R" * 5000

ATTACKS = {
    "os.system": pickled(name("os", "system"), SHELL, b"\x85R"),
    "a dotted name": pickled(name("pandas", "io.common.os.system"), SHELL, b"\x85R"),
    "a module of a module": pickled(name("pandas.io.common", "os.system"), SHELL, b"\x85R"),
    "a pickle in a pickle": pickled(name("pandas", "read_pickle"), text("other.pkl"), b"\x85R"),
    "eval": pickled(name("builtins", "eval"), text("1/0"), b"\x85R"),
    "numpy's runstring": pickled(name("numpy.testing._private.utils", "runstring"), SHELL, b"}\x86R"),
    "protocol 0": b"cos\nsystem\n(S'touch executed'\ntR.",
    "INST": b"(S'touch executed'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'touch executed'\no.",
    "a state for a class": pickled(name("pandas", "Index"), b"N}", text("__len__"), text("x"), b"s\x86b"),
    "a state for a function": pickled(name("pandas", "_new_Index"), b"}", text("__kwdefaults__"), b"}sb"),
    "os.system in a cell": column(ARRAY + OBJECTS + b"\x89](" + name("os", "system") + SHELL + b"\x85Retb"),
    "os.system as a zone": column(
        name("pandas._libs.tslibs.timestamps", "_unpickle_timestamp") + b"(K\x00N" + name("os", "system") + SHELL
        + b"\x85RK\ntR"
    ),
    "fields out of bounds": column(ARRAY + FIELDS + b"\x89C\x08" + b"A" * 8 + b"tb"),
    "bytes as pointers": column(ARRAY + OBJECTS + b"\x89C\x08" + b"A" * 8 + b"tb"),
    "a size that lies": column(sized(10**11) + I8 + b"\x89C\x08" + b"A" * 8 + b"tb"),
    "memory never written": column(name("numpy", "ndarray") + b"M\xff\x7f\x85" + text("u1") + b"\x86R"),
    "a memo far away": b"\x80\x04Nr\xff\xff\xff\x7f.",
    "bytes that lie": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
    "a number that lies": b"\x80\x04\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",
    "tuples without end": b"\x80\x04N" + b"\x85" * 100_000 + b".",
    "lists without end": b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "a list in itself": b"\x80\x04]q\x00h\x00a.",
    "a cell in itself": column(ARRAY + OBJECTS + b"\x89](]\x94h\x00aetb"),
    "a cell that doubles": column(ARRAY + OBJECTS + b"\x89](" + LISTS + b"etb"),
    "a key that doubles": column(ARRAY + OBJECTS + b"\x89](}" + TUPLES + b"Nsetb"),
    "a megabyte a million times": column(
        sized(1_000_000) + OBJECTS + b"\x89](" + LONG + b"\x94" + b"h\x00" * 999_999 + b"etb"
    ),
    "a range without end": column(I8).replace(
        text("stop") + b"K\x01", text("stop") + b"\x8a\x06" + b"\xff" * 5 + b"\x7f"
    ),
    "an axis without values": column(sized(2**46)[:-1] + b"K\x00\x86" + I8 + b"\x89C\x00tb"),
    "an index in an index": column(NESTED),
    "a key that is a list": b"\x80\x04}]Ns.",
    "a persistent id": b"Pabc\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "a buffer from elsewhere": b"\x80\x05\x97.",
    "digits": b"I" + b"9" * 200_000 + b"\n.",
    "a huge number in a cell": column(ARRAY + OBJECTS + b"\x89](" + HUGE + b"etb"),
    "an escape of no kind": b"S'\\d'\n.",
    "an empty stack": b"\x80\x04a.",
    "nothing": b"",
    "no pickle": b"id,fold\na,1\n",
    "a list of rows": pickled(b"](", text("a"), b"e"),
}  # fmt: skip


def sound() -> list[bytes]:
    """Frames of this pandas, of every kind of column, and those of the older ones."""
    days = pd.to_datetime(["2020-01-02", None, "2021-07-01"])
    frame = pd.DataFrame(
        {
            "id": ["a", "b", "c"], "age": [1.5, np.nan, 2], "fold": [0, 1, 2], "day": days,
            "ok": [True, False, True],
            "zoned": days.tz_localize("Europe/Berlin"), "side": pd.Categorical(["L", None, "R"]),
            "big": pd.array([1, None, 3], dtype="Int64"), "wait": pd.to_timedelta([1, None, 3], unit="h"),
            "cell": pd.Series([[1, {"k": (2,)}], pd.Timestamp("2020-01-02"), np.arange(3)], dtype=object),
            "arrow": pd.array([1.5, None, 3], dtype="double[pyarrow]"),
        }
    )  # fmt: skip
    found = []
    for one in (frame, frame.set_index(["id", "fold"]), frame[["id"]].T):
        for protocol in (0, 2, 4, 5):
            file = io.BytesIO()
            one.to_pickle(file, protocol=protocol)
            found.append(file.getvalue())
    older = Path(__file__).parents[1] / "pickles"
    return found + [path.read_bytes() for path in older.glob("*.pkl")]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Change, drop, add and exchange a few bytes."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(found))
        end = place + rng.randint(1, 8)
        change = rng.randrange(4)
        if change == 0:
            found[place] = rng.randrange(256)
        elif change == 1 and len(found) > 64:
            del found[place:end]
        elif change == 2:
            found[place:place] = bytes(
                [rng.choice(b"()NKMJ]}ael\x85\x86\x87\x93Rbst.\x94hjrq\x8c\x81\x92\x8f\x90")]
            )
        else:
            other = rng.randrange(len(content))
            found[place:place] = content[other : other + rng.randint(1, 40)]
    return bytes(found)


def outcome(content: bytes) -> str:
    """Read, and say what came of it."""
    try:
        return f"read: {read_content(content).num_rows} rows"
    except FuseError as error:
        return f"refused: {error}"
    except Exception as error:  # noqa: BLE001 what comes through is what the test looks for
        return f"{type(error).__name__}: {error}"


def main(count: int) -> None:
    warnings.simplefilter("error")
    samples = sound()
    first = [outcome(content) for content in samples]
    heard: list[str] = []

    def spy(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        if writes or event.startswith(HEARD):
            heard.append(f"{event} {arguments!r:.80}")

    sys.addaudithook(spy)
    resource.setrlimit(resource.RLIMIT_CPU, (240, 240))
    results = {}
    for label, content in ATTACKS.items():
        start = time.process_time()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        results[label] = [outcome(content), time.process_time() - start]
        results[label].append((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
        gc.collect()
    rng = random.Random(0)
    mutants = Counter(outcome(mutated(rng.choice(samples), rng)).split(":")[0] for _ in range(count))
    print(json.dumps({"sound": first, "attacks": results, "mutants": mutants, "heard": heard}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
