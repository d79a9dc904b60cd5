"""Modules: what is imported is not searched for garbage."""

import gc

from features.cli.modules import modules_stay


def test_what_stays_is_exempt_and_garbage_is_collected_again_afterwards() -> None:
    before = gc.get_freeze_count()
    try:
        with modules_stay():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
