"""Which GPUs can be used, and if none, why."""

from functools import cache

from tomostream.core.errors import BackendUnavailableError
from tomostream.recon.cuda.device import Device
from tomostream.recon.cuda.driver import extra_for, find_driver


@cache
def find_devices() -> tuple[Device, ...]:
    """Give all GPUs, kernels compiled; once a process.

    CUDA_VISIBLE_DEVICES says which are to be used.

    Raises
    ------
    BackendUnavailableError
        Says what is missing, and what to install.
    """
    driver = find_driver()
    if driver.problem:
        raise BackendUnavailableError(driver.problem)
    try:
        from tomostream.recon.cuda.cupy_device import CupyDevice
    except ImportError as exc:
        raise BackendUnavailableError(
            f"there is a GPU, {driver.gpus[0]}, but CuPy does not work ({exc}); "
            f"pip install 'tomostream[{extra_for(driver.version)}]'"
        ) from exc
    return tuple(CupyDevice(index) for index in range(len(driver.gpus)))
