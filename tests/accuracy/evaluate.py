"""Scores on labelled texts, with other systems' rules in the same table.

    make eval        print the tables and write docs/accuracy.md

``development.tsv`` is the set that the rules were tuned on; ``own.tsv``, ``held_out.tsv`` and
``english.tsv`` were written by the author of the rules, ``languages/`` and ``written/`` by others.
The model was trained on all of them but ``unseen.tsv`` and ``looks/``.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from smsgate.features.keyword_editor.comparison import label_of  # noqa: E402 - run as a script
from tests.accuracy.peers import PEERS  # noqa: E402
from tests.accuracy.texts import OUT, Labelled, classifier, labelled, named  # noqa: E402

Decide = Callable[[str], str]


def smsgate() -> Decide:
    """Every shipped language, a program of region US."""
    return lambda text: label_of(classifier().classify(text))


def rules() -> dict[str, Decide]:
    """All that is compared, by name."""
    peers = {
        name: (lambda text, rule=rule: "opt_out" if rule(text) else "none")
        for name, rule in PEERS.items()
    }
    return {"smsgate": smsgate(), **peers}


def row(name: str, decide: Decide, texts: Iterable[Labelled]) -> str:
    """One line of the table."""
    got: Counter[tuple[str, str]] = Counter((one.label, decide(one.text)) for one in texts)
    outs = sum(count for (label, _), count in got.items() if label in OUT)
    at_once = sum(got[label, kind] for label in OUT for kind in OUT)
    held = sum(got[label, "review"] for label in OUT)
    parts = [
        name,
        share(at_once, outs),
        share(at_once + held, outs),
        str(sum(got["none", kind] for kind in OUT)),
        share(got["none", "review"], total(got, "none")),
        share(got["opt_in", "opt_in"], total(got, "opt_in")),
        share(got["help", "help"], total(got, "help")),
        share(got["opt_out_all", "opt_out_all"], total(got, "opt_out_all")),
    ]
    return "| " + " | ".join(parts) + " |"


def total(got: Counter[tuple[str, str]], label: str) -> int:
    """How many texts have a label."""
    return sum(count for (one, _), count in got.items() if one == label)


def share(part: int, whole: int) -> str:
    """A percentage, and of how many."""
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "-"


HEADINGS = (
    "rule", "opt-outs suppressed", "suppressed or held", "ordinary texts suppressed",
    "ordinary texts held", "opt-in", "help", "scope all",
)  # fmt: skip


LABELS = ("opt_out", "opt_out_all", "review", "help", "opt_in", "none")


def files() -> dict[str, list[Labelled]]:
    """The texts by file; those of all languages together."""
    found: defaultdict[str, list[Labelled]] = defaultdict(list)
    for name in named():
        found[name.partition("/")[0]] += labelled(name)
    return dict(found)


def tables() -> list[str]:
    """A table per file, and for our own rules by label, language and phenomenon."""
    lines: list[str] = []
    compared, found = rules(), files()
    for name, texts in found.items():
        lines += [f"## {name} ({len(texts)} texts)", "", "| " + " | ".join(HEADINGS) + " |"]
        lines += ["|" + "---|" * len(HEADINGS)]
        lines += [row(rule, decide, texts) for rule, decide in compared.items()]
        lines += [""]
    texts = [one for here in found.values() for one in here]
    got = [compared["smsgate"](one.text) for one in texts]
    lines += labels(texts, got)
    lines += grouped("language", [one.language for one in texts], texts, got)
    phenomena = [one.phenomenon or "(not named)" for one in texts]
    return lines + grouped("phenomenon", phenomena, texts, got)


def labels(texts: Iterable[Labelled], got: Iterable[str]) -> list[str]:
    """What each label was decided as, all files together."""
    count = Counter((one.label, kind) for one, kind in zip(texts, got, strict=True))
    lines = ["## by label, all files", "", "| label | " + " | ".join(LABELS) + " |"]
    lines += ["|" + "---|" * (len(LABELS) + 1)]
    for label in LABELS:
        cells = " | ".join(str(count[label, kind]) for kind in LABELS)
        lines.append(f"| {label} | {cells} |")
    return [*lines, ""]


def grouped(
    title: str, groups: Iterable[str], texts: Iterable[Labelled], got: Iterable[str]
) -> list[str]:
    """Opt-outs and ordinary texts by group, all files together."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for group, one, kind in zip(groups, texts, got, strict=True):
        if one.label in OUT:
            out, held = kind in OUT, kind == "review"
            found[group].update({"outs": 1, "caught": int(out), "held": int(held)})
        elif one.label == "none":
            found[group].update({"others": 1, "wrong": int(kind in OUT)})
    lines = [f"## by {title}, all files", ""]
    lines += [
        f"| {title} | opt-outs suppressed | held | ordinary suppressed |",
        "|---|---|---|---|",
    ]
    for group, count in sorted(found.items()):
        caught = f"{count['caught']} of {count['outs']} | {count['held']}"
        lines.append(f"| {group} | {caught} | {count['wrong']} of {count['others']} |")
    return [*lines, ""]


