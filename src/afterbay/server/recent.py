"""What is costly to make and never changes, kept for who asks again soon."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Recent"]

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """The things asked for last, of which the oldest go when all together weigh too much; for many threads.

    Args:
        most: Greatest sum of weights; a thing that weighs more by itself is not kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sum = 0
        self._kept: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()
        self._lock = Lock()

    def find(self, key: _Key, make: Callable[[], _Value], weigh: Callable[[_Value], int] = lambda _: 1) -> _Value:
        """Return what belongs to a key, made now if it is not at hand; an error of `make` is not kept.

        Two who ask at the same time may both make it: nobody waits for another.

        Args:
            key: Must name the content for ever, such as a hash or the id of something that is never changed.
            make: Makes it; nobody may change what it returns.
            weigh: Weight of what was made, at least 0.
        """
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found[0]
        value = make()
        weight = weigh(value)
        with self._lock:
            if key not in self._kept and weight <= self._most:
                self._kept[key] = value, weight
                self._sum += weight
                while self._sum > self._most:
                    self._sum -= self._kept.popitem(last=False)[1][1]
        return value

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)
