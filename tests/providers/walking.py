"""One test for each provider and promise: it walks over the provider's recorded webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from tests.providers.recorded import Recorded

AS_RECORDED: Mapping[str, tuple[object, ...]] = {"": ()}


def over(
    recordings: Iterable[Recorded], ways: Mapping[str, tuple[object, ...]] = AS_RECORDED
) -> Callable[[Callable[..., None]], Callable[[str], None]]:
    """Make a promise about one recorded webhook a test of each provider that has such ones.

    Every recording is tried whatever became of those before it, and all that break the promise
    are named. A test for each of them would cost far more than what is tried.

    Args:
        recordings: the webhooks that the promise is about.
        ways: by name what else the promise is given; it is tried in each of these ways.
    """
    by_provider: dict[str, list[Recorded]] = {}
    for one in recordings:
        by_provider.setdefault(one.provider, []).append(one)

    def made(promise: Callable[..., None]) -> Callable[[str], None]:
        @pytest.mark.parametrize("provider", sorted(by_provider))
        def walk(provider: str) -> None:
            broken = [
                (f"{recorded} {way}".rstrip(), error)
                for recorded in by_provider[provider]
                for way, given in ways.items()
                if (error := _what_breaks(promise, recorded, given))
            ]
            if broken:
                told = [f"{name}: {type(error).__name__}: {error}" for name, error in broken]
                raise AssertionError("\n".join(told)) from broken[0][1]

        walk.__doc__ = promise.__doc__
        return walk

    return made


def _what_breaks(
    promise: Callable[..., None], recorded: Recorded, given: tuple[object, ...]
) -> BaseException | None:
    try:
        promise(recorded, *given)
    # Whatever it is, it is told with the name of the recording. What pytest.raises raises where
    # nothing was raised is no Exception.
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001
        return error
    return None