LIMITS = """# Accuracy

Written by `make eval` (`tests/accuracy/evaluate.py`); the texts lie beside that script.

What the figures do not say:

- Hard cases are over-represented on purpose: of real replies a third are exactly one of the
  FCC's seven words, and ordinary traffic rarely holds a stop word at all.
- The rules were tuned on the files below, and the model was trained on all of them but
  `unseen` and `looks`. So their scores say what is covered and not what other people's texts
  would score.
- `written` holds texts of writers who did not know the rules, most of them language models asked
  for wordings that a list of phrases would not foresee. No language has been read by a native
  speaker yet; all need that before they are trusted.
- Exams by such writers say how it does on texts of others, each scored before anything of it was
  read. The state before is in brackets, scored on the same texts.

  | exam | opt-outs suppressed | suppressed or held | ordinary texts suppressed | held |
  |---|---|---|---|---|
  | oblique, 42 languages (427, 388) | 91.8 % (81.3) | 96.5 % (87.4) | 12 (10) | 4.6 % (5.1) |
  | the same, second (475, 449) | 89.7 % (78.9) | 92.0 % (84.0) | 11 (13) | 3.3 % (5.3) |
  | oblique, half English (319, 277) | 96.9 % (95.3) | 97.8 % (97.8) | 1 (1) | 1.4 % (1.4) |
  | the same, second (318, 299) | 93.4 % (92.8) | 95.9 % (95.9) | 6 (9) | 2.0 % (3.0) |
  | the same, third (295, 270) | 94.9 % (92.9) | 98.0 % (95.3) | 1 (5) | 0.4 % (1.1) |
  | by the specification, first (270, 270) | 97.4 % | 98.9 % | 3 | 2.6 % |
  | the same, second (218, 216) | 97.7 % (98.2) | 99.1 % (99.1) | 0 (0) | 0.0 % (0.9) |
  | the same, in dialects and learners' spelling (236, 221) | 94.5 % | 97.0 % | 1 | 0.9 % |
  | the same, last (273, 270) | 98.9 % (96.3) | 99.6 % (98.2) | 0 (2) | 1.5 % (0.7) |

  Each line is the state of its time. The writers of the last four had the specification and the
  development set, and mixed keywords and sentences as those do; they lie in `looks`, as the third
  does: nothing was trained on them, but their misses were read, and mended where a rule was wrong.
  In the last one opt-in was found in 29 of 30, help in 39 of 40, scope `all` in 37 of 37; in the
  second help in 21 of 28 ("which clinic is this?" was not known).
- So the goal (97 % at once, 99.5 % with those held, 2 of 547 wrong, 3 % held) was met in the last
  exam, and missed where people write as no list foresees.
- On 48,671 private English texts (the public NUS collection, each text once; not part of this
  project and never trained on, but read) 118 were suppressed and 0.38 % held; on 4,518 others (the
  public UCI collection) 32 and 0.71 %. Some thirty of them ask somebody to stop. Before: 158 and
  0.48 %, 31 and 0.95 %. The goals are 10 suppressed of 49,700, and 0.3 % held: what finds more
  opt-outs in new words also finds more in private talk.
- An exam by another hand from an earlier time, in two halves: the first is `exam`; of the other
  half (427 opt-outs, 374 ordinary texts, never read), which is not at hand any more, the state
  before this one suppressed 91.8 %.
- `T` and `TD` count as opt-outs only from Chinese numbers or where our texts print them; the
  files give no numbers, so those lines appear as held. `acha` counts only from East Africa.
- An opt-out in the middle of a text of more than 40 words is left to a person unless the second
  reader agrees with it.
- The peers are re-expressed from their documentation, and know no review, help or scope.
"""


def main() -> None:
    """Print the tables and write the page."""
    lines = tables()
    print("\n".join(lines))  # noqa: T201 - a script
    (ROOT / "docs" / "accuracy.md").write_text("\n".join([LIMITS, *lines]), "utf-8")


if __name__ == "__main__":
    main()
