"""JupyterHub's configuration for a workspace: `jupyterhub -f hub/jupyterhub_config.py`.

It holds no list of its own. Who may do what is in `analyticspro/policy/table.py`; addresses are in
the workspace's settings.toml. What is set below the call is yours.
"""

from analyticspro.config import Home
from analyticspro.hub import configure

c = get_config()  # noqa: F821
configure(c, Home.find())
