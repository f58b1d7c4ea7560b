"""A bad network, made at the worker's socket: media and feedback packets are late or gone, by a seeded chance."""

from __future__ import annotations

import heapq
import random
import socket
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class LossyNetwork:
    """`incoming` and `outgoing` are the shares of RTP and RTCP packets lost on the way to the worker and back.

    Signalling gets through: it has its own repair. What comes is up to `jitter_s` late, and overtakes each other.
    While the network is `cut` nothing passes. All this may change at any time; `lost` counts.
    """

    incoming: float
    outgoing: float
    jitter_s: float = 0.0
    cut: bool = False
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
        if self.cut:
            return True
        if data[0] < 128:
            return False
        if self.chance.random() >= share:
            self.passed += 1
            return False
        self.lost += 1
        return True


class _LossySocket(socket.socket):
    network: LossyNetwork

    def __init__(self, *args: Any) -> None:  # noqa: ANN401  # as in socket
        super().__init__(*args)
        self._late: list[tuple[float, int, bytes, Any]] = []  # when it arrives
        self._count = 0

    def recvfrom(self, *args: Any) -> Any:  # noqa: ANN401  # as in socket
        """Whoever reads does so each 10 ms while packets come: what is late is there at one of the next times."""
        while True:
            try:
                data, address = super().recvfrom(*args)
            except BlockingIOError:
                if self._late and self._late[0][0] <= time.monotonic():
                    return heapq.heappop(self._late)[2:]
                raise
            if self.network.loses(data, self.network.incoming):
                continue
            if not self.network.jitter_s:
                return data, address
            self._count += 1
            arrives = time.monotonic() + self.network.chance.uniform(0, self.network.jitter_s)
            heapq.heappush(self._late, (arrives, self._count, data, address))

    def sendto(self, data: Any, *args: Any) -> int:  # noqa: ANN401  # as in socket
        return len(data) if self.network.loses(data, self.network.outgoing) else super().sendto(data, *args)
