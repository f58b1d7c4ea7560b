"""The page of `vigil compliance`: the same as its JSON, to read and to print."""

from __future__ import annotations

from typing import Any

from vigil.html import code, paragraph, section, table, text
from vigil.report import STYLE


def page(told: dict[str, Any]) -> str:
    """HTML from what `vigil.compliance.pack` gives."""
    title = f"How {told['origin']} processes personal data"
    body = "".join([
        section(title, paragraph(f"Vigil {told['vigil']} at {told['address']}, as it is set up now."), level=1),
        section("Purposes and legal bases", table(
            ("Purpose", "What it is for", "Legal basis", "Who sees it", "Schedules"),
            [(_words(p["purpose"]), p["what"], _words(p["legal_basis"]), _listed(p["recipients"]), len(p["schedules"]))
             for p in told["processing"]], "Nothing is processed yet: there is no schedule.")),
        section("How long it is kept", table(
            ("What", "Classes of data", "Days after the session's end"),
            [(r["what"], _listed(r["classes"]), _span(r["days_from"], r["days_to"])) for r in told["retention"]],
            "There is no schedule."),
            paragraph("A hold, as an appeal places one, puts erasure off for what it covers.")),
        section("What is pointed out", table(
            ("Kind", "A person is told", "Read from", "Detector", "Rule", "Thresholds", "Only with a reason"),
            [(_words(d["kind"]), d["words"], d["read_from"], d["detector"], d["rule_version"],
              ", ".join(f"{name} {value:g}" for name, value in sorted(d["thresholds"].items())),
              "yes" if d["sensitive"] else "no") for d in told["detectors"]]),
            table(("Weights", "SHA-256"), [(n, code(h)) for n, h in sorted(told["weights"].items())],
                  "No weights are set up here.")),
        section("Schedules", table(
            ("Schedule", "Title", "State", "Camera", "Microphone", "Screen", "Identity check", "Version of its policy"),
            [(code(s["schedule"]), s["title"], s["phase"], *(_yes(s["policy"][n]) for n in _CAPTURED),
              s["policy"]["version"]) for s in told["schedules"]], "There is none.")),
        section("Other parties and places", table(("For", "At"), [(o["for"], o["at"]) for o in told["outside"]])),
        section("How it is protected", *(paragraph(one) for one in told["measures"])),
        section("Who may call what", *(
            section(_words(role), table((), [(code(call),) for call in calls]), level=3)
            for role, calls in told["roles"].items())),
    ])  # fmt: skip
    head = f'<meta charset="utf-8"><title>{text(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


_CAPTURED = ("camera", "microphone", "screen", "identity")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _listed(names: list[str]) -> str:
    return ", ".join(map(_words, names))


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


def _yes(on: object) -> str:
    return "yes" if on else "no"
