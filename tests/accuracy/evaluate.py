"""Scores on labelled texts, with other systems' rules in the same table.

    make eval        print the tables and write docs/accuracy.md

Files beside this one: ``development.tsv`` (the rules were tuned on it), ``own.tsv`` (written by
the author of the rules and then tuned on), ``held_out.tsv`` (written afterwards, never tuned on).
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from smsgate.optout import Classifier, load_sets  # noqa: E402 - run as a script
from smsgate.optout.comparison import outcome  # noqa: E402
from smsgate.settings import Program  # noqa: E402
from tests.accuracy.peers import PEERS  # noqa: E402

SETS = ("development", "own", "held_out")
OUT = ("opt_out", "opt_out_all")
Decide = Callable[[str], str]


class Labelled(NamedTuple):
    """One line of a file."""

    label: str
    language: str
    text: str


def labelled(name: str) -> list[Labelled]:
    """The lines of a labelled file."""
    lines = (Path(__file__).parent / f"{name}.tsv").read_text("utf-8").splitlines()[1:]
    rows = (line.split("\t", 2) for line in lines)
    return [Labelled(label, language, text.replace("\\n", "\n")) for label, language, text in rows]


def smsgate() -> Decide:
    """Every shipped language, a program of region US."""
    program = Program(
        name="p", title="Acme", account="a", senders=("*",), keywords=("*",), region="US"
    )
    sets, _ = load_sets(None, program.keywords)
    classifier = Classifier(program, sets)
    return lambda text: outcome(classifier.classify(text))


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


def tables() -> list[str]:
    """A table per file, and for our own rules the languages of all files together."""
    lines: list[str] = []
    compared = rules()
    for name in SETS:
        texts = labelled(name)
        lines += [f"## {name} ({len(texts)} texts)", "", "| " + " | ".join(HEADINGS) + " |"]
        lines += ["|" + "---|" * len(HEADINGS)]
        lines += [row(rule, decide, texts) for rule, decide in compared.items()]
        lines += [""]
    return lines + languages(compared["smsgate"])


def languages(decide: Decide) -> list[str]:
    """Opt-outs and ordinary texts by language, all files together."""
    by_language: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in (one for name in SETS for one in labelled(name)):
        got = decide(one.text)
        if one.label in OUT:
            by_language[one.language].update({"outs": 1, "caught": int(got in OUT)})
        elif one.label == "none":
            by_language[one.language].update({"others": 1, "wrong": int(got in OUT)})
    lines = [
        "## by language, all files",
        "",
        "| language | opt-outs | ordinary suppressed |",
        "|---|---|---|",
    ]
    for language, count in sorted(by_language.items()):
        caught = f"{count['caught']} of {count['outs']}"
        lines.append(f"| {language} | {caught} | {count['wrong']} of {count['others']} |")
    return [*lines, ""]


LIMITS = """# Accuracy

Written by `make eval` (`tests/accuracy/evaluate.py`); the texts lie beside that script.

What the figures do not say:

- Hard cases are over-represented on purpose: of real replies a third are exactly one of the
  FCC's seven words, and ordinary traffic rarely holds a stop word at all.
- The rules were tuned on `development` and `own`, so their scores there say little. `held_out` was
  written afterwards; at first sight of it 93.9 % of 66 opt-outs were suppressed, and 0 of 36
  ordinary texts. Wordings of the same kind as its misses were then added, so a new file is due.
  It is small and by the same hand as the rules: texts of other hands will score lower.
- A last file of 65 English texts, all made to mislead, had 12 of 15 opt-outs suppressed and 6 of
  50 ordinary texts wrongly suppressed at first sight; it is now part of `own`.
- Before that, texts of `own` scored at first sight 86.5 % (English) and 93.5 % (34 other
  languages), and a second mixed batch 88.9 % of 90; the rules were then widened by their misses.
- On 53,425 private English texts with duplicates (the public NUS and UCI collections, not part of
  this project) 16 were suppressed and 131 held. The rules were tuned on these texts too: their
  wrong suppressions were read and mended, and the list of everyday words was counted on them.
  Before that, 132 were suppressed. On other people's conversations expect something in between.
- Texts of other hands, in two halves: of the first 637 opt-outs 81.9 % were suppressed (87.3 %
  with those held), and 13 of 431 ordinary texts. The misses of one half were then read and mended
  by kind. The other half was never read: amid that work 85.2 % of its 358 opt-outs were
  suppressed (86.9 % with those held), and 5 of its 264 ordinary texts were suppressed too.
- No language has been read by a native speaker yet; all need that before they are trusted.
- `T` and `TD` count as opt-outs only from Chinese numbers or where our texts print them; the
  files give no numbers, so those lines appear as held. `acha` counts only from East Africa.
- An opt-out in the middle of a text of more than 40 words is held for a person.
- The peers are re-expressed from their documentation, and know no review, help or scope.
"""


def main() -> None:
    """Print the tables and write the page."""
    lines = tables()
    print("\n".join(lines))  # noqa: T201 - a script
    (ROOT / "docs" / "accuracy.md").write_text("\n".join([LIMITS, *lines]), "utf-8")


if __name__ == "__main__":
    main()
