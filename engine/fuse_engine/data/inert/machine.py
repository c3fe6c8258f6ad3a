"""Walks through the opcodes of a pickle and records what they say.

`pickle.Unpickler` looks up and calls what a file names, and a list of allowed names is no defence: a class on it
can be changed by BUILD, and numpy's own state setters accept pointers. This machine has nothing to call.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any

from fuse_engine.core.errors import FuseError
from fuse_engine.data.inert.records import Budget, Call, Dict, Global, Set, is_global, kind

_MARK = object()
_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Names of Python 2 that pickles of protocol 2 and older still use."""


def parse(content: bytes, budget: Budget) -> Any:
    """Return what a pickle says: None, bool, int, float, str, bytes, list, tuple, and the records.

    Raises:
        FuseError: when it is no pickle, is damaged, or costs more than the budget.
    """
    machine = _Machine()
    steps = machine.steps()
    try:
        for opcode, argument, _ in pickletools.genops(content):
            budget.spend()
            if opcode.name == "STOP":
                break
            step = steps.get(opcode.name)
            if step is None:
                raise FuseError("the pickle needs what is not in the file", got=opcode.name)
            step(argument)
    # what pickletools says of bytes that are no pickle; invalid escapes warn, and warnings may be errors
    except (ValueError, OverflowError, DeprecationWarning) as error:
        raise _damaged(str(error)[:200]) from None
    return machine.pop()


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def steps(self) -> dict[str, Callable[[Any], None]]:
        """Return what each opcode does with its argument."""
        push = self._stack.append
        found: dict[str, Callable[[Any], None]] = dict.fromkeys(_VALUES, push)
        found |= {name: self._making(make) for name, make in _CONSTANTS.items()}
        found |= {name: self._gathering(make) for name, make in _MARKED.items()}
        found |= {name: self._tying(count) for name, count in _TUPLES.items()}
        found |= dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), self._put)
        found |= dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), self._get)
        found |= dict.fromkeys(("PROTO", "FRAME"), lambda _: None)
        found |= {
            "MARK": lambda _: push(_MARK), "POP": self._discard, "POP_MARK": self._discard_marked,
            "DUP": lambda _: push(self._top()), "BYTEARRAY8": lambda content: push(bytes(content)),
            "MEMOIZE": lambda _: self._put(len(self._memo)), "BUILD": lambda _: self._build(),
            "APPEND": lambda _: self._extend([self.pop()]), "APPENDS": lambda _: self._extend(self._marked()),
            "ADDITEMS": lambda _: self._extend(self._marked()), "SETITEM": lambda _: self._set(self._popped(2)),
            "SETITEMS": lambda _: self._set(self._marked()), "GLOBAL": lambda names: push(_named(names)),
            "STACK_GLOBAL": lambda _: push(_global(*self._popped(2))),
            "INST": lambda names: push(Call(_named(names), tuple(self._marked()))),
            "REDUCE": lambda _: push(_call(*self._popped(2))), "NEWOBJ": lambda _: push(_call(*self._popped(2))),
            "NEWOBJ_EX": lambda _: push(_call_with(*self._popped(3))),
        }  # fmt: skip
        return found

    def _making(self, make: Callable[[], Any]) -> Callable[[Any], None]:
        return lambda _: self._stack.append(make())

    def _gathering(self, make: Callable[[list[Any]], Any]) -> Callable[[Any], None]:
        return lambda _: self._stack.append(make(self._marked()))

    def _tying(self, count: int) -> Callable[[Any], None]:
        return lambda _: self._stack.append(self._popped(count))

    def pop(self) -> Any:
        """Take the top of the stack."""
        value = self._top()
        self._stack.pop()
        return value

    def _top(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise _damaged("nothing on the stack")
        return self._stack[-1]

    def _popped(self, count: int) -> tuple[Any, ...]:
        return tuple(reversed([self.pop() for _ in range(count)]))

    def _discard(self, _: Any) -> None:
        if not self._stack:
            raise _damaged("nothing on the stack")
        self._stack.pop()

    def _marked(self) -> list[Any]:
        """Take what lies above the last mark, and the mark."""
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] is _MARK:
                found = self._stack[place + 1 :]
                del self._stack[place:]
                return found
        raise _damaged("no mark on the stack")

    def _discard_marked(self, _: Any) -> None:
        self._marked()

    def _put(self, index: Any) -> None:
        self._memo[int(index)] = self._top()

    def _get(self, index: Any) -> None:
        if int(index) not in self._memo:
            raise _damaged(f"no memo {int(index)}")
        self._stack.append(self._memo[int(index)])

    def _extend(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, list | Set | Call):
            raise _damaged(f"items for {kind(target)}")
        (target if isinstance(target, list) else target.items).extend(values)

    def _set(self, values: list[Any] | tuple[Any, ...]) -> None:
        target = self._top()
        if not isinstance(target, Dict | Call):
            raise _damaged(f"entries for {kind(target)}")
        target.pairs.extend(_pairs(values))

    def _build(self) -> None:
        state = self.pop()
        target = self._top()
        if not isinstance(target, Call) or target.state is not None:
            raise _damaged(f"a state for {kind(target)}")
        target.state = state


def _damaged(got: str) -> FuseError:
    return FuseError("the file is no pickle, or a damaged one", got=got)


def _pairs(values: list[Any] | tuple[Any, ...]) -> list[tuple[Any, Any]]:
    if len(values) % 2:
        raise _damaged("a key without a value")
    return list(zip(values[::2], values[1::2], strict=True))


def _named(names: str) -> Global:
    module, _, name = names.partition(" ")
    return _global(module, name)


def _global(module: Any, name: Any) -> Global:
    if not isinstance(module, str) or not isinstance(name, str):
        raise _damaged("a name that is no text")
    return Global(_MODULES.get(module, module), name)


def _call(function: Any, args: Any) -> Call:
    if not isinstance(args, tuple):
        raise _damaged("a call without arguments")
    if is_global(function, "copyreg", "_reconstructor") and len(args) == 3:
        return Call(args[0], ())  # how protocols 0 and 1 say `an object of this class`
    return Call(function, args)


def _call_with(function: Any, args: Any, keywords: Any) -> Call:
    if not isinstance(keywords, Dict) or keywords.pairs:
        raise _damaged("a call with named arguments")
    return _call(function, args)


def _object(values: list[Any]) -> Call:
    if not values:
        raise _damaged("an object of no class")
    return Call(values[0], tuple(values[1:]))


_VALUES = (
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8",
)  # fmt: skip
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple, "EMPTY_DICT": Dict, "EMPTY_SET": Set,
}  # fmt: skip
_MARKED: dict[str, Callable[[list[Any]], Any]] = {
    "LIST": list, "TUPLE": tuple, "DICT": lambda values: Dict(_pairs(values)), "FROZENSET": Set, "OBJ": _object,
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
