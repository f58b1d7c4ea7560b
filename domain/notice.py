"""What a candidate is told before anything starts, in the language of the policy."""

from __future__ import annotations

from domain.assessment import OpensIn
from domain.notice_words import WORDS, Words
from domain.policy import Policy
from domain.purpose import asked, basis_of, does


def notice(policy: Policy, opens_in: OpensIn = "tab") -> str:
    """Its version and hash go into the acknowledgement.

    One plain sentence a line. The legal basis is named with the article of the GDPR (Regulation (EU) 2016/679, art. 6).
    """
    t = WORDS[policy.language]
    on = (policy.camera, policy.camera and policy.microphone, policy.screen)
    captured = [name for name, here in zip(t.captured, on, strict=True) if here]
    lines = [t.recorded.format(_list(captured, t.and_)) if captured else t.nothing]
    if policy.identity:
        lines.append(t.identity)
    if policy.camera and policy.room_scan:
        lines.append(t.room)
    if policy.detectors:
        lines.append(t.program.format(_list([t.seen[d.kind] for d in policy.detectors], t.or_)))
    if "voice" in policy.kinds:
        lines.append(t.voice)
    if policy.full_screen and opens_in == "frame":
        lines.append(t.full_screen)
    cannot = policy.unobservable(opens_in)
    if told := [t.told[one.kind] for one in policy.browser if one.kind not in cannot]:
        lines.append(t.page.format(_list(told, t.or_)))
    lines += [
        *t.always,
        t.media_kept.format(policy.media_kept_days),
        t.record_kept.format(policy.record_kept_days),
        t.decided.format(_decides(policy, t), policy.appeal_days),
        *_bases(policy, t),
    ]
    if policy.alternative:
        lines.append(t.instead.format(policy.alternative))
    return "\n".join(lines)


def _decides(policy: Policy, t: Words) -> str:
    """Who decides; where nobody was named it is said in the language of the notice."""
    return t.board if policy.decided_by == WORDS["en"].board else policy.decided_by


def _bases(policy: Policy, t: Words) -> list[str]:
    """One sentence where one basis carries everything, else one for each purpose."""
    if not policy.bases and not asked(policy):
        return [t.basis.format(t.bases[policy.legal_basis])]
    lines = [t.basis_of.format(t.what[one], t.bases[basis_of(policy, one)]) for one in does(policy)]
    lines.append(t.basis_else.format(t.bases[policy.legal_basis]))
    if asked(policy):
        lines.append(t.consent)
    return lines


def _list(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
