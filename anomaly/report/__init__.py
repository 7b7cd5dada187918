"""Findings in the forms that other programs read: `csv` for spreadsheets, `coco` for labelling and training."""
