# Zoolens with the processor's own torch, for any machine without a GPU.
#
#   docker build -t zoolens .
#   docker run --read-only --tmpfs /tmp -p 127.0.0.1:8501:8501 \
#     -v zoolens-runs:/var/lib/zoolens/runs -v zoolens-data:/var/lib/zoolens/data zoolens
#
# Nothing is written but to the two volumes and to /tmp. SECURITY.md says what to put in front.
FROM python:3.11-slim-bookworm

WORKDIR /app

# torch alone comes from PyTorch's index: PyPI's wheels for Linux carry 3 GB of CUDA.
COPY requirements*.txt ./
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN grep -E '^torch(vision)?[<=>]' requirements.txt \
    | pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu -r /dev/stdin
ARG REQUIREMENTS=requirements.txt
RUN pip install --no-cache-dir -r requirements.txt -r "${REQUIREMENTS}"

COPY . .
RUN python -m compileall -q app.py pages training ui viz zoo \
    && useradd --system --uid 10001 --home-dir /tmp --shell /usr/sbin/nologin zoolens \
    && install -d -o zoolens -g zoolens /var/lib/zoolens/runs /var/lib/zoolens/data

USER 10001
ENV PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    ZOOLENS_RUNS=/var/lib/zoolens/runs \
    ZOOLENS_DATA=/var/lib/zoolens/data
VOLUME ["/var/lib/zoolens/runs", "/var/lib/zoolens/data"]
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as net; net.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py", "--server.headless=true", "--server.address=0.0.0.0", "--server.port=8501"]
