"""Where a state database may be made."""

from tests.state.conftest import address

__all__ = ["address"]
