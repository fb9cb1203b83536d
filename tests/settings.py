"""The shop's own settings, over a data folder of the process's own.

Tests may run in several processes (pytest-xdist). pytest-django gives each a database of its own, the lines
below a data folder and a Redis database: the first has the one that REDIS_URL names, the others the next.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile

data_dir = tempfile.mkdtemp(prefix="ebrcs-tests-")
atexit.register(shutil.rmtree, data_dir, ignore_errors=True)
os.environ["EBRCS_DATA_DIR"] = data_dir
os.environ["EBRCS_SECRET_KEY"] = "tests-only-0123456789-0123456789-0123456789-0123456789"
os.environ.setdefault("OMP_NUM_THREADS", "1")
for name in (
    "EBRCS_DEBUG",
    "EBRCS_ENCODER",
    "EBRCS_ALLOWED_HOSTS",
    "EBRCS_ALLOWED_ORIGINS",
    "EBRCS_LANGUAGE",
):
    os.environ.pop(name, None)

worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
if redis_url := os.environ.get("REDIS_URL"):
    os.environ["REDIS_URL"] = re.sub(r"/(\d+)$", lambda found: f"/{int(found[1]) + int(worker)}", redis_url)

from ebrcs.settings import *  # noqa: E402, F403

ENGINE_AT_START = False
HOUSEKEEPING = False
DATABASE_POOLED = False
PASSWORD_HASHERS = ["tests.hashers.QuickBCryptSHA256PasswordHasher"]
