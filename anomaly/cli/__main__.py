"""`python -m anomaly.cli`: the same program, where its script is not on the path."""

from anomaly.cli.app import main

main()
