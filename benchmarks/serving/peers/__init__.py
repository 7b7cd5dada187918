"""The servers that one could pick instead, one file each, written as their documentation shows.

Each runs in the peers' environment as `python -m benchmarks.serving.peers.NAME PORT MODEL`, MODEL being
`lock` or a network's file. Each reads the photograph from `POST /detect/upload` (a form's `file`) and
from `POST /detect` (`image`, base64 in JSON), and lets its model see up to `task.MAX_BATCH` at once.
"""
