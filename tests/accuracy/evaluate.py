"""Scores on labelled texts, with other systems' rules in the same table.

    make eval        print the tables and write the first one of docs/accuracy.md

The model was trained on all of these texts. What it would score on texts of other people is what
cross-validation says (``make train ARGS="--folds 5 --keep FOLDER"``).
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from smsgate.features.keyword_editor.replay import label_of  # noqa: E402 - run as a script
from tests.accuracy.peers import PEERS  # noqa: E402
from tests.accuracy.texts import FRESH, HOW, OUT, Labelled, classifier, labelled, named  # noqa: E402

Decide = Callable[[str], str]
PAGE = ROOT / "docs" / "accuracy.md"
MARKS = "<!-- written by make eval -->\n", "<!-- to here -->\n"
"""Between what the table stands on the page."""
SHOWN = (
    "opt-outs suppressed",
    "suppressed or held",
    "ordinary texts suppressed",
    "held",
    "opt-in",
    "help",
    "scope all",
    "left to a person: suppressed, held",
)
GOALS = ("98 %", "99.5 %", "1 of 500", "2 %", "95 %", "95 %", "95 %", "-")
LABELS = ("opt_out", "opt_out_all", "how_to_leave", "review", "help", "opt_in", "none")
HEADINGS = (
    "", "opt-outs suppressed", "suppressed or held", "ordinary texts suppressed",
    "ordinary texts held", "opt-in", "help answered or held", "how to leave held", "scope all",
)  # fmt: skip


def smsgate() -> Decide:
    """Every shipped language, a program of region US."""
    return lambda text: label_of(classifier().classify(text))


def row(name: str, got: Counter[tuple[str, str]]) -> str:
    """One line of a table; ``got`` counts labels with what they were decided as."""
    totals: Counter[str] = Counter()
    for (label, _), count in got.items():
        totals[label] += count
    outs = sum(totals[label] for label in OUT)
    at_once = sum(got[label, kind] for label in OUT for kind in OUT)
    held = sum(got[label, "review"] for label in OUT)
    parts = [
        name,
        share(at_once, outs),
        share(at_once + held, outs),
        str(sum(got["none", kind] for kind in OUT)),
        share(got["none", "review"], totals["none"]),
        share(got["opt_in", "opt_in"], totals["opt_in"]),
        share(got["help", "help"] + got["help", "review"], totals["help"]),
        share(got[HOW, "review"], totals[HOW]),
        share(got["opt_out_all", "opt_out_all"], totals["opt_out_all"]),
    ]
    return "| " + " | ".join(parts) + " |"


def share(part: int, whole: int) -> str:
    """A percentage, and of how many."""
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "-"


def headings(names: Sequence[str]) -> list[str]:
    """The first lines of a table."""
    return ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]


def counted(texts: Iterable[Labelled], kinds: Iterable[str]) -> Counter[tuple[str, str]]:
    """Labels with what they were decided as."""
    return Counter((one.label, kind) for one, kind in zip(texts, kinds, strict=True))


def files() -> dict[str, list[Labelled]]:
    """The texts by file; those of a folder together."""
    found: defaultdict[str, list[Labelled]] = defaultdict(list)
    for name in named():
        found[name if name.startswith("looks/") else name.partition("/")[0]] += labelled(name)
    return dict(found)


def by_file(texts: dict[str, list[Labelled]], got: dict[str, list[str]]) -> list[str]:
    """smsgate file by file."""
    return [
        *headings(HEADINGS),
        *(row(name, counted(here, got[name])) for name, here in texts.items()),
    ]


def first_table(texts: Sequence[Labelled], ours: Sequence[str]) -> list[str]:
    """The first table of the page: us and other systems' rules; ``ours`` is what we decided."""
    names = " and ".join(f"`{name}`" for name in FRESH)
    lines = headings((f"{names}, {len(texts)} texts", *SHOWN))
    lines.append("| goal | " + " | ".join(GOALS) + " |")
    lines.append(_first_row("**smsgate**", counted(texts, ours)))
    for name, rule in PEERS.items():
        kinds = ["opt_out" if rule(one.text) else "none" for one in texts]
        lines.append(_first_row(name, counted(texts, kinds)))
    return lines


def _first_row(name: str, got: Counter[tuple[str, str]]) -> str:
    """One system in that table."""
    cells = row(name, got).strip("| ").split(" | ")
    ordinary = sum(count for (label, _), count in got.items() if label == "none")
    unclear = sum(count for (label, _), count in got.items() if label == "review")
    stopped = sum(got["review", kind] for kind in OUT)
    chosen = [re.sub(" of .*", "", cells[at]) for at in (0, 1, 2, 3, 4, 5, 6, 8)]
    chosen[3] += f" of {ordinary}"
    chosen.append(f"{stopped}, {got['review', 'review']} of {unclear}")
    return "| " + " | ".join(chosen) + " |"


def details(texts: Sequence[Labelled], kinds: Sequence[str]) -> list[str]:
    """By label, language and phenomenon, all files together."""
    got = counted(texts, kinds)
    lines = ["## by label", "", *headings(("label", *LABELS))]
    for label in LABELS:
        cells = " | ".join(str(got[label, kind]) for kind in LABELS)
        lines.append(f"| {label} | {cells} |")
    lines += grouped("language", [one.language for one in texts], texts, kinds)
    return lines + grouped("phenomenon", [one.phenomenon or "-" for one in texts], texts, kinds)


def grouped(
    title: str, groups: Iterable[str], texts: Iterable[Labelled], kinds: Iterable[str]
) -> list[str]:
    """A table by group."""
    found: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for group, one, kind in zip(groups, texts, kinds, strict=True):
        found[group][one.label, kind] += 1
    lines = ["", f"## by {title}", "", *headings(HEADINGS)]
    return lines + [row(group, got) for group, got in sorted(found.items())]


def with_table(page: str, table: Iterable[str]) -> str:
    """The page with another table between the marks."""
    first, last = MARKS
    before, _, rest = page.partition(first)
    return before + first + "\n" + "\n".join(table) + "\n\n" + last + rest.partition(last)[2]


def main() -> None:
    """Print the tables and write the one of the page."""
    decide, texts = smsgate(), files()
    got = {name: [decide(one.text) for one in here] for name, here in texts.items()}
    exam = [one for name in FRESH for one in texts[name]]
    table = first_table(exam, [kind for name in FRESH for kind in got[name]])
    every = [one for here in texts.values() for one in here]
    kinds = [kind for here in got.values() for kind in here]
    print("\n".join([*by_file(texts, got), "", *table, *details(every, kinds)]))  # noqa: T201 - a script
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), table), "utf-8")


if __name__ == "__main__":
    main()
