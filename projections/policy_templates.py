"""The read model `templates`: a row for each policy template that is not deleted."""

from __future__ import annotations

import msgspec

from domain import policy_template
from domain.policy import Policy
from domain.policy_template import TemplateEvent
from domain.recorded import Recorded, Stored
from projections.keys import events_of, parsed
from projections.model import Model

__all__ = ["TEMPLATES", "TemplateRow"]


class TemplateRow(msgspec.Struct, frozen=True, kw_only=True):
    """`policy.version` is the template's own."""

    template: str
    name: str
    policy: Policy


def keys(recorded: Recorded) -> tuple[str, ...]:
    return _of(recorded.stream)


def fold(row: TemplateRow | None, recorded: Recorded) -> TemplateRow | None:
    match recorded.body:
        case policy_template.Deleted():
            return None
        case policy_template.Created(name=name, policy=policy) | policy_template.Changed(name=name, policy=policy):
            return TemplateRow(template=parsed(recorded.stream).name, name=name, policy=policy)
    return row


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return (f"{tenant}/template/{name}",)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return _of(stored.stream)


def _of(stream: str) -> tuple[str, ...]:
    at = parsed(stream)
    return (f"{at.tenant}/{at.name}",)


TEMPLATES: Model[TemplateRow] = Model(
    name="templates", version=1, row=TemplateRow, events=events_of(TemplateEvent), keys=keys, fold=fold,
    streams=streams, suspects=_suspects,
)  # fmt: skip
