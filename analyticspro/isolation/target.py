"""What attacks are made on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Target"]


@dataclass(frozen=True)
class Target:
    """What is attacked: things of whoever runs the services, and of another person.

    Attributes:
        secret: A text that is in all of them, by which a success is known.
        file: A file of the services, such as the warehouse.
        other_file: A file of another person.
        environment: A folder that code may read and must not write.
        own: The attacker's own folder.
        pid: A process of the services; its environment and memory hold the secret.
        ports: Where services listen: `tcp` and `udp`.
        paths: Unix sockets of services: `path` in the file system, `abstract` in none.
        shared: The id of shared memory.
    """

    secret: str
    file: str
    other_file: str
    environment: str
    own: str
    pid: int
    ports: dict[str, int]
    paths: dict[str, str]
    shared: int

    def found_in(self, data: bytes) -> bool:
        """Return whether the secret is in what was got hold of."""
        return self.secret.encode() in data
