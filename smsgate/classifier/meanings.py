"""What a phrase of a keyword set says."""

from __future__ import annotations

from typing import Literal

Meaning = Literal[
    "opt_out",
    "opt_out_all",
    "opt_in",
    "help",
    "review",
    "none",
    "never",
    "doubt",
    "auto",
    "mention",
    "weak",
    "hint",
]
"""What a phrase says. Beyond the intents: ``none`` takes words out of play unless
a longer wording covers it, ``never`` whatever covers it, ``doubt`` turns an
opt-out in its sentence into a review, ``auto`` marks a text that a machine wrote,
``mention`` an instruction that is only repeated, ``weak`` what is an opt-out only where the
second reader thinks so too, and ``hint`` what is one only where it is quite sure."""
