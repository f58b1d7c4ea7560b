"""The two texts of WHIP and WHEP: the SDP offer, read and judged, and our answer to it. Pure.

RFC 9725 (WHIP), draft-ietf-wish-whep (WHEP), RFC 8829 (offer and answer), RFC 8843 (BUNDLE), RFC 7587 (Opus), RFC 7741
(VP8), RFC 6184 (H.264),
RFC 4588 (RTX).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast, get_args

from aiortc import RTCDtlsParameters, RTCIceParameters, sdp
from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from domain.messages import VideoCodec
from media.choice import answered_parameters, chosen, parameter_sets_of, profile_of

MID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:mid"
OPUS_PTIME_MS = 60
_SDP_MAX = 64 << 10
_SPOKEN: dict[VideoCodec, str] = {"VP8": "VP8", "H264": "H.264"}
_SOURCES = range(1 << 32)


class OfferRefused(ValueError):
    """The offer cannot be taken. `field` names what the caller sent, `rule` what it must be."""

    field = "sdp"

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class Sources(NamedTuple):
    """What we send a stream and its retransmissions as."""

    ssrc: int
    rtx_ssrc: int


@dataclass(frozen=True, slots=True)
class OfferedStream:
    """One stream that the other side will send, or take: payload types, and the sources it named (none need be).

    Of video `codec` says in which it is; of H.264 `profile` is the profile-level-id, and the offer may hold
    `parameter_sets`.
    """

    kind: Literal["video", "audio"]
    mid: str
    payload_type: int
    clock_rate: int
    parameters: str
    rtx_payload_type: int | None
    ssrc: int | None
    rtx_ssrc: int | None
    mid_extension: int | None
    codec: VideoCodec | None = None
    profile: str = ""
    parameter_sets: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that we can answer: the streams we take, and all its media lines, since each needs an answer."""

    streams: tuple[OfferedStream, ...]
    lines: tuple[tuple[str, str, str, str], ...]  # kind, profile, first format and MID of every media line, in order
    ice: RTCIceParameters
    dtls: RTCDtlsParameters

    @property
    def codec(self) -> VideoCodec:
        return self.streams[0].codec or "VP8"

    @property
    def has_sound(self) -> bool:
        return any(s.kind == "audio" for s in self.streams)


def parse_offer(
    text: str, *, sound: bool, watching: bool = False, codec: VideoCodec | None = None, profile: str = ""
) -> Offer:
    """Reads an offer to send, or when `watching` to take, one video and, with `sound`, at most one audio stream.

    Video is in `codec`, where one is named, and else in the first that we know of those that the offer lists; of
    several kinds of H.264 one with that `profile` (profile-level-id) is preferred. OfferRefused says what is wrong.
    """
    if len(text) > _SDP_MAX:
        raise OfferRefused("is longer than 64 KiB")
    try:
        description = sdp.SessionDescription.parse(text)
    except (ValueError, AssertionError, KeyError, IndexError, StopIteration, AttributeError, TypeError) as error:
        raise OfferRefused("cannot be read as an SDP offer") from error
    if not all(m.fmt for m in description.media):
        raise OfferRefused("must name a format in each media line")
    media = _offered(description, text)
    streams = []
    for kind in ("video", "audio") if sound else ("video",):
        stream = next((s for m in media if (s := _stream(m, kind, watching, codec, profile)) is not None), None)
        if stream is not None:
            streams.append(stream)
    if not streams or streams[0].kind != "video":
        needed = f"{_SPOKEN[codec]}, the codec of this recording" if codec else "VP8 or H.264"
        raise OfferRefused(f"must offer to {'receive' if watching else 'send'} video in {needed}")
    mids = [m.rtp.muxId for m in description.media]
    bundled = {mid for group in description.group if group.semantic == "BUNDLE" for mid in group.items}
    if len(set(mids)) < len(mids) or not bundled.issuperset(s.mid for s in streams):
        raise OfferRefused("must bundle its media on one transport (a=group:BUNDLE with one MID for each line)")
    transport = _transport(media, bundled, streams[0].mid)
    if transport.dtls is None or not any(
        f.algorithm.lower() in X509_DIGEST_ALGORITHMS for f in transport.dtls.fingerprints
    ):
        raise OfferRefused("must name a DTLS fingerprint (SHA-256) and a setup role")
    ice = transport.ice
    if ice is None or not ice.usernameFragment or not ice.password:
        raise OfferRefused("must name an ICE user name and password")
    lines = tuple((m.kind, m.profile, str(m.fmt[0]), m.rtp.muxId) for m in description.media)
    return Offer(tuple(streams), lines, ice, transport.dtls)


def our_dtls_role(offer: Offer) -> Literal["client", "server"]:
    """Server (`setup:passive`) unless the offer insists on that role: the server picks the SRTP profile."""
    return "client" if offer.dtls.role == "server" else "server"


