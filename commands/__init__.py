"""How something becomes true: the ledger, the handler, keys, the notary and the object store."""
