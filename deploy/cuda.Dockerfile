# The worker on NVIDIA GPUs: docker build --file deploy/cuda.Dockerfile --tag sploot-media-clustering:cuda .
# The driver comes from the host (580 or newer); CUDA and cuDNN from the image, in the versions of ONNX Runtime.
FROM nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04 AS build
ARG EXTRAS=service,signing,s3,gcs
ARG ONNXRUNTIME_GPU=1.31.1
ARG CYCLONEDX_BOM=7.5.0
WORKDIR /build
# The versions are those of the base image's release.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv \
  && rm -rf /var/lib/apt/lists/* && python3 -m venv /opt/sploot
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY src src
# onnxruntime-gpu is onnxruntime with more providers, under another name and in the same folder, in fewer versions.
RUN /opt/sploot/bin/pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]" \
  && /opt/sploot/bin/pip uninstall --yes onnxruntime \
  && /opt/sploot/bin/pip install --no-cache-dir --no-deps "onnxruntime-gpu==${ONNXRUNTIME_GPU}"
# What the image holds, as CycloneDX; the system's own packages are in its list of them.
RUN python3 -m venv cyclonedx \
  && cyclonedx/bin/pip install --no-cache-dir "cyclonedx-bom==${CYCLONEDX_BOM}" \
  && cyclonedx/bin/cyclonedx-py environment --output-file /opt/sploot/sbom.cdx.json /opt/sploot/bin/python

FROM nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04
# The versions are those of the base image's release.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends python3 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --no-create-home --home-dir /nonexistent sploot \
  && install --directory --owner sploot /var/cache/sploot
COPY --from=build /opt/sploot /opt/sploot
ENV PATH=/opt/sploot/bin:$PATH \
  PYTHONDONTWRITEBYTECODE=1 \
  SPLOOT_CACHE=/var/cache/sploot \
  SPLOOT_WORKER_HOST=0.0.0.0 \
  SPLOOT_WORKER_PORT=9090
USER 10001:10001
VOLUME /var/cache/sploot
EXPOSE 9090
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
  "import urllib.request as u; u.urlopen('http://127.0.0.1:9090/healthz', timeout=4)"]
ENTRYPOINT ["sploot-clustering"]
CMD ["worker"]
