"""What knows no science: files, locks, folders, command lines."""
