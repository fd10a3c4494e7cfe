"""What every test shares: shapes checked while the tests run, and Hypothesis without deadlines."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

# Before anything imports the package: what is imported earlier stays unchecked. The numeric tower lets an
# int stand for a float, as mypy does.
install_import_hook(
    "sploot_media_clustering", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)

# A shell that runs the tests in the background has them, and every command that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Deadlines fail on shared and slow machines for reasons that are not the code's.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))
