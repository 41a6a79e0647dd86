"""The same network looped in several ways: equal numbers proved first, then what each way costs."""
