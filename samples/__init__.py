"""A generated photograph with a crack whose length and width are known, and the program that makes it."""
