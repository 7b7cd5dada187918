"""What pod and worker put into object storage: answers to keep, and what is too large to answer."""
