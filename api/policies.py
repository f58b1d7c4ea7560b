"""Policies: what a schedule has, and the tenant's templates that it can be copied from."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody

from api.bodies import Id
from api.callers import WATCHERS, may
from api.etags import VERSIONED, tagged
from api.ordering import AnyRequest, caller_of, command, services_of
from api.paging import USUAL, After, Limit, page
from api.problems import Denied, missing
from api.reading import rows_of
from commands import muting, policy_templates, schedules
from domain import policy_template
from domain.assessment import OpensIn
from domain.browser import BrowserKind
from domain.muting import Off
from domain.notice import notice
from domain.policy import IncidentKind, Policy, must_hold
from domain.policy_template import Copy, differences
from domain.schedule import DECIDER
from domain.stream import Stream
from projections.policy_templates import TEMPLATES, TemplateRow


class NewTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=200)]
    policy: Policy


class TemplateMade(msgspec.Struct, frozen=True, kw_only=True):
    template: str


class Templates(msgspec.Struct, frozen=True, kw_only=True):
    """By name; `policy.version` is the template's own."""

    templates: tuple[TemplateRow, ...]
    next: str | None


class PolicyOrTemplate(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either a policy, or the `template` to copy one from."""

    template: Id | None = None


class SwitchingOff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the policy: what stands in the schedule's, and in the template's."""

    field: str
    here: Any
    there: Any


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """Where a policy was copied from. `version` was copied; `version_now` is None when the template is deleted.

    `differs` is how the schedule's policy differs from the template as it is now, whichever of them was changed.
    """

    template: str
    name: str
    version: int
    version_now: int | None
    differs: tuple[Differs, ...]


class PolicyRead(msgspec.Struct, frozen=True, kw_only=True):
    """`copied` is None for a policy that never came from a template.

    `not_observed` are the kinds that cannot be observed where the exam opens, each with why. `switched_off` are those
    that are off for everyone.
    """

    policy: Policy
    copied: Copied | None
    not_observed: dict[BrowserKind, str]
    switched_off: dict[IncidentKind, Off]


class Thought(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy that no schedule has yet, and where its exam would open."""

    policy: Policy
    opens_in: OpensIn = "tab"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """`notice` is what candidates would be told, a sentence a line; `not_observed` is why a kind cannot be observed."""

    notice: str
    not_observed: dict[BrowserKind, str]


@post("/policy-notice", guards=[may("planner")], status_code=200)
async def preview(data: JSONBody[Thought]) -> Told:
    """What candidates would be told under a policy, before any schedule has it. Refuses what could not be set."""
    must_hold(data.policy, field="policy.detectors")
    not_observed = data.policy.unobservable(data.opens_in)
    return Told(notice=notice(data.policy, data.opens_in), not_observed=not_observed)


@get("/policy-templates", guards=[may("planner")])
async def read_templates(request: AnyRequest, *, limit: Limit = USUAL, after: After = "") -> Templates:
    rows = (await rows_of(request, TEMPLATES)).rows.values()
    found = page(request, rows, lambda row: (row.name, row.template), limit, after)
    return Templates(templates=found.rows, next=found.next)


@get("/policy-templates/{template:str}", guards=[may("planner")], opt=VERSIONED)
async def read_template(request: AnyRequest, template: FromPath[str]) -> Response[TemplateRow]:
    version, state = await _template(request, template)
    if state.phase != "kept":
        raise missing("policy template", field="template")
    return tagged(request, TemplateRow(template=template, name=state.name, policy=state.policy), version)


@post("/policy-templates", guards=[may("planner")])
async def create(request: AnyRequest, data: JSONBody[NewTemplate]) -> Response[TemplateMade]:
    """Makes a template, for schedules to copy."""
    made = await command(request, partial(policy_templates.create, name=data.name, policy=data.policy))
    name = made.ids["template"]
    return Response(TemplateMade(template=name), headers={"Location": f"/api/v1/policy-templates/{name}"})


@put("/policy-templates/{template:str}", guards=[may("planner")], status_code=204)
async def change(request: AnyRequest, template: FromPath[str], data: JSONBody[NewTemplate]) -> None:
    """Makes a new version of a template. No schedule changes by it."""
    await command(request, partial(policy_templates.change, template=template, name=data.name, policy=data.policy))


@delete("/policy-templates/{template:str}", guards=[may("planner")])
async def remove(request: AnyRequest, template: FromPath[str]) -> None:
    """Deletes a template. Schedules keep what they copied."""
    await command(request, partial(policy_templates.delete, template=template))


@get("/schedules/{schedule:str}/policy", guards=[may("planner", *WATCHERS, "reviewer", "auditor")], opt=VERSIONED)
async def read(request: AnyRequest, schedule: FromPath[str]) -> Response[PolicyRead]:
    """The policy, which template it was copied from, and how it differs from that one as it is now."""
    stream = str(Stream(caller_of(request).tenant, "schedule", schedule))
    version, plan = await services_of(request).handler.load(DECIDER, stream, fresh=True)
    copied = await _copied(request, plan.copied, plan.policy) if plan.copied else None
    answer = PolicyRead(
        policy=plan.policy, copied=copied, not_observed=plan.policy.unobservable(plan.assessment.opens_in),
        switched_off=plan.switched_off,
    )  # fmt: skip
    return tagged(request, answer, version)


@put("/schedules/{schedule:str}/policy", guards=[may("planner")], status_code=204)
async def set_policy(request: AnyRequest, schedule: FromPath[str], data: JSONBody[PolicyOrTemplate]) -> None:
    """Sets a new version of the policy, or copies a template as it is now. Sessions that have started keep theirs."""
    policy = Policy(**{field: getattr(data, field) for field in Policy.__struct_fields__})
    if data.template is None:
        await command(request, partial(schedules.set_policy, name=schedule, policy=policy))
    elif policy == Policy():
        await command(request, partial(schedules.copy_policy, name=schedule, template=data.template))
    else:
        raise either()


@post("/schedules/{schedule:str}/detectors/{kind:str}/off", guards=[may("planner")], status_code=204)
async def switch_off(
    request: AnyRequest, schedule: FromPath[str], kind: FromPath[str], data: JSONBody[SwitchingOff]
) -> None:
    """Switches a detector off for everyone, also for who sits the exam now; the record says since when."""
    use_case = partial(muting.switch_off, name=schedule, kind=kind_named(kind), reason=data.reason)
    await command(request, use_case)


@post("/schedules/{schedule:str}/detectors/{kind:str}/on", guards=[may("planner")], status_code=204)
async def switch_on(request: AnyRequest, schedule: FromPath[str], kind: FromPath[str]) -> None:
    """Switches it on again for who starts from now on. Sessions that run stay without it."""
    await command(request, partial(muting.switch_on, name=schedule, kind=kind_named(kind)))


def kind_named(name: str) -> IncidentKind:
    """Raises `Denied` 404 for what there is not."""
    try:
        kind: IncidentKind = msgspec.convert(name, IncidentKind)
    except msgspec.ValidationError:
        raise missing("kind") from None
    return kind


def either() -> Denied:
    return Denied(422, "invalid", "a template or a policy of its own, not both", field="template")


async def _copied(request: AnyRequest, copy: Copy, here: Policy) -> Copied:
    _, state = await _template(request, copy.template)
    kept = state.phase == "kept"
    found = differences(here, state.policy) if kept else ()
    return Copied(
        template=copy.template, name=state.name, version=copy.version,
        version_now=state.policy.version if kept else None,
        differs=tuple(Differs(field=field, here=mine, there=theirs) for field, mine, theirs in found),
    )  # fmt: skip


async def _template(request: AnyRequest, name: str) -> tuple[int, policy_template.Template]:
    stream = str(Stream(caller_of(request).tenant, "template", name))
    return await services_of(request).handler.load(policy_template.DECIDER, stream, fresh=True)


HANDLERS = (
    preview, read_templates, read_template, create, change, remove, read, set_policy, switch_off, switch_on,
)  # fmt: skip
