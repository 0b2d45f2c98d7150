"""What `file_ops` does with files, all of it inside one folder that nothing leads out of."""
