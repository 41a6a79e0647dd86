"""The IR: programs, operations, views, and what checks them."""
