import pytest

from tomostream.core.errors import BackendUnavailableError
from tomostream.recon.cuda.selection import find_devices


@pytest.fixture(autouse=True, scope="session")
def gpu():
    """Skip where no GPU works, and say why."""
    try:
        return find_devices()
    except BackendUnavailableError as exc:
        pytest.skip(f"no GPU: {exc}")
