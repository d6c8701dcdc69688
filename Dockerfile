# A container with nnU-Net and this plugin, built from a clone out of PyPI's packages; it holds no data and no weights.
#   docker build -t skipstudy . && docker run --rm --gpus all --shm-size 8g -v "$PWD/study:/study" skipstudy doctor
# Apptainer runs the same image (apptainer build skipstudy.sif docker-daemon://skipstudy:latest) as the calling user:
#   apptainer run --nv --bind "$PWD/study:/study" skipstudy.sif run /study/study.yaml
FROM python:3.12-slim
WORKDIR /opt/nnunet_skipstudy
COPY pyproject.toml README.md LICENSE ./
COPY nnunet_skipstudy nnunet_skipstudy
COPY trainers trainers
COPY dataset_conversion dataset_conversion
COPY analysis analysis
RUN pip install --no-cache-dir '.[slurm]' && rm -rf build *.egg-info
# Any user may run it: what is compiled on first use and what matplotlib keeps goes into /tmp.
ENV nnUNet_raw=/study/nnUNet_raw \
    nnUNet_preprocessed=/study/nnUNet_preprocessed \
    nnUNet_results=/study/nnUNet_results \
    NUMBA_CACHE_DIR=/tmp/numba \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /study
# "skipstudy COMMAND ..." sees the trainers, and so does any nnUNetv2_* line: docker run skipstudy nnUNetv2_train ...
RUN printf '%s\n' '#!/bin/sh' 'eval "$(skipstudy env --root /study | grep nnUNet_extTrainer)"' \
    'case "${1:-}" in nnUNetv2_*|sh|bash|python*) exec "$@" ;; *) exec skipstudy "$@" ;; esac' > /usr/local/bin/entry \
    && chmod +x /usr/local/bin/entry
ENTRYPOINT ["entry"]
