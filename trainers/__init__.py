"""What nnU-Net loads through ``nnUNet_extTrainer``: one file a trainer, named as its class.

Whenever nnU-Net looks for anybody's external trainer it imports every module of this folder, in name order, and asks
each for the name. So nothing else lies here, and no module imports torch before its own name is asked for. For any
other name the file that it is spelled much like says so, if it can: whatever is missing or broken on our side, other
people's trainers stay findable. Since the name alone says which network and
which options are meant, the files differ in nothing else.
"""
