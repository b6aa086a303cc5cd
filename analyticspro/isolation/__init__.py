"""One person's code, shut in: Linux namespaces, and an own uid where root starts it."""

from analyticspro.isolation.canary import Verdict, check
from analyticspro.isolation.launch import CUT
from analyticspro.isolation.persons import Person, person
from analyticspro.isolation.sandbox import Sandbox

__all__ = ["CUT", "Person", "Sandbox", "Verdict", "check", "person"]
