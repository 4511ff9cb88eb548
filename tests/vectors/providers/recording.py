"""What the scripts that write recorded webhooks have in common; README.md has the keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NO_JSON = {"payload": "invented: no JSON at all"}
LACKS_FIELD = {"payload": "invented: a text without a field that each has"}


class Recorder:
    """Writes the recorded webhooks of one provider, each into a file beside its script."""

    def __init__(
        self, script: str, payload: str, signature: str, **others: Mapping[str, str]
    ) -> None:
        """Note the provenance of the files: ``payload``, ``signature``; of ``others`` as given."""
        self._folder = Path(script).parent
        self._provenance = {"payload": payload, "signature": signature}
        self._others = others

    def write(self, name: str, what: str, content: Mapping[str, Any]) -> None:
        provenance = {**self._provenance, **self._others.get(name, {})}
        whole = {"what": what, "provenance": provenance, **content}
        text = json.dumps(whole, ensure_ascii=False, indent=2)
        (self._folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def message_fields(message_id: str, text: str = "STOP", **more: object) -> dict[str, object]:
    """What becomes of a text from the number of the tests to their sender."""
    addresses = {"number": "+14155550123", "sender": "+14155550100"}
    return {"message_id": message_id, **addresses, "text": text, **more}
