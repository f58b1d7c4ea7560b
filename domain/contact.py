"""Whom a candidate reaches when the page does not work any more: the institution's emergency phone and e-mail."""

from __future__ import annotations

import re

import msgspec

from domain.event import Command, Event, Refused

LONGEST_PHONE, LONGEST_EMAIL = 40, 254
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{2,}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")

# Events of a schedule. Tags and field names are on disk for ever.


class EmergencyContactSet(Event, frozen=True, kw_only=True, tag="schedule.emergency_contact_set"):
    """The institution's own, not a person's. "" where there is none."""

    phone: str
    email: str


# Commands.


class SetContact(Command, frozen=True, kw_only=True):
    """What is None stays as it is."""

    phone: str | None = None
    email: str | None = None


# State.


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    phone: str = ""
    email: str = ""


def reached(command: SetContact, state: Contact) -> tuple[EmergencyContactSet, ...]:
    phone = state.phone if command.phone is None else command.phone.strip()
    email = state.email if command.email is None else command.email.strip()
    if phone and not (len(phone) <= LONGEST_PHONE and _PHONE.fullmatch(phone)):
        raise Refused("a telephone number such as +43 1 58801 is expected", field="emergency_phone", kind="invalid")
    if email and not (len(email) <= LONGEST_EMAIL and email.isprintable() and _EMAIL.fullmatch(email)):
        raise Refused("an e-mail address is expected", field="emergency_email", kind="invalid")
    same = (phone, email) == (state.phone, state.email)
    return () if same else (EmergencyContactSet(phone=phone, email=email),)
