"""Which codec of an offered media line we take, and what the line says of it. Pure.

RFC 8829 section 5.2.1 (formats are in order of preference), RFC 6184 section 8.1 (parameters of H.264).
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Collection

from aiortc import sdp
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

_RATES = {"VP8": 90_000, "H264": 90_000, "OPUS": 48_000}
_SETS = "sprop-parameter-sets"


def chosen(media: sdp.MediaDescription, wanted: Collection[str], profile: str = "") -> RTCRtpCodecParameters | None:
    """The first of the codecs `wanted` that the line lists; of several kinds of H.264 the one that suits best."""
    order = [str(number) for number in media.fmt]
    known = [c for c in media.rtp.codecs if _known(c) and c.name.upper() in wanted and str(c.payloadType) in order]
    known.sort(key=lambda c: order.index(str(c.payloadType)))
    of_first = (c for c in known if c.name.upper() == known[0].name.upper())
    return min(
        of_first, key=lambda c: (_mode(c) != "1", bool(profile) and profile_of(c)[:4] != profile[:4]), default=None
    )


def profile_of(codec: RTCRtpCodecParameters) -> str:
    """H.264's profile-level-id in small letters; empty when it is not told."""
    return _parameter(codec, "profile-level-id").lower()


def parameter_sets_of(codec: RTCRtpCodecParameters) -> tuple[bytes, ...]:
    """The parameter sets of H.264 that the offer itself holds; none when they cannot be read."""
    try:
        told = _parameter(codec, _SETS).split(",")
        return tuple(unit for one in told if (unit := b64decode(one, validate=True)))
    except NoBase64:
        return ()


def answered_parameters(codec: RTCRtpCodecParameters) -> str:
    """The parameters as they go into the answer: as offered, without the sets, which are the sender's own."""
    return sdp.parameters_to_sdp({name: value for name, value in codec.parameters.items() if name.strip() != _SETS})


def _known(codec: RTCRtpCodecParameters) -> bool:
    return codec.clockRate == _RATES.get(codec.name.upper()) and _mode(codec) in ("0", "1")


def _mode(codec: RTCRtpCodecParameters) -> str:
    """How H.264 is packed (RFC 6184 section 6.2): 0, each unit in a packet; 1, also in parts and several together."""
    return _parameter(codec, "packetization-mode") or "0"


def _parameter(codec: RTCRtpCodecParameters, name: str) -> str:
    return next((str(value) for key, value in codec.parameters.items() if key.strip() == name and value), "")
