# One image for every process; the data folder is a volume.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.lock torch.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements.lock \
    && pip install --constraint torch.lock torch torchvision

COPY . .
RUN useradd --create-home --uid 1000 shop && mkdir -p /data && chown shop /data
USER shop
ENV EBRCS_DATA_DIR=/data
RUN EBRCS_SECRET_KEY=only-for-collecting-static-files EBRCS_STATIC_ROOT=/home/shop/static \
    python manage.py collectstatic --no-input --verbosity 0
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"
CMD ["daphne", "--bind", "0.0.0.0", "--port", "8000", "--verbosity", "0", \
     "--websocket-max-message-size", "2097152", "--websocket-max-frame-size", "2097152", "ebrcs.asgi:application"]
