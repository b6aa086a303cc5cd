from __future__ import annotations

from tests.state.fresh import fresh_address, make_fresh, state

__all__ = ["fresh_address", "make_fresh", "state"]
