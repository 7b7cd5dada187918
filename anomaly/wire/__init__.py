"""The JSON contract, one for every door: `request` parses what comes in, `answer` writes what goes out."""
