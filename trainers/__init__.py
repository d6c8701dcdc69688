"""What nnU-Net loads through ``nnUNet_extTrainer``: one file a trainer, named as its class.

nnU-Net imports every module of this folder, in name order, whenever it looks for anybody's external trainer: nothing
else may lie here, and no module here may fail to import.
"""
