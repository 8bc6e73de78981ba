from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

GENERATIONS: int

def available() -> list[str]: ...

class Reconstructor:
    def __init__(self, isa: str, threads: int, in_words: bool) -> None: ...
    def allocate(
        self,
        n_z: int,
        n_x: int,
        n_slots: int,
        n_out: int,
        n_ring: int,
        pad_x: int,
        arc: float,
        /,
    ) -> None: ...
    def clear(self) -> None: ...
    def set_recursive(
        self,
        poles: Sequence[float],
        weights: Sequence[float],
        taps: Sequence[float],
        odd: bool,
        /,
    ) -> None: ...
    def set_spectral(
        self, response: Sequence[float], tail: Sequence[float], /
    ) -> None: ...
    def set_fields(
        self, generation: int, dark: NDArray[np.float32], flat: NDArray[np.float32]
    ) -> int: ...
    def set_steps(
        self,
        floor: float,
        ratio: float,
        region: tuple[int, int, int, int],
        hardening: tuple[float, float],
        is_mean_wanted: bool,
    ) -> None: ...
    def set_correction(self, correction: NDArray[np.float32] | None) -> None: ...
    def set_weights(self, weights: Sequence[float], /) -> None: ...
    def mean_lines(self, out: NDArray[np.float32]) -> int: ...
    def set_prepass(
        self, radius: int, threshold: float, strength: float, /
    ) -> None: ...
    def transmission(
        self,
        frame: NDArray[Any],
        type: int,
        generation: int,
        out: NDArray[np.float32],
    ) -> bool: ...
    def set_view(
        self,
        center: float,
        x: int,
        y: int,
        z: int,
        turn_x: float,
        turn_y: float,
        tilted: Sequence[float],
        oblique: Sequence[float],
        /,
    ) -> None: ...
    def add(
        self,
        frames: list[NDArray[Any]],
        types: list[int],
        angles: list[float],
        slots: list[int],
        generations: list[int],
        shown: tuple[NDArray[np.float32], ...] | None,
    ) -> tuple[list[int], int]: ...
    def write(
        self, z: NDArray[np.float32], y: NDArray[np.float32], x: NDArray[np.float32]
    ) -> None: ...
    def write_oblique(self, out: NDArray[np.float32]) -> None: ...
    def write_rows(self, first: int, out: NDArray[np.float32]) -> None: ...
    def time_stages(self, on: bool, /) -> list[int]: ...
    def memory(self) -> tuple[int, int, int, int]: ...
    @property
    def slots_filled(self) -> int: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...

class Published:
    def __init__(self, isa: str, threads: int) -> None: ...
    def minus_log(
        self,
        raw: NDArray[Any],
        dark: NDArray[np.float32],
        flat: NDArray[np.float32],
        out: NDArray[np.float32],
    ) -> None: ...
    def backproject(
        self,
        filtered: NDArray[np.float32],
        cos_sin: NDArray[np.float32],
        packed: NDArray[np.float32],
        center: float,
        planes: tuple[int, int, int],
    ) -> None: ...

class Copier:
    def __init__(self, threads: int) -> None: ...
    def copy(self, target: NDArray[np.uint8], sources: list[NDArray[Any]]) -> None: ...
