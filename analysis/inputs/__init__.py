"""What is analysed: runs, references, labels, and which belongs to which."""
