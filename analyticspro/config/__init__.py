"""Where a workspace lives, and its settings.

Everything of one workspace is in one folder, its home, readable by its owner alone:

    settings.toml       what a person may change (see `Settings`)
    sources.toml        the sources to sync
    token               secret of the api, made at first start
    warehouse.duckdb    the data; only the api opens it (with its log, .wal, and .confirmed)
    state.db            schedules, their runs, who changed them
    archive/ erasures/  events of long ago; receipts of who was erased
    run/ logs/ backups/ reports/ notebooks/
    hub/                the hub's own database and secrets

A setting is taken from the environment (`ANALYTICSPRO_PORT=9000`), else from
settings.toml, else from its default.
"""

from analyticspro.config.addresses import Addresses, is_loopback
from analyticspro.config.home import Home
from analyticspro.config.hub_secrets import hub_folder, secret
from analyticspro.config.settings import Settings
from analyticspro.config.surroundings import environment

__all__ = ["Addresses", "Home", "Settings", "environment", "hub_folder", "is_loopback", "secret"]
