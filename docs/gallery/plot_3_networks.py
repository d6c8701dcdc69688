"""
Skip policies, and what they cost on a plan
===========================================

Each network is the plan's own encoder with a decoder whose skips follow a policy. This builds all of them on one plan
for 256 x 256 images, as nnU-Net makes it, and counts parameters, FLOPs and the memory of activations.
"""

import matplotlib.pyplot as plt

from nnunet_skipstudy import ARCHITECTURES, build_network, network_cost

STAGES = 7
PLAN = {
    "arch_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "arch_kwargs": {
        "n_stages": STAGES,
        "features_per_stage": [32, 64, 128, 256, 512, 512, 512],
        "conv_op": "torch.nn.modules.conv.Conv2d",
        "kernel_sizes": [[3, 3]] * STAGES,
        "strides": [[1, 1], *[[2, 2]] * (STAGES - 1)],
        "n_conv_per_stage": [2] * STAGES,
        "n_conv_per_stage_decoder": [2] * (STAGES - 1),
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    },
    "arch_kwargs_req_import": ["conv_op", "norm_op", "nonlin"],
}

# %%
# The skips of each network, full resolution first.
for name, architecture in ARCHITECTURES.items():
    print(f"{name:<14}", *(policy.value for policy in architecture.policies(STAGES - 1)))

# %%
# Built, counted, and held against the U-Net.
costs = {}
for name in ARCHITECTURES:
    network = build_network(name, **PLAN, input_channels=1, output_channels=2, deep_supervision=True)
    costs[name] = network_cost(network, 1, (256, 256))

fig, axes = plt.subplots(1, 3, figsize=(11, 3.4), sharey=True)
for ax, field, title in zip(
    axes,
    ("parameters", "forward_flops", "activation_bytes"),
    ("parameters", "FLOPs of a forward pass", "memory of activations"),
    strict=True,
):
    ratios = [getattr(cost, field) / getattr(costs["UNet"], field) for cost in costs.values()]
    bars = ax.barh(list(costs), ratios, color=[architecture.colour for architecture in ARCHITECTURES.values()])
    ax.bar_label(bars, fmt="%.2f", padding=3)
    ax.axvline(1, color="0.5", linewidth=0.8)
    ax.set(title=title, xlabel="ratio to the U-Net", xlim=(0, 1.25 * max(ratios)))
axes[0].invert_yaxis()
fig.tight_layout()
