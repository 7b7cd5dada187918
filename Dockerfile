# syntax=docker/dockerfile:1
# One image for a pod, a queue's worker and a load balancer's worker; the environment decides.
#
#   docker build -t anomaly-server .
#   docker build -t anomaly-server:cpu --build-arg DEVICE=cpu .
#   docker build -t anomaly-server:baked --build-arg WEIGHTS="rfdetr_medium sam2_large" .
#
# DEVICE=gpu takes PyPI's torch, which needs a driver for CUDA 13.0; any other word is an index of PyTorch's own:
# cpu, or cu126 and the like for older drivers.
# Weights in models/ are taken in too. A gated file needs a token: --secret id=hf_token,env=HF_TOKEN
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ARG DEVICE=gpu
# sam2 would compile a CUDA extension that nothing here uses.
ENV SAM2_BUILD_CUDA=0 \
    UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    UV_NO_CACHE=1 \
    VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:$PATH
SHELL ["/bin/sh", "-euc"]
WORKDIR /app
RUN python3 -m venv /opt/venv && pip install --no-cache-dir uv==0.13.8
COPY pyproject.toml constraints.txt ./
# What the product stands on, in a layer that changes with it alone.
RUN if [ "$DEVICE" != gpu ]; then export UV_TORCH_BACKEND="$DEVICE"; fi; \
    uv pip install --constraint constraints.txt --build-constraint constraints.txt \
        --requirement pyproject.toml --extra models --extra sam3 --extra serverless
COPY README.md LICENSE entrypoint.py ./
COPY anomaly anomaly
COPY configs configs
COPY deploying deploying
RUN uv pip install --no-deps --build-constraint constraints.txt --editable . && pip uninstall --yes uv

FROM build AS weights
ARG WEIGHTS=""
COPY models /models
# The names are words of their own.
# hadolint ignore=SC2086
RUN --mount=type=secret,id=hf_token python -m deploying.bake /models $WEIGHTS

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="Anomaly server" \
      org.opencontainers.image.description="Photographs of structures in; measured, located, structured defects out." \
      org.opencontainers.image.licenses="Apache-2.0"
# The driver's libraries are the host's; these make its container runtime bring them in.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/home/anomaly \
    XDG_CACHE_HOME=/tmp/cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    API_PORT=8000
# A volume that Docker makes anew belongs to whom its folder in the image belongs.
RUN useradd --uid 10001 --user-group --create-home --home-dir /home/anomaly anomaly && \
    install --directory --owner=10001 --group=10001 /runpod-volume
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY --from=weights /models /models
USER 10001:10001
EXPOSE 8000
# Alive is what it asks: a server that is loading is. Who waits for the models asks /health or /ping.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-m", "deploying.healthcheck"]
STOPSIGNAL SIGTERM
# The first process, so that it hears the signal to stop.
ENTRYPOINT ["python", "entrypoint.py"]
