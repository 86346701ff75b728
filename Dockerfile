# Zhike on a CPU, models inside, nothing downloaded at run time.
#   docker build -t support-chat .
#   docker run -p 7860:7860 -v support-chat:/home/zhike/.zhike support-chat
# The first start prints a one-time token: docker logs.
FROM python:3.11-slim

RUN useradd --create-home --uid 10001 zhike && mkdir /app /models && chown zhike /app /models
USER zhike
WORKDIR /app
ENV ZHIKE_MODELS=/models PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0 PYTHONUNBUFFERED=1

# Torch alone, so that a change of our code does not install it again. TORCH_INDEX: an index with
# torch's CPU builds; without it the default build comes, with 2 GB for GPUs.
ARG TORCH_INDEX=
COPY --chown=zhike constraints.txt ./
RUN python -m venv .venv && \
    .venv/bin/pip install --constraint constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0

COPY --chown=zhike pyproject.toml README.md ./
COPY --chown=zhike chatbot chatbot
COPY --chown=zhike knowledge knowledge
COPY --chown=zhike finetune finetune
COPY --chown=zhike ui ui
COPY --chown=zhike samples samples
RUN .venv/bin/pip install --constraint constraints.txt --editable ".[cpu]" && .venv/bin/zhike models pull

VOLUME /home/zhike/.zhike
EXPOSE 7860
# Alive, not ready: samples and models may load for minutes behind the open port.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["/app/.venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["/app/.venv/bin/zhike", "serve", "--host", "0.0.0.0"]
