"""The keys of an account in ``smsgate.toml`` that a provider reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One key of ``[accounts.X]`` that a provider reads."""

    name: str
    pattern: str
    """Regular expression that a whole value must match; of a secret, each of its values."""
    what: str
    """What would be right, to follow "must be": ``AC and 32 hexadecimal digits``."""
    secret: bool = False
    chosen: bool = False
    """Whether the operator makes the secret up, so that it must not be one that can be guessed."""
    required: bool = True
    only_with: tuple[str, str] | None = None
    """Required only where another key has this value, such as ``("algorithm", "hmac-sha256")``."""
    path_with: tuple[str, str] | None = None
    """Where another key has this value, it ends the webhook's address: ``PATH_SECRET`` then says
    what its values must be."""
    goes_to: tuple[str, ...] = ()
    """Of a secret: the keys that say to which host it is sent."""


def secret_field(
    name: str,
    what: str,
    pattern: str = r"[!-~]+",
    *,
    required: bool = True,
    only_with: tuple[str, str] | None = None,
    path_with: tuple[str, str] | None = None,
    goes_to: tuple[str, ...] = (),
) -> Field:
    """Return the field of a secret, by default any text of visible ASCII characters."""
    return Field(
        name,
        pattern,
        what,
        secret=True,
        required=required,
        only_with=only_with,
        path_with=path_with,
        goes_to=goes_to,
    )


REGION = Field("region", r"[A-Z]{2}", "two capital letters, such as US", required=False)
