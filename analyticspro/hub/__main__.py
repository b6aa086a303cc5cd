"""`python -m analyticspro.hub --home DIR`: the hub of a workspace.

What a file `jupyterhub_config.py` in the home sets is set last, and counts.
"""

from __future__ import annotations

import argparse
import os

from jupyterhub.app import JupyterHub
from traitlets.config import Config

from analyticspro import clock
from analyticspro.config import Home
from analyticspro.hub import configure
from analyticspro.hub.database import take_on


def main() -> None:
    """Run the hub until it is told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", required=True)
    home = Home.find(parser.parse_args().home)
    take_on(home, now=clock.now())
    config = Config()
    configure(config, home)
    os.chdir(home.path)  # where it looks for the file
    JupyterHub.instance(config=config)
    JupyterHub.launch_instance([])


if __name__ == "__main__":
    main()
