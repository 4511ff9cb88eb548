"""Hatchling's build hook: packs `workers` inside `smsgate`, and the commit that was built.

A wheel must not install a module with a name as general as `workers`; `smsgate run` finds it.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]  # of a configuration that we do not read
    """Adds what stands elsewhere in the repository, or nowhere."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add files to a wheel or a source distribution; an editable install needs none."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        build = importlib.import_module("smsgate.process.build")
        added = build_data["force_include"]
        if self.target_name == "wheel":
            added[str(Path(self.root) / "workers")] = "smsgate/workers"
        commit = build.commit_of(Path(self.root))
        if commit:
            self._folder = tempfile.TemporaryDirectory()
            file = Path(self._folder.name) / build.COMMIT_FILE
            file.write_text(f"{commit}\n", encoding="utf-8")
            added[str(file)] = f"smsgate/{build.COMMIT_FILE}"
