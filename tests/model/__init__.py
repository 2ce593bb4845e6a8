"""What product.md says of session requests, written once more without SQL: whole minutes instead of instants.

`test_model.py` plays it beside the real verbs (`shop`).
"""
