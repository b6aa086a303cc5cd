"""`python -m analyticspro.policy > docs/permissions.md`: the page about who may do what."""

import sys

from analyticspro.policy.page import markdown

sys.stdout.write(markdown())
