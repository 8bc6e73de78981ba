"""Rates, shares and percentiles over the recent past, in bounded memory."""

import math
from collections import deque

import numpy as np


class RateMeter:
    """Give an amount per second over a sliding window."""

    _BINS = 20

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_s = window_s
        self._bins: deque[tuple[float, float]] = deque()
        self._since_s: float | None = None

    def add(self, amount: float, now_s: float) -> None:
        """Note that so much came."""
        if self._since_s is None or (amount and not self.total(now_s)):
            # What was quiet before is no part of the rate.
            self._since_s = now_s
        if self._bins and now_s - self._bins[-1][0] < self._window_s / self._BINS:
            start_s, before = self._bins.pop()
            self._bins.append((start_s, before + amount))
        else:
            self._bins.append((now_s, amount))
        self._forget(now_s)

    def add_since(self, amount: float, since_s: float, now_s: float) -> None:
        """Note what came evenly since then: who looks seldom does not see a burst."""
        step_s = self._window_s / self._BINS
        kept_s = min(now_s - since_s, self._window_s)
        if kept_s <= step_s:
            self.add(amount, now_s)
            return
        parts = math.ceil(kept_s / step_s)
        share = amount * kept_s / (now_s - since_s) / parts
        was_quiet = not self.total(now_s)
        for part in range(parts - 1, -1, -1):
            self.add(share, now_s - kept_s * part / parts)
        if was_quiet:
            self._since_s = now_s - kept_s

    def per_second(self, now_s: float) -> float:
        """Give the amount per second."""
        self._forget(now_s)
        if self._since_s is None:
            return 0.0
        span_s = min(max(now_s - self._since_s, 0.1 * self._window_s), self._window_s)
        return self.total(now_s) / span_s

    def total(self, now_s: float) -> float:
        """Give the amount within the window."""
        self._forget(now_s)
        return sum(amount for _, amount in self._bins)

    def _forget(self, now_s: float) -> None:
        while self._bins and now_s - self._bins[0][0] > self._window_s:
            self._bins.popleft()


class LatencyMeter:
    """Give percentiles of recent latencies.

    The newest 100 are kept whatever their age, so that the figures of a stream that
    has ended can still be read.
    """

    _KEPT = 4096
    _LEAST = 100

    def __init__(self, window_s: float = 10.0) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, float]] = deque(maxlen=self._KEPT)

    def add(self, latency_s: float, now_s: float) -> None:
        """Note one latency."""
        self._samples.append((now_s, latency_s))

    def percentiles_s(self, now_s: float) -> tuple[float, float, float]:
        """Give the smallest, the median and the 99th percentile; 0 without samples."""
        samples = self._samples
        while len(samples) > self._LEAST and now_s - samples[0][0] > self._window_s:
            samples.popleft()
        if not samples:
            return 0.0, 0.0, 0.0
        values = np.array([latency for _, latency in samples])
        p50, p99 = np.percentile(values, (50.0, 99.0))
        return float(values.min()), float(p50), float(p99)
