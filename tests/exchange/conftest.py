from tests.store.conftest import path, store, talk

__all__ = ["path", "store", "talk"]
