"""Every read model that a projector keeps."""

from __future__ import annotations

from projections.canned_messages import CANNED
from projections.chat import CHAT
from projections.deadlines import DEADLINES
from projections.duty import DUTY
from projections.gradebook import GRADEBOOK
from projections.incidents import INCIDENTS
from projections.keeping import KEEPING
from projections.live import LIVE
from projections.model import AnyModel
from projections.outages import OUTAGES
from projections.people import PEOPLE
from projections.policy_templates import TEMPLATES
from projections.precision import PRECISION
from projections.requests import REQUESTS
from projections.schedules import SCHEDULES
from projections.signins import SIGNINS
from projections.timeline import TIMELINE
from projections.tokens import TOKENS

MODELS: tuple[AnyModel, ...] = (
    DEADLINES,
    LIVE,
    GRADEBOOK,
    TIMELINE,
    INCIDENTS,
    PRECISION,
    CHAT,
    CANNED,
    SCHEDULES,
    DUTY,
    OUTAGES,
    TEMPLATES,
    PEOPLE,
    TOKENS,
    SIGNINS,
    KEEPING,
    REQUESTS,
)
