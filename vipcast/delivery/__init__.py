"""Getting it there once: the ledger, sending, pacing, receipts."""
