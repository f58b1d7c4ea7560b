"""Policy templates of a tenant, and the copy that a schedule takes of one."""

from __future__ import annotations

from collections.abc import Mapping

from commands.handler import Work
from domain import policy_template
from domain.event import Refused
from domain.policy import Policy
from domain.policy_template import Copy


async def create(work: Work, *, name: str, policy: Policy) -> Mapping[str, str]:
    template = work.new_id("policy template")
    await work.do(policy_template.DECIDER, template, policy_template.Create(name=name, policy=policy))
    return {"template": template}


async def change(work: Work, template: str, *, name: str, policy: Policy) -> None:
    """Makes a new version. What was copied before stays as it is."""
    await work.do(policy_template.DECIDER, template, policy_template.Change(name=name, policy=policy))


async def delete(work: Work, template: str) -> None:
    await work.do(policy_template.DECIDER, template, policy_template.Delete())


async def copied(work: Work, template: str) -> tuple[Policy, Copy]:
    """A template's policy as it is now, and where it is from. Raises `Refused`."""
    state = await work.state(policy_template.DECIDER, template)
    if state.phase != "kept":
        raise Refused("there is no such policy template", field="template", kind="invalid")
    return state.policy, Copy(template, state.policy.version)
