"""Offers that are taken, offers that are refused with the rule, and the answer."""

from __future__ import annotations

import re

import pytest
from aiortc import RTCConfiguration, RTCIceParameters, RTCPeerConnection, sdp
from hypothesis import given
from hypothesis import strategies as st

from media.offer import Offer, OfferRefused, our_dtls_role, parse_offer, write_answer

FINGERPRINT = ("sha-256", ":".join(["AB"] * 32))


@pytest.fixture(scope="module")
async def offer() -> str:
    """What stock aiortc offers: sound and two videos, of which the second is not for us."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("audio", "video", "video"):
        peer.addTransceiver(kind, direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    text = peer.localDescription.sdp
    await peer.close()
    return text


def answer(offer: Offer) -> str:
    return write_answer(
        offer, RTCIceParameters("ufrag", "password"), ["1 1 udp 1 127.0.0.1 9 typ host"], FINGERPRINT, 1
    )


def test_a_camera_offer_gives_a_video_and_a_sound(offer: str) -> None:
    taken = parse_offer(offer, sound=True)
    assert [(s.kind, s.mid) for s in taken.streams] == [("video", "1"), ("audio", "0")]
    video = taken.streams[0]
    assert (video.clock_rate, video.payload_type, video.rtx_payload_type, video.mid_extension) == (90_000, 97, 98, 1)
    assert video.ssrc is not None
    assert video.rtx_ssrc is not None


def test_a_screen_offer_gives_no_sound(offer: str) -> None:
    assert [s.kind for s in parse_offer(offer, sound=False).streams] == ["video"]


def test_the_answer_has_a_line_for_each_of_the_offer_and_takes_what_we_record(offer: str) -> None:
    text = answer(parse_offer(offer, sound=True))
    read = sdp.SessionDescription.parse(text)
    assert [(m.kind, m.port, m.direction, m.rtp.muxId) for m in read.media] == [
        ("audio", 9, "recvonly", "0"),
        ("video", 9, "recvonly", "1"),
        ("video", 0, "inactive", "2"),
    ]
    assert "a=group:BUNDLE 0 1\r\n" in text
    assert text.count("a=setup:passive\r\n") == 3
    audio, video, _ = read.media
    assert [c.name for c in audio.rtp.codecs] == ["opus"]
    assert [c.name for c in video.rtp.codecs] == ["VP8", "rtx"]
    assert [(f.type, f.parameter) for f in video.rtp.codecs[0].rtcpFeedback] == [("nack", None), ("nack", "pli")]


def test_the_answer_asks_for_sixty_milliseconds_of_sound_in_a_packet(offer: str) -> None:
    audio, video, _ = answer(parse_offer(offer, sound=True)).split("m=")[1:]
    assert "a=ptime:60\r\na=maxptime:60\r\n" in audio
    assert "ptime" not in video


def test_a_sender_that_insists_on_being_dtls_server_is_obeyed(offer: str) -> None:
    taken = parse_offer(offer.replace("a=setup:actpass", "a=setup:passive"), sound=True)
    assert our_dtls_role(taken) == "client"
    assert "a=setup:active" in answer(taken)


def test_a_line_that_is_offered_in_the_bundle_only_is_taken_with_the_transport_of_the_first(offer: str) -> None:
    """GStreamer and Firefox give it port 0 (RFC 8843 section 6); it may have no transport of its own (RFC 8829)."""
    head, sound, video, other = offer.split("m=")
    video = re.sub(r"a=(ice|fingerprint|setup|candidate|end-of).*\r\n", "", video)
    video = re.sub(r"^video \d+ ", "video 0 ", video) + "a=bundle-only\r\n"
    taken = parse_offer(f"{head}m={sound}m={video}m={other}", sound=True)
    assert [(s.kind, s.mid) for s in taken.streams] == [("video", "1"), ("audio", "0")]
    assert (taken.ice, taken.dtls) == (parse_offer(offer, sound=True).ice, parse_offer(offer, sound=True).dtls)
    answered = sdp.SessionDescription.parse(answer(taken)).media[1]
    assert (answered.port, answered.direction) == (9, "recvonly")


def test_a_line_with_port_0_is_not_offered(offer: str) -> None:
    without = re.sub(r"m=video \d+ ", "m=video 0 ", offer, count=1)
    assert [s.mid for s in parse_offer(without, sound=True).streams] == ["2", "0"]


def test_each_line_of_the_answer_names_the_transport_also_one_that_is_refused(offer: str) -> None:
    """GStreamer takes no answer without."""
    refused = sdp.SessionDescription.parse(answer(parse_offer(offer, sound=True))).media[2]
    assert (refused.port, refused.ice.usernameFragment, refused.ice.password) == (0, "ufrag", "password")
    assert [f.value for f in refused.dtls.fingerprints] == [FINGERPRINT[1]]
    assert refused.dtls.role == "server"
    assert refused.ice_candidates == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("m=video", "m=audio", "VP8"),
        ("/90000", "X/90000", "VP8 or H.264"),
        ("a=sendonly", "a=recvonly", "VP8"),
        ("a=fingerprint:sha", "a=nothing:sha", "fingerprint"),
        ("a=ice-ufrag", "a=nothing", "ICE"),
        ("a=group:BUNDLE", "a=group:OTHER", "bundle"),
        ("a=mid:1", "a=mid:0", "bundle"),
        ("m=video ", "m=video nine", "cannot be read"),
        ("a=rtpmap:97", "a=rtpmap:x", "cannot be read"),
        ("/90000", "/0", "VP8"),
        ("/90000", "/-90000", "VP8"),
    ],
)
def test_an_offer_that_breaks_a_rule_is_refused_by_its_name(offer: str, old: str, new: str, rule: str) -> None:
    with pytest.raises(OfferRefused, match=rule) as refused:
        parse_offer(offer.replace(old, new), sound=True)
    assert refused.value.field == "sdp"


def test_opus_runs_at_its_own_rate_or_is_not_taken(offer: str) -> None:
    assert [s.kind for s in parse_offer(offer.replace("opus/48000", "opus/0"), sound=True).streams] == ["video"]


def listed(*formats: str, text: str) -> str:
    """The offer with just these formats of video, in this order: H.264 in mode 1 is 99 and 101, VP8 is 97."""
    return re.sub(r"m=video (\d+) (\S+) [\d ]+\r", rf"m=video \1 \2 {' '.join(formats)}\r", text)


@pytest.mark.parametrize(
    ("formats", "codec", "number"),
    [
        (("97", "98", "99", "100"), "VP8", 97),
        (("99", "100", "97", "98"), "H264", 99),
        (("101", "102"), "H264", 101),
    ],
)
def test_the_first_codec_that_an_offer_lists_is_taken(
    offer: str, formats: tuple[str, ...], codec: str, number: int
) -> None:
    taken = parse_offer(listed(*formats, text=offer), sound=True)
    assert (taken.codec, taken.streams[0].payload_type) == (codec, number)
    assert f"a=rtpmap:{number} {codec}/90000\r\n" in answer(taken)


def test_the_codec_in_which_a_recording_began_is_taken_or_the_offer_refused_in_words(offer: str) -> None:
    assert parse_offer(offer, sound=True).codec == "VP8"
    assert parse_offer(offer, sound=True, codec="H264").codec == "H264"
    with pytest.raises(OfferRefused, match=r"send video in H\.264, the codec of this recording"):
        parse_offer(listed("97", "98", text=offer), sound=True, codec="H264")
    with pytest.raises(OfferRefused, match="send video in VP8, the codec"):
        parse_offer(listed("99", text=offer), sound=True, codec="VP8")


def test_h264_is_answered_with_the_offers_own_profile_and_packing(offer: str) -> None:
    text = offer.replace("profile-level-id=42001f", "profile-level-id=640C1F;sprop-parameter-sets=Z0LAH9k=,aM4=")
    taken = parse_offer(text, sound=True, codec="H264").streams[0]
    assert (taken.profile, taken.parameter_sets) == ("640c1f", (b"\x67\x42\xc0\x1f\xd9", b"\x68\xce"))
    answered = answer(parse_offer(text, sound=True, codec="H264"))
    fmtp = f"a=fmtp:{taken.payload_type} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640C1F\r\n"
    assert fmtp in answered


def test_units_in_parts_are_preferred_single_ones_taken_and_interleaved_ones_not(offer: str) -> None:
    def of(first: str, second: str) -> Offer:
        modes = iter((first, second))
        one_video = offer.rpartition("m=video")[0]
        text = re.sub("packetization-mode=1", lambda _: f"packetization-mode={next(modes)}", one_video)
        return parse_offer(listed("99", "101", text=text), sound=True)

    assert [of(*modes).streams[0].payload_type for modes in (("0", "1"), ("0", "0"), ("2", "0"))] == [101, 99, 101]
    with pytest.raises(OfferRefused):
        of("2", "2")


def test_a_viewer_gets_the_profile_that_is_sent(offer: str) -> None:
    watching = offer.replace("a=sendonly", "a=recvonly")
    for profile, number in (("42e01f", 101), ("42001f", 99), ("640028", 99)):
        taken = parse_offer(watching, sound=True, watching=True, codec="H264", profile=profile)
        assert taken.streams[0].payload_type == number


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_sources_are_numbers_of_32_bits(offer: str, number: int) -> None:
    video = parse_offer(offer, sound=True).streams[0]
    for named in (video.ssrc, video.rtx_ssrc):
        with pytest.raises(OfferRefused, match="32 bits"):
            parse_offer(re.sub(rf"\b{named}\b", str(number), offer), sound=True)
    highest = parse_offer(re.sub(rf"\b{video.ssrc}\b", str((1 << 32) - 1), offer), sound=True)
    assert highest.streams[0].ssrc == (1 << 32) - 1


def test_a_media_line_without_a_format_is_refused(offer: str) -> None:
    with pytest.raises(OfferRefused, match="a format"):
        parse_offer(offer + "m=video 9 UDP/TLS/RTP/SAVPF  \r\na=mid:9\r\n", sound=True)


def test_an_endless_offer_is_refused(offer: str) -> None:
    with pytest.raises(OfferRefused, match="64 KiB"):
        parse_offer(offer + "a=x\r\n" * 20_000, sound=True)


@given(st.text(max_size=300) | st.text(st.sampled_from("vmoa=:/ \r\n0123456789videoVP"), max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(OfferRefused):
        parse_offer(text, sound=True)
    lines = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 97\r\n"
    with pytest.raises(OfferRefused):
        parse_offer(lines + text, sound=True)
