"""The secrets of sources: passwords, tokens and keys, sealed in the home."""

from analyticspro.secrets_store.keys import KeyPlace
from analyticspro.secrets_store.store import Kept, Secrets, split

__all__ = ["Kept", "KeyPlace", "Secrets", "split"]
