"""The two shells round the one core. They translate, and nothing else."""
