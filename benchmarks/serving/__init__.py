"""Our server beside others: the same photographs, the same model, the same machine."""
