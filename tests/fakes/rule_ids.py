"""The ids of the rules of recognition, as the code gives them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import smsgate
from smsgate.classifier.classifier import BY_MODEL
from smsgate.classifier.keyword_rules import RULES
from smsgate.domain.messages import HOW_TO_LEAVE

_ROOT = Path(smsgate.__file__).parent
_ID = re.compile(r"[a-z]+(?:_[a-z]+)*")


def rule_ids() -> set[str]:
    """Every rule that the classifier, or the way of a text to it, can put into a decision."""
    files = [*(_ROOT / "classifier").glob("*.py"), _ROOT / "pipeline" / "ingest.py"]
    found = {BY_MODEL, HOW_TO_LEAVE, *RULES.values()}
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found |= {rule for node in ast.walk(tree) for rule in _rules_in(node)}
    return found


def _rules_in(node: ast.AST) -> Iterator[str]:
    """Yield the ids in an argument ``rule``, and behind an intent."""
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == "rule":
                yield from _texts(keyword.value)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("decided", "by_keyword"):
            yield from _texts(node.args[2])
    elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and _is_intent(node.elts[0]):
        yield from _texts(node.elts[1])


def _is_intent(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and (
        node.attr == "intent" or (isinstance(node.value, ast.Name) and node.value.id == "Intent")
    )


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and _ID.fullmatch(str(node.value)):
        yield str(node.value)
