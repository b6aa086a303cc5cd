"""`python -m analyticspro` is the command `analyticspro`."""

from analyticspro.cli import main

main(prog_name="analyticspro")