def write_answer(  # noqa: PLR0917 - what an answer is made of
    offer: Offer, ice: RTCIceParameters, candidates: list[str], fingerprint: tuple[str, str], session_id: int,
    sources: Mapping[str, Sources] | None = None,
) -> str:  # fmt: skip
    """The answer: one line for each of the offer's, one transport for all. `candidates` are attribute values.

    With `sources`, by MID, we send; without, we take.
    """
    taken = {s.mid: s for s in offer.streams}
    setup = "active" if our_dtls_role(offer) == "client" else "passive"
    named = [
        f"a=ice-ufrag:{ice.usernameFragment}",
        f"a=ice-pwd:{ice.password}",
        f"a=fingerprint:{fingerprint[0]} {fingerprint[1]}",
        f"a=setup:{setup}",
    ]
    transport = [*named, *(f"a=candidate:{c}" for c in candidates), "a=end-of-candidates"]
    out = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mid for _, _, _, mid in offer.lines if mid in taken)}",
        "a=msid-semantic:WMS *",
    ]
    for kind, profile, first_format, mid in offer.lines:
        stream = taken.get(mid)
        if stream is None:
            out += [f"m={kind} 0 {profile} {first_format}", "c=IN IP4 0.0.0.0", "a=inactive", f"a=mid:{mid}"]
            out += named  # GStreamer takes no answer without, though nothing comes of it
        else:
            out += _answered(stream, profile, sources[mid] if sources else None) + transport
    return "\r\n".join(out) + "\r\n"


def _offered(description: sdp.SessionDescription, text: str) -> list[sdp.MediaDescription]:
    """The media lines that the other side would use: port 0 says no, unless the line is `bundle-only` (RFC 8843)."""
    lines = sdp.grouplines(text)[1]
    return [m for m, said in zip(description.media, lines, strict=True) if m.port or "a=bundle-only" in said]


def _transport(media: list[sdp.MediaDescription], bundled: set[int | str], mid: str) -> sdp.MediaDescription:
    """The line that says how to reach the bundle: the video's own, or where it says nothing the first that does."""
    own = next(m for m in media if m.rtp.muxId == mid)
    reached = (m for m in (own, *media) if m.rtp.muxId in bundled and m.ice is not None and m.ice.usernameFragment)
    return next(reached, own)


def _stream(
    media: sdp.MediaDescription, kind: str, watching: bool, wanted: VideoCodec | None, profile: str
) -> OfferedStream | None:
    """What `media` would send us of `kind`, or take of us; None when that is nothing to us."""
    other_way = ("sendonly" if watching else "recvonly", "inactive")
    if media.kind != kind or media.direction in other_way or not media.rtp.muxId:
        return None
    known = ("OPUS",) if kind == "audio" else (wanted,) if wanted else get_args(VideoCodec)
    codec = chosen(media, known, profile)
    if codec is None or codec.payloadType is None:
        return None
    rtx = next((c for c in media.rtp.codecs if _repeats(c, codec.payloadType)), None)
    ssrc = media.ssrc[0].ssrc if media.ssrc else None
    pairs = (g.items for g in media.ssrc_group if g.semantic == "FID" and len(g.items) == 2)
    rtx_ssrc = next((int(second) for first, second in pairs if first == ssrc), None)
    if not all(source is None or source in _SOURCES for source in (ssrc, rtx_ssrc)):
        raise OfferRefused("must name its sources (a=ssrc) by numbers of 32 bits")
    return OfferedStream(
        kind="video" if kind == "video" else "audio",
        mid=media.rtp.muxId,
        payload_type=codec.payloadType,
        clock_rate=codec.clockRate,
        parameters=answered_parameters(codec),
        rtx_payload_type=rtx.payloadType if rtx else None,
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc,
        mid_extension=next((h.id for h in media.rtp.headerExtensions if h.uri == MID_EXTENSION), None),
        codec=cast("VideoCodec", codec.name.upper()) if kind == "video" else None,
        profile=profile_of(codec),
        parameter_sets=parameter_sets_of(codec),
    )


def _repeats(codec: RTCRtpCodecParameters, payload_type: int) -> bool:
    return codec.name.lower() == "rtx" and codec.parameters.get("apt") == payload_type


def _answered(stream: OfferedStream, profile: str, sources: Sources | None) -> list[str]:
    """The media line for a stream that we take, or send, without its transport."""
    number, rtx = stream.payload_type, stream.rtx_payload_type
    formats = f"{number}" if rtx is None else f"{number} {rtx}"
    out = [f"m={stream.kind} 9 {profile} {formats}", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0", "a=rtcp-mux"]
    out += [f"a=mid:{stream.mid}", "a=sendonly" if sources else "a=recvonly"]
    if stream.mid_extension is not None and not sources:
        out.append(f"a=extmap:{stream.mid_extension} {MID_EXTENSION}")
    if stream.kind == "audio":
        out.append(f"a=rtpmap:{number} opus/{stream.clock_rate}/2")
        # 60 ms of sound in a packet: 17 packets a second in place of 50, and packets are what recording costs
        out += [f"a=ptime:{OPUS_PTIME_MS}", f"a=maxptime:{OPUS_PTIME_MS}"]
    else:
        out.append(f"a=rtpmap:{number} {stream.codec}/{stream.clock_rate}")
        out += [f"a=rtcp-fb:{number} nack", f"a=rtcp-fb:{number} nack pli"]
    if stream.parameters:
        out.append(f"a=fmtp:{number} {stream.parameters}")
    if rtx is not None:
        out += [f"a=rtpmap:{rtx} rtx/{stream.clock_rate}", f"a=fmtp:{rtx} apt={number}"]
    if sources:
        out += _sent(stream, sources)
    return out


def _sent(stream: OfferedStream, sources: Sources) -> list[str]:
    """The sources of a stream that we send (RFC 5576), all of one picture with its sound (RFC 8830)."""
    own, again = sources
    out = [f"a=msid:vigil {stream.kind}"]
    if stream.rtx_payload_type is None:
        return [*out, f"a=ssrc:{own} cname:vigil"]
    return [*out, f"a=ssrc-group:FID {own} {again}", f"a=ssrc:{own} cname:vigil", f"a=ssrc:{again} cname:vigil"]
