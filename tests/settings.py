"""The shop's own settings, over a data folder of the test run's own."""

from __future__ import annotations

import atexit
import os
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

from ebrcs.settings import *  # noqa: E402, F403

ENGINE_AT_START = False
HOUSEKEEPING = False
PASSWORD_HASHERS = ["tests.hashers.QuickBCryptSHA256PasswordHasher"]
