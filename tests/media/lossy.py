"""A bad network, made at the worker's socket: media and feedback packets are gone, by a seeded chance."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass, field
from typing import Any


@dataclass
class LossyNetwork:
    """`incoming` and `outgoing` are the shares of RTP and RTCP packets lost on the way to the worker and back.

    Signalling gets through: it has its own repair. Shares may change at any time; `lost` counts.
    """

    incoming: float
    outgoing: float
    lost: int = 0
    passed: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    def open_socket(self, ip: str, port: int, _: int) -> socket.socket:
        """In place of `media.port.open_socket`."""
        sock = _LossySocket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.network = self
        sock.setblocking(False)
        sock.bind((ip, port))
        return sock

    def loses(self, data: bytes, share: float) -> bool:
        if data[0] < 128:
            return False
        if self.chance.random() >= share:
            self.passed += 1
            return False
        self.lost += 1
        return True


class _LossySocket(socket.socket):
    network: LossyNetwork

    def recvfrom(self, *args: Any) -> Any:  # noqa: ANN401  # as in socket
        while True:
            data, address = super().recvfrom(*args)
            if not self.network.loses(data, self.network.incoming):
                return data, address

    def sendto(self, data: Any, *args: Any) -> int:  # noqa: ANN401  # as in socket
        return len(data) if self.network.loses(data, self.network.outgoing) else super().sendto(data, *args)
