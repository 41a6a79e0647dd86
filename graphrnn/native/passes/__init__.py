"""IR → IR: fusion and copy elision."""
