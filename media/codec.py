"""What is particular to a video codec: how packets carry its frames, where one may begin, what its players must know.

`vp8` and `h264` are the two; all else asks them, so that nobody but they looks into a frame.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from domain.messages import VideoCodec


class VideoFormat(NamedTuple):
    """What a player has to know before the first frame. Sizes are pixels.

    `private` is what a file keeps for the decoder: of H.264 the avcC record, of VP8 nothing.
    """

    codec: VideoCodec
    width: int
    height: int
    private: bytes = b""


class Codec(Protocol):
    """One stream's frames, out of its packets. `part` and `frame` may raise MalformedPacket, which costs a frame.

    `profile` is the offer's profile-level-id, where the codec has one.
    """

    name: VideoCodec
    profile: str

    def part(self, payload: bytes) -> tuple[bytes, bool]:
        """What a payload (never empty) holds of a frame, and whether a frame may begin with it."""
        ...

    def frame(self, parts: list[bytes]) -> tuple[bytes, VideoFormat | None]:
        """The frame that these are all parts of, and of a key frame its format. Empty when they show nothing."""
        ...

    def begins_key_frame(self, payload: bytes) -> bool:
        """Whether a viewer can begin with this packet. Never raises."""
        ...

    def needed_before(self, payload: bytes) -> bytes:
        """The payload of a packet that has to go before this one, which begins a key frame; empty for none.

        Never raises.
        """
        ...
