"""Work that says where it would wait, so that a thread that may not wait can do it, too.

Such work is a generator. It yields what may take a while as something to be called, and is given
what that gave, or its error. ``walk`` does each step at once and waits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from smsgate.messages import Added, Arrival
from smsgate.store.together import Together

T = TypeVar("T")
Step: TypeAlias = Callable[[], Any]
Steps: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Keep:
    """The step that stores arrivals: whoever does many at once may carry them together."""

    together: Together
    arrivals: Sequence[Arrival]

    def __call__(self) -> tuple[list[Added], list[int]]:
        """Gives what became of each, and the lanes that want a job. Raises ``StoreUnavailable``."""
        return self.together.add(self.arrivals)


def walk(steps: Steps[T]) -> T:
    """Do all steps, one after the other, and give what comes of them."""
    try:
        step = next(steps)
        while True:
            try:
                given = step()
            except Exception as error:  # noqa: BLE001 - it is for the steps to say what comes of it
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as end:
        found: T = end.value
        return found
