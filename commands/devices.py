"""The device that a session is taken on: joined from, asked for, admitted or refused by a person."""

from __future__ import annotations

from commands.handler import Work
from domain import device as devices
from domain import session_rules


async def join(work: Work, name: str, device: str) -> None:
    await work.do(session_rules.DECIDER, name, devices.JoinFrom(at=work.at, device=device))


async def ask(work: Work, name: str, device: str) -> None:
    await work.do(session_rules.DECIDER, name, devices.AskFor(at=work.at, device=device))


async def admit(work: Work, name: str, device: str) -> None:
    """From now on the session is taken on this device; the one before may do nothing any more."""
    await work.do(session_rules.DECIDER, name, devices.AdmitDevice(at=work.at, device=device, by=work.order.actor))


async def refuse(work: Work, name: str, device: str) -> None:
    await work.do(session_rules.DECIDER, name, devices.RefuseDevice(at=work.at, device=device, by=work.order.actor))
