"""The steps by which the store's schema came to be, run by `features.store.migrate`."""
