"""What the trainers share. Nothing heavy is imported here: nnU-Net imports every trainer file at each lookup."""
