"""What the product achieves, measured: each program prints a table and writes JSON."""
