"""Graph → IR: one file for each family of Aesara's ops."""
