# One image; the command decides: serve, worker, headend, agent.
#   docker build -t afterbay .
#   docker run --rm afterbay doctor
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 UV_LINK_MODE=copy VIRTUAL_ENV=/opt/afterbay
COPY requirements-uv.lock requirements-run.lock ./
RUN pip install --require-hashes -r requirements-uv.lock \
    && uv venv /opt/afterbay \
    && uv pip install --require-hashes -r requirements-run.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY src src
RUN uv pip install --no-deps .

FROM python:${PYTHON}
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/afterbay afterbay
COPY --from=build /opt/afterbay /opt/afterbay
COPY --chmod=0755 deploy/healthy.py /opt/afterbay/bin/afterbay-healthy
ENV PATH=/opt/afterbay/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AFTERBAY_DATA_DIR=/var/lib/afterbay/data \
    AFTERBAY_LOG_FORMAT=json
USER afterbay
WORKDIR /var/lib/afterbay
# The kernels are compiled here, so that no container does it at its first job.
RUN python -c "from afterbay.server.worker import warm_up; warm_up()" && mkdir -p data
VOLUME /var/lib/afterbay/data
EXPOSE 8000 3001 50051
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=4 CMD ["afterbay-healthy"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["afterbay"]
CMD ["serve"]
